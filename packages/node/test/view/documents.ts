import {
  type BlockStatus,
  encodeBlockStatus,
  encodeFinality,
  encodeHealth,
  encodeNetwork,
  encodeOperatorSet,
  encodeOperatorSummary,
  encodeRollup,
  encodeTransactionStatus,
  type Finality,
  type FollowedRollup,
  type Health,
  type Network,
  type OperatorSummary,
  parseDocument,
  ROUTES,
  type TransactionStatus,
} from "@mach/api";
import type { OperatorSet } from "@mach/core";
import { expect } from "vitest";

interface Answers {
  readonly block: BlockStatus;
  readonly transaction: TransactionStatus;
  readonly finality: Finality;
  readonly health: Health;
  readonly network: Network;
  readonly rollups: readonly FollowedRollup[];
  readonly operatorSet: OperatorSet;
  readonly operators: readonly OperatorSummary[];
}

const ENCODE: { readonly [Id in keyof Answers]: (answer: Answers[Id]) => object } = {
  block: encodeBlockStatus,
  transaction: encodeTransactionStatus,
  finality: encodeFinality,
  health: encodeHealth,
  network: encodeNetwork,
  rollups: (all) => all.map(encodeRollup),
  operatorSet: encodeOperatorSet,
  operators: (all) => all.map(encodeOperatorSummary),
};

/** The document of an answer, after the route's schema has read it back to the same text. */
export function documentOf<Id extends keyof Answers>(id: Id, answer: Answers[Id]): object {
  const data = JSON.parse(JSON.stringify(ENCODE[id](answer))) as object;
  const parsed = parseDocument(ROUTES[id].answer as never, { data }) as {
    ok: boolean;
    value?: { data: Answers[Id] };
  };
  expect(parsed).toMatchObject({ ok: true });
  if (parsed.value === undefined) throw new Error("unreachable");
  expect(ENCODE[id](parsed.value.data)).toEqual(data);
  return data;
}

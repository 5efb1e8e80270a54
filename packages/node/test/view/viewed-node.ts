import type { BlockStatus } from "@mach/api";
import { type BatchVerifier, createBatchVerifier } from "@mach/bls";
import type { Hex, RollupParameters, VerifiedBlock } from "@mach/core";
import type { InclusionResult } from "@mach/rollups";
import { expect } from "vitest";
import { UNREAD_STATUS } from "../../src/engine/settled-claims-follower.ts";
import type { NodeView, ViewResult } from "../../src/http/node-view.ts";
import { createEngineView } from "../../src/view/engine-view.ts";
import { createEventHub } from "../../src/view/events.ts";
import {
  blockAt,
  bls,
  certify,
  claimAt,
  createEngineNode,
  type EngineNode,
  operatorSetOf,
  PARAMETERS,
  ROLLUP_ID,
  SCHEDULE,
} from "../engine/engine-node.ts";
import { inclusionProof } from "../http/memory-view.ts";
import { documentOf } from "./documents.ts";

/** One for all files that a process runs tests of: its thread ends with the process. */
let verifier: Promise<BatchVerifier> | undefined;
export const ALL = [0, 1, 2, 3];
export const TRANSACTION: Hex = `0x${"7a".repeat(32)}`;

export interface Viewed {
  readonly node: EngineNode;
  readonly view: NodeView;
  /** The blocks in which a transaction was to be proved, and what is answered. */
  readonly proven: Hex[];
  inclusion: InclusionResult;
  /** What happens while a source is asked for a transaction's block. */
  onProve: () => Promise<void>;
  /** The blocks that the rollup's sources have, ascending. */
  archive: readonly VerifiedBlock[];
  /** By transaction hash: what the rollup's sources answer. */
  readonly receipts: Map<Hex, Hex>;
  verifications: number;
  finalize(blockNumber: bigint, branch?: number): void;
}

/** A view of a node that has seen blocks 1 to 10. */
export async function create(
  abstention: string | null = null,
  change: Partial<RollupParameters> = {},
): Promise<Viewed> {
  const rollups = [{ ...PARAMETERS, ...change }];
  verifier ??= createBatchVerifier();
  const node = createEngineNode({ verifier: await verifier, engine: { chainDepth: 20 } });
  const receipts = new Map<Hex, Hex>();
  const viewed: Omit<Viewed, "view"> = {
    ...{ node, receipts, verifications: 0, proven: [], archive: [] },
    inclusion: { ok: true, proof: inclusionProof },
    onProve: async () => undefined,
    finalize(blockNumber, branch = 0) {
      const { blockHash, timestamp } = blockAt(blockNumber, branch);
      const finalized = { blockNumber, blockHash, timestamp };
      node.shell.input({ type: "heads", rollupId: ROLLUP_ID, safe: null, finalized });
    },
  };
  const view = createEngineView({
    state: () => node.shell.state(),
    store: node.store,
    bls: {
      ...bls,
      verifyAggregate: (signed) => {
        viewed.verifications += 1;
        return bls.verifyAggregate(signed);
      },
    },
    events: createEventHub(),
    transactions: {
      blockOf: async (_, hash) => receipts.get(hash) ?? null,
      async prove(_, asked) {
        viewed.proven.push(asked.blockHash);
        await viewed.onProve();
        return viewed.inclusion;
      },
      block: async (_, hash) => viewed.archive.find((each) => each.blockHash === hash) ?? null,
      async headersBetween(_, { top, bottom }) {
        const between = viewed.archive.filter(
          ({ blockNumber }) => blockNumber <= top.blockNumber && blockNumber > bottom.blockNumber,
        );
        return viewed.archive.some(({ blockHash }) => blockHash === top.blockHash)
          ? between.map(({ headerRlp }) => headerRlp).reverse()
          : null;
      },
    },
    abstention: () => abstention,
    sources: () => ({ agree: 1, sources: [], settlement: UNREAD_STATUS }),
    health: () => {
      throw new Error("not asked");
    },
    now: () => node.clock.now,
  });
  for (const epoch of [0n, 1n]) {
    const operatorSet = operatorSetOf(epoch);
    await node.store.putEpoch({ operatorSet, rollups });
    node.shell.input({ type: "set-known", operatorSet, rollups });
  }
  for (let number = 1n; number <= 10n; number += 1n) node.block(number);
  node.clock.now = Number(SCHEDULE.genesisTime + 11n) * 1_000;
  return Object.assign(viewed, { view });
}

export function must<T>(result: ViewResult<T>): T {
  if (!result.ok) throw new Error(result.code);
  return result.value;
}

export async function blockStatus({ view }: Viewed, block: bigint | Hex): Promise<BlockStatus> {
  const value = must(await view.block(ROLLUP_ID, block));
  documentOf("block", value);
  return value;
}

export async function certifyAt({ node }: Viewed, ...numbers: readonly bigint[]): Promise<void> {
  for (const number of numbers) {
    await node.shell.receiveCertificate(certify(claimAt(number), ALL));
  }
  await node.shell.settle();
}

/** Moves the newest block so far that the first ones have left memory. */
export async function pruneFirst(viewed: Viewed): Promise<void> {
  for (let number = 11n; number <= 60n; number += 1n) viewed.node.block(number);
  await certifyAt(viewed, 60n);
  viewed.node.block(61n);
  expect(viewed.node.shell.state().rollups.get(ROLLUP_ID)?.certified.size).toBe(1);
}

import type { BlockStatus, ClientResult, TransactionStatus } from "@mach/api";
import type { Hex } from "@mach/core";
import type { FastFinalTransaction, TransactionAnswer } from "./answers.ts";
import { askAll } from "./endpoints.ts";
import { checkInclusion, type ProvenTransaction } from "./inclusion.ts";
import {
  agreedHash,
  type Judged,
  judgeBlock,
  judgeFailure,
  type ProvenBlock,
  pendingAt,
} from "./judgement.ts";
import type { FullPolicy } from "./policy.ts";
import {
  combine,
  type QueryContext,
  queryBlock,
  refusedSubject,
  statusOf,
  type Told,
} from "./queries.ts";

export interface TransactionQuestion {
  readonly rollupId: bigint;
  readonly transactionHash: Hex;
  readonly policy: FullPolicy;
  readonly inclusion: "proven" | "agreed";
}

type Proven = ProvenBlock & ProvenTransaction;
type Ask = Told<Proven, TransactionStatus>;

/** Whether a transaction is proved to be in a block in or under a valid certificate. */
export async function queryTransaction(
  context: QueryContext,
  question: TransactionQuestion,
): Promise<TransactionAnswer> {
  const { rollupId, transactionHash } = question;
  const told = await askAll<"transaction", Ask>(context.endpoints, {
    ask: (client) => client.get("transaction", { rollupId, transactionHash }),
    judge: (result, { url }) => judgeTransaction(context, question, { result, endpoint: url }),
    isDecisive: ({ judged }) => judged.kind === "verified",
    compareMs: context.compareMs,
  });
  const answer = combine(context, rollupId, told);
  if (answer.status === "fast-final") {
    const proven: FastFinalTransaction = { ...answer, transactionHash, inclusion: "proven" };
    return proven;
  }
  const mayAgree = question.inclusion === "agreed" && answer.status === "not-yet";
  return mayAgree ? ((await queryAgreed(context, question, told)) ?? answer) : answer;
}

/**
 * The status of the block that `agree` endpoints say the transaction is in: where it is they may
 * be wrong about, so that no single one decides. Null where no endpoint names a block.
 */
async function queryAgreed(
  context: QueryContext,
  { rollupId, transactionHash, policy }: TransactionQuestion,
  told: readonly Ask[],
): Promise<TransactionAnswer | null> {
  const said: readonly BlockStatus[] = told.flatMap(({ data }) => data ?? []);
  const hashes = said.flatMap(({ block }) => (block === null ? [] : [block.blockHash]));
  if (hashes.length === 0) return null;
  const block = agreedHash(hashes, context.agree);
  if (block === null) {
    const endpoints = told.map(({ judged: { endpoint } }) => ({ endpoint, code: "no-agreement" }));
    return {
      status: "not-yet",
      code: "no-agreement",
      reported: statusOf(context, said),
      endpoints,
    };
  }
  const answer = await queryBlock(context, { rollupId, block, policy });
  if (answer.status !== "fast-final") return answer;
  return { ...answer, transactionHash, inclusion: "agreed" };
}

async function judgeTransaction(
  context: QueryContext,
  question: TransactionQuestion,
  said: { readonly result: ClientResult<"transaction">; readonly endpoint: string },
): Promise<Ask> {
  const { result, endpoint } = said;
  if (!result.ok) return { judged: judgeFailure(endpoint, result), data: null };
  const { data } = result.answer;
  const { rollupId, transactionHash } = question;
  const isAsked = data.transactionHash === transactionHash && data.rollupId === rollupId;
  if (!isAsked) return { judged: refusedSubject(endpoint), data: null };
  return { judged: await judgeProof(context, question, { data, endpoint }), data };
}

async function judgeProof(
  context: QueryContext,
  { rollupId, transactionHash, policy }: TransactionQuestion,
  { data, endpoint }: { readonly data: TransactionStatus; readonly endpoint: string },
): Promise<Judged<Proven>> {
  if (data.block === null) return pendingAt(endpoint, data);
  const { blockHash } = data.block;
  const question = { rollupId, block: blockHash, policy };
  const judged = await judgeBlock(context, question, { endpoint, data, nowMs: context.now() });
  if (judged.kind !== "verified") return judged;
  if (data.proof === null) {
    if (data.proofGap === null) return { kind: "refused", endpoint, code: "no-proof" };
    return { kind: "pending", endpoint, code: data.proofGap };
  }
  const inclusion = checkInclusion(data.proof, { blockHash, transactionHash });
  if (!inclusion.ok) return { kind: "refused", endpoint, code: inclusion.code };
  return { ...judged, value: { ...judged.value, ...inclusion.value } };
}

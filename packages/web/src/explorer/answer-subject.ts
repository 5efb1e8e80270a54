import type {
  BlockStatus,
  ClientResult,
  DocumentRouteId,
  Hex,
  TransactionStatus,
} from "@mach/sdk/reader";

/** A request that gave no answer. */
export type Failure = Extract<ClientResult<DocumentRouteId>, { readonly ok: false }>;

type Asked<T> = { readonly ok: true; readonly answer: T } | Failure;

/** A block as a page asks for it. */
export interface BlockQuestion {
  readonly rollupId: bigint;
  readonly block: bigint | Hex;
}

/**
 * An answer, where it is of what was asked. A node that lies gives another answer that is right in
 * itself, and its proofs would stand on the page of what nobody has ever signed.
 */
export function onlyAsked<T>(said: Asked<T>, isAsked: (answer: T) => boolean): Asked<T> {
  if (!said.ok || isAsked(said.answer)) return said;
  return { ok: false, code: "bad-answer", message: "It is of something else than was asked." };
}

/** Whether a status is of the block that was asked for; of a block that is not known, too. */
export function isOfBlock(
  { rollupId, block }: Pick<BlockStatus, "rollupId" | "block">,
  asked: BlockQuestion,
): boolean {
  if (rollupId !== asked.rollupId) return false;
  if (block === null) return true;
  return (typeof asked.block === "bigint" ? block.blockNumber : block.blockHash) === asked.block;
}

/** Whether a status is of the transaction that was asked for. */
export function isOfTransaction(
  status: Pick<TransactionStatus, "rollupId" | "transactionHash">,
  asked: { readonly rollupId: bigint; readonly hash: Hex },
): boolean {
  return status.rollupId === asked.rollupId && status.transactionHash === asked.hash;
}

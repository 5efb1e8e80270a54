// A dApp that follows one transfer from its hash to fast finality. A receipt of an RPC comes first and is
// only a hope: its block may still be reorganised away, and then another block is waited for.
import type { FastFinalTransaction, MachClient } from "@mach/sdk";

/** A viem public client has this; so has whatever else waits for receipts. */
export interface ReceiptSource {
  waitForTransactionReceipt(request: {
    readonly hash: `0x${string}`;
    readonly timeout?: number;
  }): Promise<{ readonly blockHash: `0x${string}` }>;
}

export type Stage =
  /** An RPC says which block it is in: nothing is final. */
  | { readonly stage: "included"; readonly blockHash: `0x${string}` }
  /** Proved from its receipt to a certificate. */
  | { readonly stage: "final"; readonly transaction: FastFinalTransaction }
  /** Two certificates conflict: tell the user to wait for L1. */
  | { readonly stage: "contradicted" };

const ROUND_MS = 15_000;

/** The stages of a transfer; it ends after `final` or `contradicted`, or with its signal. */
export async function* watchTransfer(
  dependencies: { readonly mach: MachClient; readonly rpc: ReceiptSource },
  transfer: {
    readonly rollupId: bigint;
    readonly hash: `0x${string}`;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<Stage, void, void> {
  const { mach, rpc } = dependencies;
  const { rollupId, hash, signal } = transfer;
  let included: string | null = null;
  while (!signal.aborted) {
    const { blockHash } = await rpc.waitForTransactionReceipt({ hash, timeout: ROUND_MS });
    if (blockHash !== included) yield { stage: "included", blockHash };
    included = blockHash;
    const question = { rollupId, hash: blockHash, timeoutMs: ROUND_MS, signal };
    const block = await mach.waitForFinality(question);
    if (block.status === "contradicted") return yield { stage: "contradicted" };
    // Not in time: the receipt is asked for again, because its block may have gone.
    if (block.status !== "fast-final") continue;
    const transaction = await mach.getTransaction({ rollupId, hash });
    if (transaction.status === "fast-final") return yield { stage: "final", transaction };
    if (transaction.status === "contradicted") return yield { stage: "contradicted" };
  }
}

import type { Hex } from "@mach/core";
import type { BlockAnswer, FinalityAnswer, TransactionAnswer } from "./answers.ts";
import type { MachClient } from "./client.ts";
import type { BlockId } from "./header-chain.ts";
import type { Policy } from "./policy.ts";

interface WithPolicy {
  readonly policy?: Policy;
}

/**
 * What `client.extend(machActions(…))` adds to a viem client of a rollup. No interface: viem takes
 * only what could have further keys.
 */
export type MachActions = {
  getFinality(question?: WithPolicy): Promise<FinalityAnswer>;
  getFinalityOfBlock(question: WithPolicy & { readonly block: BlockId }): Promise<BlockAnswer>;
  getFinalityOfTransaction(
    question: WithPolicy & { readonly hash: Hex },
  ): Promise<TransactionAnswer>;
  /** As `waitForTransactionReceipt`, for a block: by its hash, with a timeout in milliseconds. */
  waitForFinality(
    question: WithPolicy & {
      readonly hash: Hex;
      readonly timeout?: number;
      readonly pollingInterval?: number;
      readonly signal?: AbortSignal;
    },
  ): Promise<BlockAnswer>;
  watchFinality(
    question?: WithPolicy & { readonly signal?: AbortSignal; readonly pollingInterval?: number },
  ): AsyncGenerator<FinalityAnswer, void, void>;
};

/**
 * Actions for a viem client, of one rollup. For viem's own `blockTag: "finalized"` give the client
 * the transport `custom(createMachEip1193(…))`.
 */
export function machActions(options: {
  readonly mach: MachClient;
  readonly rollupId: bigint;
}): () => MachActions {
  const { mach, rollupId } = options;
  return () => ({
    getFinality: (question) => mach.getFinality({ ...question, rollupId }),
    getFinalityOfBlock: (question) => mach.getBlock({ ...question, rollupId }),
    getFinalityOfTransaction: (question) => mach.getTransaction({ ...question, rollupId }),
    waitForFinality({ timeout, pollingInterval, ...question }) {
      return mach.waitForFinality({
        ...question,
        rollupId,
        ...(timeout === undefined ? {} : { timeoutMs: timeout }),
        ...(pollingInterval === undefined ? {} : { pollMs: pollingInterval }),
      });
    },
    watchFinality({ pollingInterval, ...question } = {}) {
      const pollMs = pollingInterval === undefined ? {} : { pollMs: pollingInterval };
      return mach.watch({ ...question, ...pollMs, rollupId });
    },
  });
}

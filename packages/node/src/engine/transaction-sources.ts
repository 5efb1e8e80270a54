import type { Hex } from "@mach/core";
import {
  createInclusionProver,
  createTransactionLookup,
  type InclusionResult,
} from "@mach/rollups";
import type { RollupConfig } from "../config.ts";

/** What a rollup's sources say of its transactions. */
export interface TransactionSources {
  /** The block that a transaction is in, as enough sources say; null where they know of none. */
  blockOfTransaction(rollupId: bigint, hash: Hex): Promise<Hex | null>;
  /** That a block holds a transaction, held against the roots in the block's header. */
  proveTransaction(
    rollupId: bigint,
    asked: { readonly blockHash: Hex; readonly transactionHash: Hex },
  ): Promise<InclusionResult>;
  close(): Promise<void>;
}

/** Asks the configured endpoints; nothing is asked before a reader does. */
export function createTransactionSources(
  rollups: readonly Pick<RollupConfig, "rollupId" | "rpcUrls" | "agree" | "timeoutMs">[],
): TransactionSources {
  const parts = new Map(
    rollups.map(({ rollupId, rpcUrls: urls, agree, timeoutMs }) => [
      rollupId,
      {
        lookup: createTransactionLookup({ urls, agree, timeoutMs }),
        prover: createInclusionProver({ urls, timeoutMs }),
      },
    ]),
  );
  return {
    async blockOfTransaction(rollupId, hash) {
      return (await parts.get(rollupId)?.lookup.blockOf(hash)) ?? null;
    },
    async proveTransaction(rollupId, asked) {
      const proven = await parts.get(rollupId)?.prover.prove(asked);
      return proven ?? { ok: false, code: "unavailable" };
    },
    async close() {
      const clients = [...parts.values()].flatMap(({ lookup, prover }) => [lookup, prover]);
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

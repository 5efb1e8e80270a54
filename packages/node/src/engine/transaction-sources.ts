import type { Hex, VerifiedBlock } from "@mach/core";
import {
  createHeaderReader,
  createInclusionProver,
  createTransactionLookup,
  type HeaderReader,
  type InclusionResult,
} from "@mach/rollups";
import type { RollupConfig } from "../config.ts";

/** What a rollup's sources say of its transactions. */
export interface TransactionSources {
  /** The block that a transaction is in, as enough sources say; null where they know of none. */
  blockOf(rollupId: bigint, transactionHash: Hex): Promise<Hex | null>;
  /** That a block holds a transaction, held against the roots in the block's header. */
  prove(
    rollupId: bigint,
    asked: { readonly blockHash: Hex; readonly transactionHash: Hex },
  ): Promise<InclusionResult>;
  /** The block of a hash, by a header that hashes to it; null where no source has it. */
  block(rollupId: bigint, blockHash: Hex): Promise<VerifiedBlock | null>;
  /** The headers between two blocks, linked by their hashes; null where there are none. */
  headersBetween(
    rollupId: bigint,
    ends: Parameters<HeaderReader["between"]>[0],
  ): Promise<readonly Hex[] | null>;
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
        headers: createHeaderReader({ urls, timeoutMs }),
      },
    ]),
  );
  return {
    async blockOf(rollupId, transactionHash) {
      return (await parts.get(rollupId)?.lookup.blockOf(transactionHash)) ?? null;
    },
    async prove(rollupId, asked) {
      const proven = await parts.get(rollupId)?.prover.prove(asked);
      return proven ?? { ok: false, code: "unavailable" };
    },
    async block(rollupId, blockHash) {
      return (await parts.get(rollupId)?.headers.block(blockHash)) ?? null;
    },
    async headersBetween(rollupId, ends) {
      return (await parts.get(rollupId)?.headers.between(ends)) ?? null;
    },
    async close() {
      const clients = [...parts.values()].flatMap((each) => Object.values(each));
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

import type { Hex } from "@mach/core";
import type { Overrides, Provider, Signer } from "ethers";
import { pokeOperators } from "./operator-actions.ts";
import type { StaleSource } from "./stale-weights.ts";
import type { TransactionFailure } from "./transaction.ts";

export type PokeOutcome =
  /** Every source will know every weight at the snapshot. */
  | { readonly code: "fresh" }
  /** The same, after these transactions. */
  | { readonly code: "poked"; readonly transactionHashes: readonly Hex[] }
  /** A poke would not last until the snapshot yet, or changes nothing so soon after another. */
  | { readonly code: "too-early" }
  | { readonly code: "low-balance" }
  /** Given up; `cause` is null where the signal ended it. */
  | { readonly code: "failed"; readonly cause: TransactionFailure | null };

/** One poke reads and writes a few slots: so many fit into one transaction for every strategy. */
const MAX_POKES_IN_CALL = 32;

/** Pokes every source that would not know a weight at a snapshot. Rejects where L1 is silent. */
export async function pokeStaleSources(
  context: {
    readonly signer: Signer;
    readonly provider: Provider;
    readonly findStale: (timestamp: bigint) => Promise<readonly StaleSource[]>;
    /** Of each transaction. */
    readonly timeoutMs: number;
    /** Asked for each transaction. */
    readonly overrides: () => Promise<Overrides>;
  },
  snapshotTime: bigint,
): Promise<PokeOutcome> {
  const { signer, provider, findStale, timeoutMs, overrides } = context;
  const sources = await findStale(snapshotTime);
  if (sources.length === 0) return { code: "fresh" };
  const block = await provider.getBlock("latest");
  const now = BigInt(block?.timestamp ?? 0);
  const transactionHashes: Hex[] = [];
  for (const { source, operators } of sources.filter((each) => now >= each.pokeableFrom)) {
    for (let from = 0; from < operators.length; from += MAX_POKES_IN_CALL) {
      // All of them, not the stale alone: whose weight has changed is checkpointed on the way.
      const part = operators.slice(from, from + MAX_POKES_IN_CALL);
      const sent = await pokeOperators({
        ...{ signer, source, timeoutMs },
        operators: part,
        overrides: await overrides(),
      });
      if (!sent.ok && sent.code === "insufficient-funds") return { code: "low-balance" };
      if (!sent.ok) return { code: "failed", cause: sent };
      transactionHashes.push(sent.transactionHash);
    }
  }
  const isFresh = transactionHashes.length > 0 && (await findStale(snapshotTime)).length === 0;
  return isFresh ? { code: "poked", transactionHashes } : { code: "too-early" };
}

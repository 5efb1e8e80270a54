import type { Claim } from "../claim.ts";
import { epochAt } from "../epoch.ts";
import { isAttestedHeight } from "../rollup.ts";
import type { AbstainReason } from "./effects.ts";
import { type EngineState, parametersOf, type RollupState, type VerifiedBlock } from "./state.ts";

export type OwnClaim =
  | { readonly ok: true; readonly claim: Claim }
  | { readonly ok: false; readonly reason: AbstainReason | "not-attested" };

/** The claim that this node makes about a block, or why there is none. */
export function claimOf(state: EngineState, rollup: RollupState, block: VerifiedBlock): OwnClaim {
  const epoch = epochAt(state.options.schedule, block.timestamp);
  if (epoch === null) return { ok: false, reason: "before-genesis" };
  const { rollupId } = rollup;
  if (!state.epochs.has(epoch)) return { ok: false, reason: "unknown-operator-set" };
  const parameters = parametersOf(state, { rollupId, epoch });
  if (parameters === undefined) return { ok: false, reason: "unknown-rollup" };
  const { blockNumber, blockHash, stateRoot, outputRoot, timestamp } = block;
  if (block.isWithinBatch || !isAttestedHeight(parameters, blockNumber)) {
    return { ok: false, reason: "not-attested" };
  }
  if (outputRoot === null) return { ok: false, reason: "needs-proof" };
  const { verification } = parameters;
  return {
    ok: true,
    claim: {
      rollupId,
      blockNumber,
      blockHash,
      stateRoot,
      outputRoot,
      timestamp,
      epoch,
      verification,
    },
  };
}

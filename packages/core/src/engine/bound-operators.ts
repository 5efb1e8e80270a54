import type { VerifiedAttestation } from "../attestation.ts";
import { sumWeight } from "../certificate.ts";
import type { Hex } from "../hex.ts";
import type { BoundOperator, EngineState, RollupState, VerifiedBlock } from "./state.ts";

/** Takes an operator's attestation: an honest one signs nothing but what descends from its last. */
export function bindOperator(rollup: RollupState, attestation: VerifiedAttestation): void {
  const { claim, operator } = attestation;
  const { blockNumber, blockHash } = claim;
  const known = rollup.bound.get(operator);
  if (known !== undefined && known.blockNumber >= blockNumber) return;
  const followed = rollup.blocks.get(blockNumber)?.blockHash;
  const isOff = followed === undefined ? rollup.dropped.has(blockHash) : followed !== blockHash;
  rollup.bound.set(operator, { blockNumber, blockHash, isOff });
}

/** Takes a block of the followed branch: who signed another one at its height is off the branch. */
export function rebindAt(rollup: RollupState, { blockNumber, blockHash }: VerifiedBlock): void {
  for (const [operator, bound] of rollup.bound) {
    if (bound.blockNumber !== blockNumber) continue;
    rollup.bound.set(operator, { ...bound, isOff: bound.blockHash !== blockHash });
  }
}

/** The followed branch was left above a height: who signed a block that went is off it. */
export function rebindAbove(rollup: RollupState, ancestor: bigint): void {
  for (const [operator, bound] of rollup.bound) {
    if (bound.blockNumber <= ancestor || !rollup.dropped.has(bound.blockHash)) continue;
    rollup.bound.set(operator, { ...bound, isOff: true });
  }
}

/** Forgets operators that are in no set that is known. */
export function pruneBound(state: EngineState): void {
  for (const { bound } of state.rollups.values()) {
    for (const operator of bound.keys()) {
      const isMember = [...state.epochs.values()].some((each) => each.byOperator.has(operator));
      if (!isMember) bound.delete(operator);
    }
  }
}

/**
 * Whether the fork lock keeps the followed branch from the threshold: the operators of an epoch
 * that are not bound to another branch have less weight than is required. Then L1 decides.
 */
export function isSplit(
  state: EngineState,
  rollupId: bigint,
  asked: { readonly epoch: bigint; readonly requiredWeight: bigint },
): boolean {
  const rollup = state.rollups.get(rollupId);
  const operators = state.epochs.get(asked.epoch)?.operatorSet.operators;
  if (rollup === undefined || operators === undefined) return false;
  const released = releasedUpTo(rollup);
  const isFree = ({ operator }: { readonly operator: Hex }): boolean => {
    const bound = rollup.bound.get(operator);
    return bound === undefined || !isHeld(bound, released);
  };
  return sumWeight(operators.filter(isFree)) < asked.requiredWeight;
}

function isHeld({ isOff, blockNumber }: BoundOperator, released: bigint): boolean {
  return isOff && blockNumber > released;
}

/** Up to which height the followed branch has what releases operators that signed elsewhere. */
function releasedUpTo({ blocks, certified, finalized }: RollupState): bigint {
  let released = -1n;
  if (finalized !== null && blocks.get(finalized.blockNumber)?.blockHash === finalized.blockHash) {
    released = finalized.blockNumber;
  }
  for (const [blockNumber, { certificate }] of certified) {
    if (blockNumber <= released) continue;
    if (blocks.get(blockNumber)?.blockHash === certificate.claim.blockHash) released = blockNumber;
  }
  return released;
}

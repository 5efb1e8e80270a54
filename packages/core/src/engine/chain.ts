import { claimDigest } from "../claim.ts";
import { trySum } from "./attestation-pool.ts";
import { rebindAbove, rebindAt } from "./bound-operators.ts";
import { chargeSettled } from "./charges.ts";
import { checkAgainstFinalized, checkBranches, newestServed } from "./contradiction.ts";
import type { Emit } from "./effects.ts";
import { claimOf } from "./own-claim.ts";
import { proposeClaims } from "./proposals.ts";
import { countEarly, prune } from "./prune.ts";
import {
  type EngineState,
  type Head,
  heightAt,
  type RollupState,
  type VerifiedBlock,
} from "./state.ts";

/** Takes the next block of the followed branch: early attestations for it count from now on. */
export function onBlockVerified(
  state: EngineState,
  found: {
    readonly rollupId: bigint;
    readonly block: VerifiedBlock;
    readonly observedAtMs: number;
  },
  emit: Emit,
): void {
  const rollup = state.rollups.get(found.rollupId);
  if (rollup === undefined) return;
  const { block, observedAtMs } = found;
  const { blockNumber, blockHash } = block;
  rollup.blocks.set(blockNumber, block);
  rollup.numberByHash.set(blockHash, blockNumber);
  rollup.dropped.delete(blockHash);
  rollup.tip = block;
  rollup.tipObservedAtMs = observedAtMs;
  heightAt(rollup, blockNumber).observedAtMs = observedAtMs;
  rebindAt(rollup, block);
  prune(state, rollup);
  if (rollup.dropped.size > 0) checkBranches(rollup, emit);
  // Each block may be what shows that a certificate is not of the chain that L1 has finalised.
  checkAgainstFinalized(rollup, emit);
  chargeSettled(state, rollup, emit);
  considerHeight(state, rollup, blockNumber, emit);
  proposeClaims(state, rollup, emit);
}

/** Leaves the branch above a height: its blocks go, what operators signed for them stays. */
export function onReorged(
  state: EngineState,
  reorg: { readonly rollupId: bigint; readonly commonAncestor: bigint },
): void {
  const rollup = state.rollups.get(reorg.rollupId);
  if (rollup === undefined) return;
  const { commonAncestor: ancestor } = reorg;
  for (const [blockHash, each] of rollup.dropped) {
    if (ancestor < each.ancestor) rollup.dropped.set(blockHash, { ...each, ancestor });
  }
  for (const [blockNumber, block] of rollup.blocks) {
    if (blockNumber <= ancestor) continue;
    rollup.dropped.set(block.blockHash, { blockNumber, ancestor, block });
    rollup.blocks.delete(blockNumber);
    rollup.numberByHash.delete(block.blockHash);
    const height = rollup.heights.get(blockNumber);
    if (height !== undefined) height.ownDigest = null;
  }
  rollup.tip = rollup.blocks.get(ancestor) ?? null;
  // What was said of the blocks that went does not hold for those that take their places.
  if (rollup.passed !== null && ancestor < rollup.passed) rollup.passed = ancestor;
  if (rollup.reported !== null && ancestor < rollup.reported) rollup.reported = ancestor;
  rebindAbove(rollup, ancestor);
  rollup.early = countEarly(rollup);
}

/** Takes the rollup's safe and L1-finalised heads. */
export function onHeads(
  state: EngineState,
  heads: { readonly rollupId: bigint; readonly safe: Head | null; readonly finalized: Head | null },
  emit: Emit,
): void {
  const rollup = state.rollups.get(heads.rollupId);
  if (rollup === undefined) return;
  rollup.safe = heads.safe;
  // A source that has lost its finalised head takes nothing back: it stays what it was.
  if (heads.finalized !== null) rollup.finalized = heads.finalized;
  checkAgainstFinalized(rollup, emit);
  chargeSettled(state, rollup, emit);
  rollup.newest = newestServed(rollup);
  if (rollup.lock !== null) proposeClaims(state, rollup, emit);
}

/** Takes what waited for an epoch's set: own claims to compare with, and to sign. */
export function onSetKnown(state: EngineState, emit: Emit): void {
  for (const rollup of state.rollups.values()) {
    for (const blockNumber of [...rollup.heights.keys()]) {
      considerHeight(state, rollup, blockNumber, emit);
    }
    proposeClaims(state, rollup, emit);
  }
}

/** Sets what this node would sign at a height, so that attestations to it add up. */
function considerHeight(
  state: EngineState,
  rollup: RollupState,
  blockNumber: bigint,
  emit: Emit,
): void {
  const block = rollup.blocks.get(blockNumber);
  const height = rollup.heights.get(blockNumber);
  if (block === undefined || height === undefined || height.ownDigest !== null) return;
  const own = claimOf(state, rollup, block);
  if (!own.ok) return;
  height.ownDigest = claimDigest(state.options.domain, own.claim);
  const pool = height.pools.get(height.ownDigest);
  if (pool !== undefined) trySum(state, { rollup, height, pool }, emit);
}

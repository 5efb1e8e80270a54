import { type Claim, claimDigest } from "../claim.ts";
import { epochAt } from "../epoch.ts";
import type { Hex } from "../hex.ts";
import { isAttestedHeight } from "../rollup.ts";
import { trySum } from "./attestation-pool.ts";
import { checkAgainstFinalized, checkBranches, newestServed } from "./contradiction.ts";
import type { AbstainReason, Emit } from "./effects.ts";
import { countEarly, prune } from "./prune.ts";
import {
  type EngineState,
  type Head,
  heightAt,
  MAX_EPOCHS,
  parametersOf,
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
  prune(state, rollup);
  if (rollup.dropped.size > 0) checkBranches(rollup, emit);
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
    rollup.dropped.set(block.blockHash, { blockNumber, ancestor });
    rollup.blocks.delete(blockNumber);
    rollup.numberByHash.delete(block.blockHash);
    const height = rollup.heights.get(blockNumber);
    if (height !== undefined) height.ownDigest = null;
  }
  rollup.tip = rollup.blocks.get(ancestor) ?? null;
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
  rollup.newest = newestServed(rollup);
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

type OwnClaim =
  | { readonly ok: true; readonly claim: Claim }
  | { readonly ok: false; readonly reason: AbstainReason | "not-attested" };

/** The claim that this node makes about a block, or why there is none. */
function claimOf(state: EngineState, rollup: RollupState, block: VerifiedBlock): OwnClaim {
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

/** Proposes claims to the signer in the order of their heights, up to the newest block. */
function proposeClaims(state: EngineState, rollup: RollupState, emit: Emit): void {
  const { operator, openHeights } = state.options;
  const { rollupId, tip } = rollup;
  if (operator === null || tip === null) return;
  const lowestOpen = tip.blockNumber - BigInt(openHeights) + 1n;
  let blockNumber = (rollup.lastProposed ?? lowestOpen - 1n) + 1n;
  if (blockNumber < lowestOpen) blockNumber = lowestOpen;
  for (; blockNumber <= tip.blockNumber; blockNumber += 1n) {
    const block = rollup.blocks.get(blockNumber);
    if (block === undefined) continue;
    const own = proposalOf(state, rollup, { block, operator });
    // The set may be fixed in a moment: what follows waits with it, in order.
    if (!own.ok && own.reason === "unknown-operator-set" && mayBeFixed(state, block)) return;
    rollup.lastProposed = blockNumber;
    if (own.ok) {
      emit({ type: "sign", claim: own.claim });
    } else if (own.reason !== "not-attested") {
      const { reason } = own;
      emit({ type: "report", report: { code: "abstained", rollupId, blockNumber, reason } });
    }
  }
}

/** The claim to sign about a block: the node's own, unless there is a reason to abstain. */
function proposalOf(
  state: EngineState,
  rollup: RollupState,
  signing: { readonly block: VerifiedBlock; readonly operator: Hex },
): OwnClaim {
  const { block, operator } = signing;
  const own = claimOf(state, rollup, block);
  if (!own.ok) return own;
  const certified = rollup.certified.get(block.blockNumber);
  if (certified !== undefined && certified.certificate.claim.blockHash !== block.blockHash) {
    return { ok: false, reason: "certificate-disagrees" };
  }
  const isMember = state.epochs.get(own.claim.epoch)?.byOperator.has(operator) ?? false;
  return isMember ? own : { ok: false, reason: "not-in-set" };
}

/**
 * Whether an epoch's set may still come: until L1 is known to have fixed none for it, or it lies
 * further back than sets are kept.
 */
function mayBeFixed(state: EngineState, block: VerifiedBlock): boolean {
  const epoch = epochAt(state.options.schedule, block.timestamp);
  if (epoch === null || state.absentEpochs.has(epoch)) return false;
  return [...state.epochs.keys()].every((known) => known < epoch + BigInt(MAX_EPOCHS));
}

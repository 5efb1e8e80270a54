import {
  type AdmittedAttestation,
  asVerified,
  type VerifiedAttestation,
  type WireAttestation,
} from "../attestation.ts";
import type { Hex } from "../hex.ts";
import { hasQuorum } from "../quorum.ts";
import { admitAttestation } from "./admission.ts";
import { bindOperator } from "./bound-operators.ts";
import { startSum, tryImprovement, verifiedSum } from "./certificates.ts";
import { convictAttestation } from "./convictions.ts";
import type { Emit } from "./effects.ts";
import {
  type ClaimPool,
  type EngineState,
  type HeightState,
  heightAt,
  parametersOf,
  type RollupState,
} from "./state.ts";

/** Takes an attestation whose signature is still being checked: it may complete a sum. */
export function onAttestationArrived(
  state: EngineState,
  attestation: AdmittedAttestation,
  emit: Emit,
): void {
  const rollup = state.rollups.get(attestation.claim.rollupId);
  const height = rollup?.heights.get(attestation.claim.blockNumber);
  // Only this node's own claim is ever summed: made-up ones leave nothing behind.
  if (rollup === undefined || height?.ownDigest !== attestation.digest) return;
  const pool = poolAt(height, attestation);
  if (pool.verified.has(attestation.index) || pool.arrived.has(attestation.index)) return;
  pool.arrived.set(attestation.index, attestation);
  pool.arrivedWeight += attestation.weight;
  trySum(state, { rollup, height, pool }, emit);
}

/** Takes an attestation whose own signature was found valid: it counts for its operator. */
export function onAttestationVerified(
  state: EngineState,
  attestation: VerifiedAttestation,
  emit: Emit,
): void {
  const rollup = state.rollups.get(attestation.claim.rollupId);
  if (rollup === undefined) return;
  const height = heightAt(rollup, attestation.claim.blockNumber);
  const { operator, index, digest } = attestation;
  if (height.convicted.has(operator)) {
    onAttestationRefused(state, attestation);
    return;
  }
  const pool = poolAt(height, attestation);
  forgetArrived(pool, index);
  if (pool.verified.has(index)) return;
  const first = height.firstDigest.get(operator);
  if (first === undefined) height.firstDigest.set(operator, digest);
  pool.verified.set(index, attestation);
  pool.verifiedWeight += attestation.weight;
  bindOperator(rollup, attestation);
  if (isEarly(rollup, height)) rollup.early = withOneMore(rollup.early, operator);
  if (convictAttestation(state, { rollup, height }, attestation, emit)) return;
  emit({
    type: "report",
    report: { code: "attestation-counted", attestation, presentWeight: pool.verifiedWeight },
  });
  if (height.ownDigest !== null && height.ownDigest !== digest) {
    const { claim } = attestation;
    emit({ type: "report", report: { code: "disagreement", claim, operator } });
  }
  trySum(state, { rollup, height, pool }, emit);
}

/** Forgets an attestation whose signature was bad, and a claim that nobody else has attested. */
export function onAttestationRefused(state: EngineState, attestation: AdmittedAttestation): void {
  const { claim, digest, index } = attestation;
  const height = state.rollups.get(claim.rollupId)?.heights.get(claim.blockNumber);
  const pool = height?.pools.get(digest);
  if (height === undefined || pool === undefined) return;
  if (pool.arrived.get(index) === attestation) forgetArrived(pool, index);
  // A peer can make up claims without end: none that is only forged may stay in memory.
  const isEmpty = pool.arrived.size === 0 && pool.verified.size === 0;
  if (isEmpty && !pool.isSumming && !pool.hasBadSum) height.pools.delete(digest);
}

/** Takes what the node's own signer made: counted and published. */
export function onSigned(state: EngineState, attestation: WireAttestation, emit: Emit): void {
  const { claim } = attestation;
  const rollup = state.rollups.get(claim.rollupId);
  if (rollup === undefined) return;
  if (rollup.lastSigned === null || rollup.lastSigned.blockNumber < claim.blockNumber) {
    rollup.lastSigned = claim;
  }
  const admission = admitAttestation(state, attestation);
  if (!admission.ok) return;
  // The signer holds the key that admission found in the set: this signature is its own.
  const verified = asVerified(admission.attestation);
  emit({ type: "publish-attestation", attestation: verified });
  onAttestationVerified(state, verified, emit);
}

/** Starts a sum where the weight that arrived reaches the threshold, or improves a certificate. */
export function trySum(
  state: EngineState,
  at: { readonly rollup: RollupState; readonly height: HeightState; readonly pool: ClaimPool },
  emit: Emit,
): void {
  const { rollup, height, pool } = at;
  if (pool.isSumming || height.ownDigest === null) return;
  const epoch = state.epochs.get(pool.claim.epoch);
  const parameters = parametersOf(state, pool.claim);
  if (epoch === undefined || parameters === undefined) return;
  const { totalWeight } = epoch.operatorSet;
  const { thresholdBps } = parameters;
  const { verifiedWeight: signedWeight } = pool;
  const certified = rollup.certified.get(height.blockNumber);
  if (certified !== undefined && certified.digest === pool.digest) {
    // Each one that comes late would make a certificate of its own: what is left waits for more,
    // or for the next tick.
    const held = certified.certificate.signedWeight;
    const isWorthIt = 2n * (signedWeight - held) >= totalWeight - held;
    if (isWorthIt) tryImprovement(epoch, { pool, certified }, emit);
    return;
  }
  // Beside a certificate that stands, a quorum for another claim has to become public too.
  const isOwn = height.ownDigest === pool.digest;
  if (!isOwn && (certified === undefined || rollup.contradicted.has(pool.digest))) return;
  if (hasQuorum({ signedWeight, totalWeight, thresholdBps })) {
    startSum(epoch, pool, verifiedSum(pool), emit);
    return;
  }
  if (certified !== undefined || pool.hasBadSum || pool.arrived.size === 0) return;
  const present = { signedWeight: signedWeight + pool.arrivedWeight, totalWeight, thresholdBps };
  if (!hasQuorum(present)) return;
  const attestations = [...pool.verified.values(), ...pool.arrived.values()];
  startSum(epoch, pool, { attestations, isEachVerified: false }, emit);
}

/** Whether a height is above every block verified here. */
export function isEarly(rollup: RollupState, height: HeightState): boolean {
  return rollup.tip === null || height.blockNumber > rollup.tip.blockNumber;
}

function forgetArrived(pool: ClaimPool, index: number): void {
  const attestation = pool.arrived.get(index);
  if (attestation === undefined) return;
  pool.arrived.delete(index);
  pool.arrivedWeight -= attestation.weight;
}

function poolAt(height: HeightState, attestation: AdmittedAttestation): ClaimPool {
  const { claim, digest } = attestation;
  let pool = height.pools.get(digest);
  if (pool === undefined) {
    pool = {
      claim,
      digest,
      verified: new Map(),
      verifiedWeight: 0n,
      arrived: new Map(),
      arrivedWeight: 0n,
      isSumming: false,
      hasBadSum: false,
      summed: null,
    };
    height.pools.set(digest, pool);
  }
  return pool;
}

function withOneMore(early: ReadonlyMap<Hex, number>, operator: Hex): ReadonlyMap<Hex, number> {
  return new Map(early).set(operator, (early.get(operator) ?? 0) + 1);
}

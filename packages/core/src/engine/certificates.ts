import type { AdmittedAttestation } from "../attestation.ts";
import { bitfieldFromIndices, bitfieldIndices } from "../bitfield.ts";
import {
  buildCertificate,
  replacesCertificate,
  toCertificate,
  type VerifiedCertificate,
} from "../certificate.ts";
import { type Claim, claimDigest } from "../claim.ts";
import type { Evidence } from "../evidence.ts";
import type { Hex } from "../hex.ts";
import { chargeSignersOf } from "./charges.ts";
import {
  addContradiction,
  checkAgainstFinalized,
  checkBranches,
  isFullyContradicted,
  newestServed,
} from "./contradiction.ts";
import { convictSigners, signersInBoth } from "./convictions.ts";
import type { Emit } from "./effects.ts";
import { prune } from "./prune.ts";
import {
  type CertifiedHeight,
  type ClaimPool,
  type EngineState,
  type EpochState,
  parametersOf,
  type RollupState,
} from "./state.ts";

/** How long each operator in turn waits for another to gossip a closed certificate. */
const PUBLISH_STEP_MS = 50;
/** How much longer than its window a certificate waits for a sum that is still being made. */
const LAST_SUM_MS = 1_000;

interface Summed {
  readonly attestations: readonly AdmittedAttestation[];
  readonly isEachVerified: boolean;
}

/** All that is attributed of a claim. */
export function verifiedSum(pool: ClaimPool): Summed {
  return { attestations: [...pool.verified.values()], isEachVerified: true };
}

/** Starts the sum that has more weight than the certificate; false where there is none. */
export function tryImprovement(
  epoch: EpochState,
  at: { readonly pool: ClaimPool; readonly certified: CertifiedHeight },
  emit: Emit,
): boolean {
  const { pool, certified } = at;
  const isBetter = pool.verifiedWeight > certified.certificate.signedWeight;
  if (pool.isSumming || certified.openUntilMs === null || !isBetter) return false;
  return startSum(epoch, pool, verifiedSum(pool), emit);
}

/** Asks for the sum of these attestations' signatures; false where it was asked for before. */
export function startSum(epoch: EpochState, pool: ClaimPool, summed: Summed, emit: Emit): boolean {
  const { attestations, isEachVerified } = summed;
  const signers = bitfieldFromIndices(
    attestations.map((each) => each.index),
    epoch.operatorSet.operators.length,
  );
  // Whatever became of it, it would become of it again, and without an end where nothing is kept.
  if (isEachVerified && pool.summed === signers) return false;
  if (isEachVerified) pool.summed = signers;
  pool.isSumming = true;
  emit({
    type: "check-sum",
    claim: pool.claim,
    digest: pool.digest,
    signers,
    publicKeys: attestations.map((each) => each.publicKey),
    signatures: attestations.map((each) => each.signature),
    isEachVerified,
  });
  return true;
}

/** A sum of the node's own making: the pool is free again, and a good one is a certificate. */
export function onSumChecked(
  state: EngineState,
  sum: {
    readonly claim: Claim;
    readonly digest: Hex;
    readonly signers: Hex;
    readonly signature: Hex | null;
  },
  now: number,
  emit: Emit,
): ClaimPool | null {
  const rollup = state.rollups.get(sum.claim.rollupId);
  const pool = rollup?.heights.get(sum.claim.blockNumber)?.pools.get(sum.digest);
  if (pool !== undefined) pool.isSumming = false;
  if (rollup === undefined) return null;
  if (sum.signature === null) {
    if (pool !== undefined) pool.hasBadSum = true;
    return pool ?? null;
  }
  const epoch = state.epochs.get(sum.claim.epoch);
  const parameters = parametersOf(state, sum.claim);
  if (epoch === undefined || parameters === undefined) return pool ?? null;
  const certificate = buildCertificate(
    { domain: state.options.domain, ...sum, signature: sum.signature },
    { operatorSet: epoch.operatorSet, thresholdBps: parameters.thresholdBps },
  );
  if (certificate !== null) adopt(state, rollup, { certificate, isOwn: true }, now, emit);
  return pool ?? null;
}

/** A certificate from a peer or the store, already checked under its epoch's set. */
export function onCertificateVerified(
  state: EngineState,
  certificate: VerifiedCertificate,
  now: number,
  emit: Emit,
): void {
  const rollup = state.rollups.get(certificate.claim.rollupId);
  if (rollup === undefined) return;
  adopt(state, rollup, { certificate, isOwn: false }, now, emit);
}

/**
 * Makes the certificates of open windows as good as what has come for them, closes windows that
 * are over, and gossips closed certificates that nobody else gossiped first.
 */
export function closeWindows(
  state: EngineState,
  rollup: RollupState,
  now: number,
  emit: Emit,
): void {
  for (const [blockNumber, held] of rollup.certified) {
    let next = held;
    if (next.openUntilMs !== null) {
      const isImproving = improve(state, rollup, next, emit);
      const isOver = next.openUntilMs <= now && !isImproving;
      if (isOver || next.openUntilMs + LAST_SUM_MS <= now) {
        next = { ...next, openUntilMs: null };
        dropAttestations(rollup, next);
      }
    }
    if (next.openUntilMs === null && next.publishAtMs !== null && next.publishAtMs <= now) {
      next = { ...next, publishAtMs: null };
      emit({ type: "publish-certificate", certificate: next.certificate });
    }
    if (next !== held) hold(rollup, blockNumber, next);
  }
}

/** Whether a sum that is better than the certificate is being made. */
function improve(
  state: EngineState,
  rollup: RollupState,
  certified: CertifiedHeight,
  emit: Emit,
): boolean {
  const { claim } = certified.certificate;
  const epoch = state.epochs.get(claim.epoch);
  const pool = rollup.heights.get(claim.blockNumber)?.pools.get(certified.digest);
  if (epoch === undefined || pool === undefined) return false;
  return tryImprovement(epoch, { pool, certified }, emit) || pool.isSumming;
}

interface Found {
  readonly certificate: VerifiedCertificate;
  readonly isOwn: boolean;
}

function adopt(
  state: EngineState,
  rollup: RollupState,
  found: Found,
  now: number,
  emit: Emit,
): void {
  const { certificate, isOwn } = found;
  const { blockNumber } = certificate.claim;
  const held = rollup.certified.get(blockNumber);
  const digest = claimDigest(state.options.domain, certificate.claim);
  if (held !== undefined && held.digest !== digest) {
    contradict(state, rollup, { held, other: { certificate, digest } }, emit);
  } else if (rollup.contradicted.has(digest)) {
    // It stays what it is, whoever else signs it: known here, and never served.
    if (held === undefined) rollup.certified.set(blockNumber, silent(certificate, digest, now));
  } else if (held === undefined || replacesCertificate(held.certificate, certificate)) {
    replace(state, rollup, { found, held, digest }, now, emit);
  } else if (held.certificate.certificateId === certificate.certificateId && !isOwn) {
    // Somebody has gossiped the same: it is out there.
    hold(rollup, blockNumber, { ...held, publishAtMs: null });
  }
}

/** Writes the first certificate of a height, or a better one for the same claim. */
function replace(
  state: EngineState,
  rollup: RollupState,
  change: {
    readonly found: Found;
    readonly held: CertifiedHeight | undefined;
    readonly digest: Hex;
  },
  now: number,
  emit: Emit,
): void {
  const { held, digest, found } = change;
  const { certificate, isOwn } = found;
  const { blockNumber, blockHash } = certificate.claim;
  const openUntilMs = held?.openUntilMs ?? now + state.options.improvementWindowMs;
  const isOpen =
    held === undefined ? isOwn || rollup.heights.has(blockNumber) : held.openUntilMs !== null;
  const next: CertifiedHeight = {
    certificate,
    digest,
    openUntilMs: isOpen ? openUntilMs : null,
    publishAtMs: isOwn ? openUntilMs + publishDelayMs(state, certificate) : null,
    certifiedAtMs: held?.certifiedAtMs ?? now,
    latencyMs: held === undefined ? latencyOf(rollup, blockNumber, now) : held.latencyMs,
  };
  hold(rollup, blockNumber, next);
  rollup.unsettled.set(blockNumber, { blockHash, digest });
  emit({ type: "store-certificate", certificate, latencyMs: next.latencyMs });
  convictSigners(state, rollup, next, emit);
  const own = rollup.blocks.get(blockNumber);
  if (held === undefined && own !== undefined && own.blockHash !== blockHash) {
    emit({ type: "report", report: { code: "certificate-disagrees", certificate } });
  }
  if (own !== undefined) checkBranches(rollup, emit);
  // Also one that L1 contradicts at once may tell who has signed another branch too.
  if (held === undefined) chargeSignersOf(state, rollup, certificate, emit);
  // Held against L1 at once, above its finalised head too, where it may stand on a branch that L1
  // has left lower down: the heads may not move for minutes.
  checkAgainstFinalized(rollup, emit);
  // Certificates come in also while no block does: memory is bounded by them too.
  const isAhead = blockNumber > (rollup.tip?.blockNumber ?? -1n);
  if (isAhead || rollup.certified.size > state.options.chainDepth) prune(state, rollup);
}

function silent(certificate: VerifiedCertificate, digest: Hex, now: number): CertifiedHeight {
  const closed = { openUntilMs: null, publishAtMs: null, latencyMs: null };
  return { certificate, digest, certifiedAtMs: now, ...closed };
}

/** Writes a height's certificate and keeps `newest` the highest that may be served. */
function hold(rollup: RollupState, blockNumber: bigint, next: CertifiedHeight): void {
  rollup.certified.set(blockNumber, next);
  const newest = rollup.newest?.certificate.claim.blockNumber;
  if (rollup.contradicted.size > 0) rollup.newest = newestServed(rollup);
  else if (newest === undefined || newest <= blockNumber) rollup.newest = next;
}

function contradict(
  state: EngineState,
  rollup: RollupState,
  found: {
    readonly held: CertifiedHeight;
    readonly other: { readonly certificate: VerifiedCertificate; readonly digest: Hex };
  },
  emit: Emit,
): void {
  const { held, other } = found;
  const areKnown = rollup.contradicted.has(held.digest) && rollup.contradicted.has(other.digest);
  // More signers of a known pair, or ever more claims of a height, prove nothing new.
  if (areKnown || isFullyContradicted(rollup, held.certificate.claim.blockNumber)) return;
  const [lower, higher] = held.digest < other.digest ? [held, other] : [other, held];
  const { rollupId, blockNumber } = held.certificate.claim;
  const claims = [lower, higher].map(({ digest }) => ({ blockNumber, digest }));
  const range = { fromBlockNumber: blockNumber, throughBlockNumber: blockNumber };
  addContradiction(rollup, { ...range, claims }, emit);
  emit({ type: "store-certificate", certificate: other.certificate, latencyMs: null });
  const operators = signersInBoth(state, lower.certificate, higher.certificate);
  if (operators.length === 0) return;
  const evidence: Evidence = {
    kind: "conflicting-certificates",
    rollupId,
    operators,
    lower: toCertificate(lower.certificate),
    higher: toCertificate(higher.certificate),
    headers: [],
  };
  emit({ type: "store-evidence", evidence });
}

/**
 * After the window the certificate is the record of who signed: its single attestations go.
 * Those to other claims, and later ones by operators that are not in it, stay until the height
 * does, for the evidence that they may become.
 */
function dropAttestations(rollup: RollupState, closed: CertifiedHeight): void {
  const { claim, signers } = closed.certificate;
  const height = rollup.heights.get(claim.blockNumber);
  const pool = height?.pools.get(closed.digest);
  if (height === undefined || pool === undefined) return;
  for (const index of bitfieldIndices(signers)) {
    const attestation = pool.verified.get(index);
    if (attestation === undefined) continue;
    pool.verified.delete(index);
    pool.verifiedWeight -= attestation.weight;
    height.firstDigest.delete(attestation.operator);
  }
  if (pool.verified.size === 0 && pool.arrived.size === 0) height.pools.delete(closed.digest);
}

/** Each operator has its turn, so that a closed certificate is gossiped once as a rule. */
function publishDelayMs(state: EngineState, certificate: VerifiedCertificate): number {
  const epoch = state.epochs.get(certificate.claim.epoch);
  const { operator } = state.options;
  const count = epoch?.operatorSet.operators.length ?? 1;
  const index = operator === null ? undefined : epoch?.byOperator.get(operator);
  if (index === undefined) return count * PUBLISH_STEP_MS;
  const turn = Number((BigInt(index) + certificate.claim.blockNumber) % BigInt(count));
  return turn * PUBLISH_STEP_MS;
}

function latencyOf(rollup: RollupState, blockNumber: bigint, now: number): number | null {
  const observedAtMs = rollup.heights.get(blockNumber)?.observedAtMs ?? null;
  return observedAtMs === null ? null : Math.max(0, now - observedAtMs);
}

import { toAttestation, type VerifiedAttestation } from "../attestation.ts";
import { bitfieldIndices } from "../bitfield.ts";
import { signersOf, toCertificate, type VerifiedCertificate } from "../certificate.ts";
import type { Evidence } from "../evidence.ts";
import type { Hex } from "../hex.ts";
import type { Emit } from "./effects.ts";
import type { CertifiedHeight, ClaimPool, EngineState, HeightState, RollupState } from "./state.ts";

/** Makes evidence where the operator is known to have signed another claim at that height. */
export function convictAttestation(
  state: EngineState,
  at: { readonly rollup: RollupState; readonly height: HeightState },
  attestation: VerifiedAttestation,
  emit: Emit,
): boolean {
  const { rollup, height } = at;
  const certified = rollup.certified.get(height.blockNumber);
  const evidence =
    doubleAttestation(height, attestation) ??
    (certified && againstCertificate(state, certified, attestation)) ??
    null;
  if (evidence === null) return false;
  convict(height, attestation.operator, evidence, emit);
  return true;
}

/** Makes evidence against signers of a certificate whose other attestations were heard before. */
export function convictSigners(
  state: EngineState,
  rollup: RollupState,
  certified: CertifiedHeight,
  emit: Emit,
): void {
  const height = rollup.heights.get(certified.certificate.claim.blockNumber);
  for (const pool of height?.pools.values() ?? []) {
    if (height === undefined || pool.digest === certified.digest) continue;
    for (const attestation of pool.verified.values()) {
      if (height.convicted.has(attestation.operator)) continue;
      const evidence = againstCertificate(state, certified, attestation);
      if (evidence !== null) convict(height, attestation.operator, evidence, emit);
    }
  }
}

/** Whether an operator is among a certificate's signers: by address, in the certificate's set. */
export function isSigner(
  state: EngineState,
  certificate: VerifiedCertificate,
  operator: Hex,
): boolean {
  const index = state.epochs.get(certificate.claim.epoch)?.byOperator.get(operator);
  return index !== undefined && bitfieldIndices(certificate.signers).includes(index);
}

/** The operators that are among the signers of both certificates, ascending. */
export function signersInBoth(
  state: EngineState,
  lower: VerifiedCertificate,
  higher: VerifiedCertificate,
): readonly Hex[] {
  const lowerSet = state.epochs.get(lower.claim.epoch)?.operatorSet;
  const higherSet = state.epochs.get(higher.claim.epoch)?.operatorSet;
  if (lowerSet === undefined || higherSet === undefined) return [];
  const both = new Set(signersOf(higher, higherSet).map((each) => each.operator));
  return signersOf(lower, lowerSet)
    .map((each) => each.operator)
    .filter((operator) => both.has(operator));
}

function convict(height: HeightState, operator: Hex, evidence: Evidence, emit: Emit): void {
  height.convicted.add(operator);
  emit({ type: "store-evidence", evidence });
}

function doubleAttestation(height: HeightState, second: VerifiedAttestation): Evidence | null {
  const firstDigest = height.firstDigest.get(second.operator);
  if (firstDigest === undefined || firstDigest === second.digest) return null;
  const first = findByOperator(height.pools.get(firstDigest), second.operator);
  if (first === null) return null;
  const [smaller, larger] = first.digest < second.digest ? [first, second] : [second, first];
  return {
    kind: "double-attestation",
    rollupId: second.claim.rollupId,
    blockNumber: height.blockNumber,
    operator: second.operator,
    first: toAttestation(smaller),
    second: toAttestation(larger),
  };
}

function againstCertificate(
  state: EngineState,
  certified: CertifiedHeight,
  attestation: VerifiedAttestation,
): Evidence | null {
  const { certificate, digest } = certified;
  if (digest === attestation.digest) return null;
  if (!isSigner(state, certificate, attestation.operator)) return null;
  const { rollupId, blockNumber } = attestation.claim;
  return {
    kind: "attestation-against-certificate",
    rollupId,
    blockNumber,
    operator: attestation.operator,
    attestation: toAttestation(attestation),
    certificate: toCertificate(certificate),
  };
}

function findByOperator(pool: ClaimPool | undefined, operator: Hex): VerifiedAttestation | null {
  for (const attestation of pool?.verified.values() ?? []) {
    if (attestation.operator === operator) return attestation;
  }
  return null;
}

import type { Attestation } from "./attestation.ts";
import { isBitfieldOf } from "./bitfield.ts";
import type { Bls } from "./bls.ts";
import {
  type Certificate,
  type CertificateFailure,
  signersOf,
  verifyCertificate,
} from "./certificate.ts";
import { claimDigest } from "./claim.ts";
import { type Domain, isSameDomain } from "./domain.ts";
import { linksOf } from "./header-link.ts";
import { byteLength, type Hex } from "./hex.ts";
import type { OperatorSet } from "./operator-set.ts";
import { type SetUpdate, setUpdateDigest } from "./set-update.ts";

/** One operator's attestations to two different claims at one height; `first` has the smaller digest. */
export interface DoubleAttestation {
  readonly kind: "double-attestation";
  readonly rollupId: bigint;
  readonly blockNumber: bigint;
  readonly operator: Hex;
  readonly first: Attestation;
  readonly second: Attestation;
}

/** An operator's attestation against a certificate for another claim that it signed too. */
export interface AttestationAgainstCertificate {
  readonly kind: "attestation-against-certificate";
  readonly rollupId: bigint;
  readonly blockNumber: bigint;
  readonly operator: Hex;
  readonly attestation: Attestation;
  readonly certificate: Certificate;
}

/** Two certificates of which neither block is an ancestor of the other, or two at one height. */
export interface ConflictingCertificates {
  readonly kind: "conflicting-certificates";
  readonly rollupId: bigint;
  /** Ascending; all of them signed both. */
  readonly operators: readonly Hex[];
  readonly lower: Certificate;
  readonly higher: Certificate;
  /** Newest first: RLP headers, or EraVM's 128-byte preimages. */
  readonly headers: readonly Hex[];
}

/** A signature over a set update whose hash is not the registry's for that epoch. */
export interface FalseSetUpdate {
  readonly kind: "false-set-update";
  readonly operators: readonly Hex[];
  readonly update: SetUpdate;
  readonly registryHash: Hex;
}

export type Evidence =
  | DoubleAttestation
  | AttestationAgainstCertificate
  | ConflictingCertificates
  | FalseSetUpdate;

export type EvidenceFailure =
  /** The fields contradict each other, or are out of their canonical order. */
  | "malformed"
  /** What is shown is no breach: the claims agree, or are of different heights or one chain. */
  | "not-conflicting"
  /** An operator is named that did not sign, or is not of the set. */
  | "not-a-signer"
  /** The headers do not lead from the higher block down to just above the lower. */
  | "broken-header-chain"
  | CertificateFailure;

export type EvidenceResult =
  | { readonly ok: true; readonly operators: readonly Hex[] }
  | { readonly ok: false; readonly code: EvidenceFailure };

/** What evidence is checked against: sets that the caller trusts, by epoch. */
export interface EvidenceContext {
  readonly domain: Domain;
  readonly operatorSet: (epoch: bigint) => OperatorSet | undefined;
  /** The rollup's threshold; 6667 where it asks for no more. */
  readonly thresholdBps: number;
}

type SignatureCheck = Pick<Bls, "verifyAggregate">;

const VALID = { ok: true } as const;
const fail = (code: EvidenceFailure): { readonly ok: false; readonly code: EvidenceFailure } => ({
  ok: false,
  code,
});

/** Checks evidence of any kind; the guilty operators where it is valid. */
export function verifyEvidence(
  bls: SignatureCheck,
  evidence: Evidence,
  context: EvidenceContext,
): EvidenceResult {
  switch (evidence.kind) {
    case "double-attestation":
      return named([evidence.operator], verifyDoubleAttestation(bls, evidence, context));
    case "attestation-against-certificate":
      return named([evidence.operator], verifyAgainstCertificate(bls, evidence, context));
    case "conflicting-certificates":
      return named(evidence.operators, verifyConflictingCertificates(bls, evidence, context));
    case "false-set-update":
      return named(evidence.operators, verifyFalseSetUpdate(bls, evidence, context));
  }
}

type Check = typeof VALID | { readonly ok: false; readonly code: EvidenceFailure };

function named(operators: readonly Hex[], check: Check): EvidenceResult {
  return check.ok ? { ok: true, operators } : check;
}

function verifyDoubleAttestation(
  bls: SignatureCheck,
  evidence: DoubleAttestation,
  context: EvidenceContext,
): Check {
  const { first, second } = evidence;
  if (first.operator !== evidence.operator || second.operator !== evidence.operator) {
    return fail("malformed");
  }
  if (!isOneHeight(first, second)) return fail("not-conflicting");
  if (!isAtHeight(evidence, first)) return fail("malformed");
  const firstDigest = claimDigest(context.domain, first.claim);
  const secondDigest = claimDigest(context.domain, second.claim);
  if (firstDigest === secondDigest) return fail("not-conflicting");
  if (firstDigest > secondDigest) return fail("malformed");
  const check = verifyAttestation(bls, first, context);
  return check.ok ? verifyAttestation(bls, second, context) : check;
}

function verifyAgainstCertificate(
  bls: SignatureCheck,
  evidence: AttestationAgainstCertificate,
  context: EvidenceContext,
): Check {
  const { attestation, certificate } = evidence;
  if (attestation.operator !== evidence.operator) return fail("malformed");
  if (!isOneHeight(attestation, certificate)) return fail("not-conflicting");
  if (!isAtHeight(evidence, attestation)) return fail("malformed");
  const { domain } = context;
  if (claimDigest(domain, attestation.claim) === claimDigest(domain, certificate.claim)) {
    return fail("not-conflicting");
  }
  const check = verifyCertificateInContext(bls, certificate, context);
  if (!check.ok) return check;
  if (!hasSigned(certificate, evidence.operator, context)) return fail("not-a-signer");
  return verifyAttestation(bls, attestation, context);
}

function verifyConflictingCertificates(
  bls: SignatureCheck,
  evidence: ConflictingCertificates,
  context: EvidenceContext,
): Check {
  const { lower, higher, operators, rollupId } = evidence;
  if (lower.claim.rollupId !== rollupId || higher.claim.rollupId !== rollupId) {
    return fail("malformed");
  }
  if (!isStrictlyAscending(operators)) return fail("malformed");
  const conflict = verifyConflict(evidence, context.domain);
  if (!conflict.ok) return conflict;
  for (const certificate of [lower, higher]) {
    const check = verifyCertificateInContext(bls, certificate, context);
    if (!check.ok) return check;
    if (!operators.every((operator) => hasSigned(certificate, operator, context))) {
      return fail("not-a-signer");
    }
  }
  return VALID;
}

function verifyConflict(evidence: ConflictingCertificates, domain: Domain): Check {
  const { lower, higher, headers } = evidence;
  const distance = higher.claim.blockNumber - lower.claim.blockNumber;
  if (distance < 0n) return fail("malformed");
  if (distance === 0n) {
    const lowerDigest = claimDigest(domain, lower.claim);
    const higherDigest = claimDigest(domain, higher.claim);
    if (lowerDigest === higherDigest) return fail("not-conflicting");
    return lowerDigest < higherDigest && headers.length === 0 ? VALID : fail("malformed");
  }
  if (BigInt(headers.length) !== distance) return fail("broken-header-chain");
  let expected: Hex = higher.claim.blockHash;
  let left = headers.length;
  for (const { blockHash, parentHash } of linksOf(headers)) {
    if (blockHash !== expected) return fail("broken-header-chain");
    expected = parentHash;
    left -= 1;
  }
  if (left > 0) return fail("broken-header-chain");
  return expected === lower.claim.blockHash ? fail("not-conflicting") : VALID;
}

function verifyFalseSetUpdate(
  bls: SignatureCheck,
  evidence: FalseSetUpdate,
  context: EvidenceContext,
): Check {
  const { update, operators, registryHash } = evidence;
  if (!isStrictlyAscending(operators) || byteLength(update.signature) !== 96) {
    return fail("malformed");
  }
  const signedBy = context.operatorSet(update.epoch - 1n);
  const fixed = context.operatorSet(update.epoch);
  if (signedBy?.operatorSetHash !== update.signedBy || fixed?.operatorSetHash !== registryHash) {
    return fail("unknown-operator-set");
  }
  if (!isBitfieldOf(update.signers, signedBy.operators.length)) return fail("malformed");
  if (update.operatorSetHash === registryHash) return fail("not-conflicting");
  const signers = signersOf(update, signedBy);
  if (!operators.every((operator) => signers.some((each) => each.operator === operator))) {
    return fail("not-a-signer");
  }
  // The digest is made with the domain of the context: evidence must not come in as many ways as domains.
  if (!isSameDomain(update.domain, context.domain)) return fail("bad-signature");
  const isSigned = bls.verifyAggregate({
    publicKeys: signers.map((each) => each.publicKey),
    message: setUpdateDigest(context.domain, update),
    signature: update.signature,
  });
  return isSigned ? VALID : fail("bad-signature");
}

function verifyCertificateInContext(
  bls: SignatureCheck,
  certificate: Certificate,
  context: EvidenceContext,
): Check {
  const { domain, thresholdBps } = context;
  const operatorSet = context.operatorSet(certificate.claim.epoch);
  if (operatorSet === undefined) return fail("unknown-operator-set");
  const result = verifyCertificate(bls, certificate, { operatorSet, thresholdBps, domain });
  return result.ok ? VALID : result;
}

function verifyAttestation(
  bls: SignatureCheck,
  attestation: Attestation,
  context: EvidenceContext,
): Check {
  const { claim, operator, signature } = attestation;
  if (byteLength(signature) !== 96) return fail("malformed");
  const operatorSet = context.operatorSet(claim.epoch);
  if (operatorSet === undefined) return fail("unknown-operator-set");
  const member = operatorSet.operators.find((each) => each.operator === operator);
  if (member === undefined) return fail("not-a-signer");
  const message = claimDigest(context.domain, claim);
  const isSigned = bls.verifyAggregate({ publicKeys: [member.publicKey], message, signature });
  return isSigned ? VALID : fail("bad-signature");
}

function hasSigned(certificate: Certificate, operator: Hex, context: EvidenceContext): boolean {
  const operatorSet = context.operatorSet(certificate.claim.epoch);
  if (operatorSet === undefined) return false;
  return signersOf(certificate, operatorSet).some((each) => each.operator === operator);
}

function isOneHeight(left: Pick<Attestation, "claim">, right: Pick<Attestation, "claim">): boolean {
  return (
    left.claim.rollupId === right.claim.rollupId &&
    left.claim.blockNumber === right.claim.blockNumber
  );
}

function isAtHeight(
  height: { readonly rollupId: bigint; readonly blockNumber: bigint },
  signed: Pick<Attestation, "claim">,
): boolean {
  return (
    signed.claim.rollupId === height.rollupId && signed.claim.blockNumber === height.blockNumber
  );
}

function isStrictlyAscending(operators: readonly Hex[]): boolean {
  return (
    operators.length > 0 &&
    operators.every((operator, i) => i === 0 || (operators[i - 1] ?? "") < operator)
  );
}

import { keccak256 } from "./abi-words.ts";
import { bitfieldIndices, isBitfieldOf } from "./bitfield.ts";
import type { Bls } from "./bls.ts";
import { type Claim, claimDigest } from "./claim.ts";
import { type Domain, isSameDomain } from "./domain.ts";
import { byteLength, concatHex, type Hex } from "./hex.ts";
import type { Operator, OperatorSet } from "./operator-set.ts";
import { hasQuorum } from "./quorum.ts";

/** More than the threshold of an operator set's weight behind one claim. */
export interface Certificate {
  readonly version: 1;
  readonly certificateId: Hex;
  readonly domain: Domain;
  readonly claim: Claim;
  readonly operatorSetHash: Hex;
  /** Bitfield over the set's indices. */
  readonly signers: Hex;
  /** The sum of the signers' signatures, compressed (96 bytes). */
  readonly signature: Hex;
}

declare const verified: unique symbol;

/** A certificate that `verifyCertificate` found valid, with the weights that it found. */
export interface VerifiedCertificate extends Certificate {
  readonly [verified]: true;
  readonly signedWeight: bigint;
  readonly totalWeight: bigint;
  /** The threshold that it was checked against. */
  readonly thresholdBps: number;
}

export type CertificateFailure =
  /** A length, an unused bit or the id is wrong. The sender is to blame. */
  | "malformed"
  /** The set at hand is not the one that the certificate names. */
  | "unknown-operator-set"
  /** The claim is of another epoch than the set. The sender is to blame. */
  | "epoch-mismatch"
  /** The signers do not reach the threshold. The sender is to blame. */
  | "below-threshold"
  /** The signature is no valid point, infinity, or not the signers'. The sender is to blame. */
  | "bad-signature";

export type CertificateResult =
  | { readonly ok: true; readonly certificate: VerifiedCertificate }
  | { readonly ok: false; readonly code: CertificateFailure };

/** What a certificate is checked against; every field is one that the caller trusts. */
export interface CertificateContext {
  readonly operatorSet: OperatorSet;
  readonly thresholdBps: number;
  /** The network; without it the certificate's own is taken, and the caller has to compare. */
  readonly domain?: Domain;
}

/** keccak256(abi.encode(bytes32 digest, bytes32 operatorSetHash, bytes32 keccak256(signers))). */
export function certificateId(certified: {
  readonly digest: Hex;
  readonly operatorSetHash: Hex;
  readonly signers: Hex;
}): Hex {
  return keccak256(
    concatHex(certified.digest, certified.operatorSetHash, keccak256(certified.signers)),
  );
}

/**
 * Checks a certificate under an operator set that the caller trusts, in the order of precedence
 * of the protocol: malformed, unknown-operator-set, epoch-mismatch, below-threshold,
 * bad-signature. The set's own hash must have been checked (`isConsistentOperatorSet`, or built
 * from L1).
 */
export function verifyCertificate(
  bls: Pick<Bls, "verifyAggregate">,
  certificate: Certificate,
  context: CertificateContext,
): CertificateResult {
  const { operatorSet, thresholdBps } = context;
  const { claim, domain, signers, signature } = certificate;
  const digest = claimDigest(domain, claim);
  const isOfThisSet = certificate.operatorSetHash === operatorSet.operatorSetHash;
  if (
    byteLength(signature) !== 96 ||
    !isBitfieldOf(signers, operatorSet.operators.length) ||
    certificate.certificateId !== certificateId({ ...certificate, digest })
  ) {
    return { ok: false, code: "malformed" };
  }
  if (!isOfThisSet) return { ok: false, code: "unknown-operator-set" };
  if (claim.epoch !== operatorSet.epoch) return { ok: false, code: "epoch-mismatch" };
  const operators = signersOf(certificate, operatorSet);
  const signedWeight = sumWeight(operators);
  const { totalWeight } = operatorSet;
  if (!hasQuorum({ signedWeight, totalWeight, thresholdBps })) {
    return { ok: false, code: "below-threshold" };
  }
  if (context.domain !== undefined && !isSameDomain(context.domain, domain)) {
    return { ok: false, code: "bad-signature" };
  }
  const publicKeys = operators.map((each) => each.publicKey);
  if (!bls.verifyAggregate({ publicKeys, message: digest, signature })) {
    return { ok: false, code: "bad-signature" };
  }
  return { ok: true, certificate: asVerifiedCertificate(certificate, context) };
}

/** The operators whose bit is set, in order of index. */
export function signersOf(
  signed: { readonly signers: Hex },
  operatorSet: OperatorSet,
): readonly Operator[] {
  const operators: Operator[] = [];
  for (const index of bitfieldIndices(signed.signers)) {
    const operator = operatorSet.operators[index];
    if (operator !== undefined) operators.push(operator);
  }
  return operators;
}

/** The weight of operators together. */
export function sumWeight(operators: readonly { readonly weight: bigint }[]): bigint {
  return operators.reduce((sum, each) => sum + each.weight, 0n);
}

/**
 * Whether `next` takes the place of `current` for the same claim: more weight does, less never;
 * with equal weight the bitfield that is smaller as a big-endian number of its bytes stays.
 */
export function replacesCertificate(
  current: Pick<VerifiedCertificate, "signedWeight" | "signers">,
  next: Pick<VerifiedCertificate, "signedWeight" | "signers">,
): boolean {
  if (next.signedWeight !== current.signedWeight) return next.signedWeight > current.signedWeight;
  return BigInt(next.signers) < BigInt(current.signers);
}

/**
 * Builds the certificate of a sum that the shell has checked under exactly these signers' keys;
 * null when they do not reach the threshold.
 */
export function buildCertificate(
  checked: {
    readonly domain: Domain;
    readonly claim: Claim;
    readonly signers: Hex;
    readonly signature: Hex;
  },
  context: { readonly operatorSet: OperatorSet; readonly thresholdBps: number },
): VerifiedCertificate | null {
  const { operatorSet, thresholdBps } = context;
  const { domain, claim, signers, signature } = checked;
  const { operatorSetHash, totalWeight } = operatorSet;
  if (claim.epoch !== operatorSet.epoch) return null;
  if (!isBitfieldOf(signers, operatorSet.operators.length)) return null;
  const signedWeight = sumWeight(signersOf(checked, operatorSet));
  if (!hasQuorum({ signedWeight, totalWeight, thresholdBps })) return null;
  const digest = claimDigest(domain, claim);
  const id = certificateId({ digest, operatorSetHash, signers });
  return asVerifiedCertificate(
    { version: 1, certificateId: id, domain, claim, operatorSetHash, signers, signature },
    context,
  );
}

/** The document alone, as it is served: without the weights found in verification. */
export function toCertificate(certificate: VerifiedCertificate): Certificate {
  const { version, certificateId, domain, claim, operatorSetHash, signers, signature } =
    certificate;
  return { version, certificateId, domain, claim, operatorSetHash, signers, signature };
}

function asVerifiedCertificate(
  certificate: Certificate,
  context: { readonly operatorSet: OperatorSet; readonly thresholdBps: number },
): VerifiedCertificate {
  const { operatorSet, thresholdBps } = context;
  return {
    ...certificate,
    thresholdBps,
    signedWeight: sumWeight(signersOf(certificate, operatorSet)),
    totalWeight: operatorSet.totalWeight,
  } as VerifiedCertificate;
}

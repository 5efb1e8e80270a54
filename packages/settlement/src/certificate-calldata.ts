import {
  bitfieldIndices,
  byteLength,
  type Certificate,
  type CertificateFailure,
  certificateId,
  claimDigest,
  type Domain,
  type Hex,
  isBitfieldOf,
  isHex,
  isSameDomain,
  type OperatorSet,
  type SetUpdate,
} from "@mach/core";
import { Interface } from "ethers";
import { CERTIFICATE_VERIFIER_ABI } from "./abi/certificate-verifier.ts";
import { FINALITY_LIGHT_CLIENT_ABI } from "./abi/finality-light-client.ts";
import {
  encodeSet,
  type MemberArgument,
  type OperatorSetArgument,
  type PointEncoder,
  toWords,
} from "./set-argument.ts";

/** The struct `Signers` of the contracts, for ethers: who signed, as all of a set but some. */
export interface SignersArgument {
  readonly operatorSet: OperatorSetArgument;
  readonly nonSigners: readonly MemberArgument[];
  /** The non-signers' Merkle paths one after the other. */
  readonly paths: readonly Hex[];
  readonly signature: readonly Hex[];
}

/** The struct `Trust` of the contracts: what a certificate is checked against. */
export interface VerifierTrust {
  readonly domain: Domain;
  readonly operatorSetHash: Hex;
  readonly thresholdBps: number;
}

export type CalldataFailure =
  /** A length, an unused bit or the id is wrong: the contract has no encoding for it. */
  | "malformed"
  /** The signature is no point. */
  | "bad-signature"
  /** The document is of another network than the trusted one. */
  | "other-network"
  /** A key of the set is no point. */
  | "bad-public-key";

export type CalldataResult =
  | { readonly ok: true; readonly calldata: Hex }
  | { readonly ok: false; readonly code: CalldataFailure };

/** What `CertificateVerifier.verify` answered; id and weight are zero unless the code is `valid`. */
export interface VerifierAnswer {
  readonly code: CertificateFailure | "valid";
  readonly certificateId: Hex;
  readonly signedWeight: bigint;
}

export type SignersResult =
  | { readonly ok: true; readonly signers: SignersArgument }
  | { readonly ok: false; readonly code: CalldataFailure };

/** In the order of the contracts' enum `Code`. */
const CODES: readonly VerifierAnswer["code"][] = [
  "malformed",
  "unknown-operator-set",
  "epoch-mismatch",
  "below-threshold",
  "bad-signature",
  "valid",
];

const VERIFIER: Interface = new Interface(CERTIFICATE_VERIFIER_ABI);
const LIGHT_CLIENT: Interface = new Interface(FINALITY_LIGHT_CLIENT_ABI);

/**
 * The calldata of `CertificateVerifier.verify` for a certificate of this set. Does not verify it:
 * what `verifyCertificate` refuses, the contract refuses with the same code.
 */
export function encodeCertificateCall(
  bls: PointEncoder,
  certificate: Certificate,
  context: { readonly operatorSet: OperatorSet; readonly trust: VerifierTrust },
): CalldataResult {
  const { claim, domain } = certificate;
  const digest = claimDigest(domain, claim);
  if (certificate.certificateId !== certificateId({ ...certificate, digest })) {
    return { ok: false, code: "malformed" };
  }
  const encoded = toSignersArgument(bls, certificate, context.operatorSet);
  if (!encoded.ok) return encoded;
  // The contract takes the trusted network alone: it would not see what this document says.
  if (!isSameDomain(domain, context.trust.domain)) return { ok: false, code: "other-network" };
  return encode(VERIFIER, "verify", [context.trust, claim, encoded.signers]);
}

/**
 * The calldata of `FinalityLightClient.submitCertificate` for a certificate of this set. Does not
 * verify it, and names no network: the contract knows its own.
 */
export function encodeLightClientCall(
  bls: PointEncoder,
  certificate: Certificate,
  operatorSet: OperatorSet,
): CalldataResult {
  const encoded = toSignersArgument(bls, certificate, operatorSet);
  if (!encoded.ok) return encoded;
  return encode(LIGHT_CLIENT, "submitCertificate", [certificate.claim, encoded.signers]);
}

/** The calldata of `CertificateVerifier.verifySetUpdate`; `operatorSet` is the one that signed. */
export function encodeSetUpdateCall(
  bls: PointEncoder,
  update: SetUpdate,
  context: { readonly operatorSet: OperatorSet; readonly trust: VerifierTrust },
): CalldataResult {
  const encoded = toSignersArgument(bls, update, context.operatorSet);
  if (!encoded.ok) return encoded;
  if (!isSameDomain(update.domain, context.trust.domain)) {
    return { ok: false, code: "other-network" };
  }
  const { epoch, operatorSetHash } = update;
  return encode(VERIFIER, "verifySetUpdate", [
    context.trust,
    epoch,
    operatorSetHash,
    encoded.signers,
  ]);
}

/** The answer of `CertificateVerifier.verify`, or null where the bytes are none. */
export function decodeVerifierAnswer(data: Hex): VerifierAnswer | null {
  if (byteLength(data) !== 96) return null;
  const code = CODES[Number(BigInt(data.slice(0, 66)))];
  if (code === undefined) return null;
  const certificateId: Hex = `0x${data.slice(66, 130)}`;
  return { code, certificateId, signedWeight: BigInt(`0x${data.slice(130)}`) };
}

/** The struct `Signers` for a certificate or set update that operators of this set signed. */
export function toSignersArgument(
  bls: PointEncoder,
  signed: { readonly signers: Hex; readonly signature: Hex },
  operatorSet: OperatorSet,
): SignersResult {
  if (
    byteLength(signed.signature) !== 96 ||
    !isBitfieldOf(signed.signers, operatorSet.operators.length)
  ) {
    return { ok: false, code: "malformed" };
  }
  const set = encodeSet(bls, operatorSet);
  if (set === null) return { ok: false, code: "bad-public-key" };
  const signature = bls.signatureToPoint(signed.signature);
  if (signature === null) return { ok: false, code: "bad-signature" };
  const present = new Set(bitfieldIndices(signed.signers));
  const nonSigners = set.members.filter((each) => !present.has(each.index));
  return {
    ok: true,
    signers: {
      operatorSet: set.operatorSet,
      nonSigners,
      paths: nonSigners.flatMap(({ index }) => set.pathOf(index)),
      signature: toWords(signature),
    },
  };
}

function encode(contract: Interface, method: string, args: readonly unknown[]): CalldataResult {
  const calldata = contract.encodeFunctionData(method, args);
  return isHex(calldata) ? { ok: true, calldata } : { ok: false, code: "malformed" };
}

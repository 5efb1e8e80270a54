import {
  type Bls,
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
  merklePath,
  type OperatorSet,
  operatorLeaf,
  type SetUpdate,
} from "@mach/core";
import { Interface } from "ethers";
import { CERTIFICATE_VERIFIER_ABI } from "./abi/certificate-verifier.ts";

/** What the encoders need of BLS12-381: points as EIP-2537 takes them, null for bad encodings. */
export interface PointEncoder extends Pick<Bls, "publicKeyToPoint"> {
  /** A compressed signature (96 bytes) as the 256-byte G2 point. */
  signatureToPoint(signature: Hex): Hex | null;
}

/** The struct `Signers` of the contracts, for ethers: who signed, as all of a set but some. */
export interface SignersArgument {
  readonly operatorSet: {
    readonly epoch: bigint;
    readonly count: number;
    readonly totalWeight: bigint;
    readonly aggregatePublicKey: readonly Hex[];
    readonly operatorsRoot: Hex;
  };
  readonly nonSigners: readonly {
    readonly index: number;
    readonly operator: Hex;
    readonly publicKey: readonly Hex[];
    readonly weight: bigint;
  }[];
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
  return encode("verify", [context.trust, claim, encoded.signers]);
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
  return encode("verifySetUpdate", [context.trust, epoch, operatorSetHash, encoded.signers]);
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
  const { operators, epoch, totalWeight, operatorsRoot } = operatorSet;
  if (byteLength(signed.signature) !== 96 || !isBitfieldOf(signed.signers, operators.length)) {
    return { ok: false, code: "malformed" };
  }
  const points = operators.map((each) => bls.publicKeyToPoint(each.publicKey));
  const aggregatePoint = bls.publicKeyToPoint(operatorSet.aggregatePublicKey);
  const leaves = operators.map((each, index) => {
    const point = points[index];
    return point ? operatorLeaf({ ...each, point }) : null;
  });
  if (aggregatePoint === null || !leaves.every((leaf) => leaf !== null)) {
    return { ok: false, code: "bad-public-key" };
  }
  const signature = bls.signatureToPoint(signed.signature);
  if (signature === null) return { ok: false, code: "bad-signature" };
  const present = new Set(bitfieldIndices(signed.signers));
  const absent = operators.filter((each) => !present.has(each.index));
  return {
    ok: true,
    signers: {
      operatorSet: {
        epoch,
        count: operators.length,
        totalWeight,
        aggregatePublicKey: toWords(aggregatePoint),
        operatorsRoot,
      },
      nonSigners: absent.map(({ index, operator, weight }) => ({
        index,
        operator,
        publicKey: toWords(points[index] ?? "0x"),
        weight,
      })),
      paths: absent.flatMap(({ index }) => merklePath(leaves, index)),
      signature: toWords(signature),
    },
  };
}

function encode(method: "verify" | "verifySetUpdate", args: readonly unknown[]): CalldataResult {
  const calldata = VERIFIER.encodeFunctionData(method, args);
  return isHex(calldata) ? { ok: true, calldata } : { ok: false, code: "malformed" };
}

function toWords(point: Hex): readonly Hex[] {
  return Array.from(
    { length: byteLength(point) / 32 },
    (_, i): Hex => `0x${point.slice(2 + 64 * i, 66 + 64 * i)}`,
  );
}

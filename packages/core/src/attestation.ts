import type { Claim } from "./claim.ts";
import { fromHex, type Hex, toHex } from "./hex.ts";

/** One operator's signature over a claim, as documents carry it: compressed, 96 bytes. */
export interface Attestation {
  readonly claim: Claim;
  readonly operator: Hex;
  readonly signature: Hex;
}

/**
 * An attestation as it travels: the signature uncompressed (192 bytes) or compressed (96), and
 * nothing known of it yet but that it has the right shape.
 */
export interface WireAttestation {
  readonly claim: Claim;
  readonly operator: Hex;
  readonly signature: Uint8Array;
}

declare const admitted: unique symbol;
declare const verified: unique symbol;

/**
 * An attestation that passed every check that costs nothing: known epoch, an operator of its set,
 * a height that is open, not seen before. Only `admitAttestation` makes one.
 */
export interface AdmittedAttestation extends WireAttestation {
  readonly [admitted]: true;
  readonly digest: Hex;
  /** The operator's index in the set of the claim's epoch. */
  readonly index: number;
  /** The operator's compressed key in that set. */
  readonly publicKey: Hex;
  readonly weight: bigint;
}

/**
 * An attestation whose signature was found valid by itself or in a randomised batch, never by a
 * plain sum. Only the shell's attribution check, and the node's own signer, make one.
 */
export interface VerifiedAttestation extends AdmittedAttestation {
  readonly [verified]: true;
}

/** Names an admitted attestation; called by `admitAttestation` alone. */
export function asAdmitted(
  attestation: WireAttestation,
  found: { digest: Hex; index: number; publicKey: Hex; weight: bigint },
): AdmittedAttestation {
  return { ...attestation, ...found } as AdmittedAttestation;
}

/** Says that the attribution check has passed: to be called with its result at hand only. */
export function asVerified(attestation: AdmittedAttestation): VerifiedAttestation {
  return attestation as VerifiedAttestation;
}

/** The document form of an attestation with a valid signature. */
export function toAttestation(attestation: VerifiedAttestation): Attestation {
  return {
    claim: attestation.claim,
    operator: attestation.operator,
    signature: compressSignature(attestation.signature),
  };
}

/** (p - 1) / 2 of the BLS12-381 base field, big-endian: above it a coordinate is the larger one. */
const HALF_FIELD = fromHex(
  "0x0d0088f51cbff34d258dd3db21a5d66bb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555",
);

/**
 * A valid G2 signature in its 96-byte compressed form (the serialisation of ZCash's BLS12-381,
 * which the IETF BLS signature draft takes over). 192 bytes are x.c1, x.c0, y.c1, y.c0. It does
 * not check the point: the signature has been verified before.
 */
export function compressSignature(signature: Uint8Array): Hex {
  if (signature.length === 96) return toHex(signature);
  if (signature.length !== 192) throw new RangeError("expected 96 or 192 bytes of a signature");
  const compressed = signature.slice(0, 96);
  const yc1 = signature.subarray(96, 144);
  const yc0 = signature.subarray(144, 192);
  const isLarger = yc1.every((byte) => byte === 0) ? isAboveHalf(yc0) : isAboveHalf(yc1);
  compressed[0] = (compressed[0] ?? 0) | 0x80 | (isLarger ? 0x20 : 0);
  return toHex(compressed);
}

function isAboveHalf(coordinate: Uint8Array): boolean {
  for (const [i, byte] of coordinate.entries()) {
    const half = HALF_FIELD[i] ?? 0;
    if (byte !== half) return byte > half;
  }
  return false;
}

import {
  byteLength,
  type Certificate,
  type Claim,
  certificateId,
  claimDigest,
  fromHex,
  type Hex,
  toHex,
} from "@mach/core";
import { MAX_SIGNERS_BYTES } from "./documents.ts";

const VERSION = 1;
const CLAIM_BYTES = 8 + 8 + 32 + 32 + 32 + 8 + 8 + 1;
const FIXED_BYTES = 1 + 32 + 20 + CLAIM_BYTES + 32 + 2 + 96;

/**
 * A certificate in the compact encoding, version 1: integers big-endian and of fixed width, the
 * rest raw bytes, and the id left out because it follows from the rest.
 *
 *     version u8 = 1 | chainId u256 | verifyingContract 20 | rollupId u64 | blockNumber u64
 *     | blockHash 32 | stateRoot 32 | outputRoot 32 | timestamp u64 | epoch u64
 *     | verification u8 (1 or 2) | operatorSetHash 32 | signersLength u16 (1 to 256) | signers
 *     | signature 96
 *
 * Throws a RangeError for a field of a length or size that no certificate has.
 */
export function encodeCompactCertificate(certificate: Certificate): Uint8Array {
  const { domain, claim, operatorSetHash, signers, signature } = certificate;
  const signersLength = byteLength(signers);
  if (signersLength < 1 || signersLength > MAX_SIGNERS_BYTES) throw new RangeError("signers");
  const fields = [
    uint(BigInt(VERSION), 1),
    uint(domain.chainId, 32),
    raw(domain.verifyingContract, 20),
    uint(claim.rollupId, 8),
    uint(claim.blockNumber, 8),
    raw(claim.blockHash, 32),
    raw(claim.stateRoot, 32),
    raw(claim.outputRoot, 32),
    uint(claim.timestamp, 8),
    uint(claim.epoch, 8),
    uint(BigInt(claim.verification), 1),
    raw(operatorSetHash, 32),
    uint(BigInt(signersLength), 2),
    raw(signers, signersLength),
    raw(signature, 96),
  ];
  const bytes = fromHex(`0x${fields.join("")}`);
  if (bytes.length !== FIXED_BYTES + signersLength) throw new RangeError("length");
  return bytes;
}

/**
 * The certificate of such bytes, its id computed; null where they are malformed. Each certificate
 * has one encoding. No more than the shape is checked, so `verifyCertificate` is the next step.
 */
export function decodeCompactCertificate(bytes: Uint8Array): Certificate | null {
  const signersLength = bytes.length - FIXED_BYTES;
  if (signersLength < 1 || signersLength > MAX_SIGNERS_BYTES) return null;
  let at = 0;
  const hex = (length: number): Hex => {
    at += length;
    return toHex(bytes.subarray(at - length, at));
  };
  const integer = (length: number): bigint => BigInt(hex(length));
  if (integer(1) !== BigInt(VERSION)) return null;
  const domain = { chainId: integer(32), verifyingContract: hex(20) };
  const fields = {
    rollupId: integer(8),
    blockNumber: integer(8),
    blockHash: hex(32),
    stateRoot: hex(32),
    outputRoot: hex(32),
    timestamp: integer(8),
    epoch: integer(8),
  };
  const verification = Number(integer(1));
  if (verification !== 1 && verification !== 2) return null;
  const claim: Claim = { ...fields, verification };
  const operatorSetHash = hex(32);
  if (integer(2) !== BigInt(signersLength)) return null;
  const signers = hex(signersLength);
  const signature = hex(96);
  const digest = claimDigest(domain, claim);
  const id = certificateId({ digest, operatorSetHash, signers });
  return { version: 1, certificateId: id, domain, claim, operatorSetHash, signers, signature };
}

function uint(value: bigint, length: number): string {
  const digits = value.toString(16);
  if (value < 0n || digits.length > 2 * length) throw new RangeError("integer");
  return digits.padStart(2 * length, "0");
}

function raw(value: Hex, length: number): string {
  if (byteLength(value) !== length) throw new RangeError("bytes");
  return value.slice(2);
}

import { fromHex, type Hex, isHex, toHex } from "@mach/core";

/** Lengths in bytes. "Compressed" and "uncompressed" are the encodings of the BLS draft (ZCash). */
export const SECRET_KEY_BYTES = 32;
export const MESSAGE_BYTES = 32;
export const PUBLIC_KEY_BYTES = 48;
export const SIGNATURE_BYTES = 96;
export const UNCOMPRESSED_SIGNATURE_BYTES = 192;

const COORDINATE_BYTES = 48;
const WORD_BYTES = 64;
const COMPRESSED_FLAG = 0x80;
const INFINITY_FLAG = 0x40;
const LARGER_Y_FLAG = 0x20;
const FLAGS = COMPRESSED_FLAG | INFINITY_FLAG | LARGER_Y_FLAG;

/** (p - 1) / 2: a coordinate above it is the larger one of y and -y. */
const HALF_MODULUS = fromHex(
  "0x0d0088f51cbff34d258dd3db21a5d66bb23ba5c279c2895fb39869507b587b12" +
    "0f55ffff58a9ffffdcff7fffffffd555",
);

/** Exact bytes of a hex string, or null: the one way in for hex from outside. */
export function parseHex(value: string, byteLength: number): Uint8Array | null {
  return typeof value === "string" && isHex(value, byteLength) ? fromHex(value) : null;
}

/**
 * Whether a signature has one of the two legal lengths with the flags that belong to it, and is
 * not infinity. It says nothing about the curve: libraries parse other lengths and infinity too,
 * so that this comes before every one of their decoders.
 */
export function isSignatureEncoding(bytes: Uint8Array): boolean {
  const flags = (bytes[0] ?? 0) & FLAGS;
  if (bytes.length === SIGNATURE_BYTES) {
    return (flags & COMPRESSED_FLAG) !== 0 && (flags & INFINITY_FLAG) === 0;
  }
  return bytes.length === UNCOMPRESSED_SIGNATURE_BYTES && flags === 0;
}

/** Whether a key has 48 bytes with the compression flag, and is not infinity. */
export function isPublicKeyEncoding(bytes: Uint8Array): boolean {
  const flags = (bytes[0] ?? 0) & FLAGS;
  if (bytes.length !== PUBLIC_KEY_BYTES) return false;
  return (flags & COMPRESSED_FLAG) !== 0 && (flags & INFINITY_FLAG) === 0;
}

/**
 * The 96-byte form of a signature in either form, by its bytes alone: only for signatures that a
 * library has validated.
 */
export function compressValidSignature(signature: Uint8Array): Uint8Array {
  if (signature.length === SIGNATURE_BYTES) return signature;
  // A copy in any case: `slice` of a Buffer would be a view, and the flags below the caller's.
  const compressed = new Uint8Array(signature.subarray(0, SIGNATURE_BYTES));
  // Fp2 travels as c1 then c0; the sign is c1's, and c0's where c1 is zero.
  const y1 = signature.subarray(SIGNATURE_BYTES, SIGNATURE_BYTES + COORDINATE_BYTES);
  const y0 = signature.subarray(SIGNATURE_BYTES + COORDINATE_BYTES);
  const isLarger = isAboveHalf(y1.some((byte) => byte !== 0) ? y1 : y0);
  compressed[0] = (compressed[0] ?? 0) | COMPRESSED_FLAG | (isLarger ? LARGER_Y_FLAG : 0);
  return compressed;
}

function isAboveHalf(coordinate: Uint8Array): boolean {
  for (const [position, byte] of coordinate.entries()) {
    const half = HALF_MODULUS[position] ?? 0;
    if (byte !== half) return byte > half;
  }
  return false;
}

/** An uncompressed point (96 or 192 bytes) with the coordinates in the order that EIP-2537 has. */
export function toEip2537(uncompressed: Uint8Array): Hex {
  const order = coordinateOrder(uncompressed.length / COORDINATE_BYTES);
  const point = new Uint8Array(order.length * WORD_BYTES);
  for (const [target, source] of order.entries()) {
    point.set(
      uncompressed.subarray(source * COORDINATE_BYTES, (source + 1) * COORDINATE_BYTES),
      (target + 1) * WORD_BYTES - COORDINATE_BYTES,
    );
  }
  return toHex(point);
}

/**
 * The uncompressed bytes of a point of EIP-2537 (2 or 4 words of 64 bytes), or null for another
 * length, non-zero padding, a coordinate that reaches into the flags, and infinity. The curve and
 * the subgroup are the caller's to check.
 */
export function fromEip2537(point: string, words: 2 | 4): Uint8Array | null {
  const bytes = parseHex(point, words * WORD_BYTES);
  if (bytes === null) return null;
  const uncompressed = new Uint8Array(words * COORDINATE_BYTES);
  for (const [source, target] of coordinateOrder(words).entries()) {
    const word = bytes.subarray(source * WORD_BYTES, (source + 1) * WORD_BYTES);
    const padding = word.subarray(0, WORD_BYTES - COORDINATE_BYTES);
    const coordinate = word.subarray(WORD_BYTES - COORDINATE_BYTES);
    if (padding.some((byte) => byte !== 0) || ((coordinate[0] ?? 0) & FLAGS) !== 0) return null;
    uncompressed.set(coordinate, target * COORDINATE_BYTES);
  }
  return uncompressed.every((byte) => byte === 0) ? null : uncompressed;
}

/** G1: x y in both. G2: EIP-2537 has x0 x1 y0 y1 where the wire has x1 x0 y1 y0. An involution. */
function coordinateOrder(coordinates: number): readonly number[] {
  return coordinates === 2 ? [0, 1] : [1, 0, 3, 2];
}

/** Lower-case hex with 0x: hashes 32 bytes, addresses 20, keys 48, signatures 96. */
export type Hex = `0x${string}`;

const BYTE_TO_HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

export const ZERO_HASH: Hex = `0x${"00".repeat(32)}`;

/** Bytes as lower-case hex with 0x. */
export function toHex(bytes: Uint8Array): Hex {
  let hex = "0x";
  for (const byte of bytes) hex += BYTE_TO_HEX[byte];
  return hex as Hex;
}

/** The bytes of a hex string. Throws a RangeError unless it is lower-case hex of whole bytes. */
export function fromHex(hex: string): Uint8Array {
  if (!isHex(hex)) throw new RangeError("expected lower-case hex of whole bytes with 0x");
  const bytes = new Uint8Array((hex.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (digit(hex.charCodeAt(2 + 2 * i)) << 4) | digit(hex.charCodeAt(3 + 2 * i));
  }
  return bytes;
}

/** The value of a lower-case hexadecimal digit, from its character code. */
function digit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}

/** Whether the value is lower-case hex with 0x, of `byteLength` bytes where one is given. */
export function isHex(value: string, byteLength?: number): value is Hex {
  if (byteLength !== undefined && value.length !== 2 + 2 * byteLength) return false;
  return value.length % 2 === 0 && /^0x[0-9a-f]*$/.test(value);
}

/** The number of bytes that a hex string stands for. */
export function byteLength(hex: Hex): number {
  return (hex.length - 2) / 2;
}

/** Hex strings joined in order. */
export function concatHex(...parts: readonly Hex[]): Hex {
  return `0x${parts.map((part) => part.slice(2)).join("")}`;
}

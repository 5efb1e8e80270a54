import { fromHex, type Hex } from "@mach/core";

/** The end of every range of keys that begin with a uint64 or more of them. */
export const MAX_UINT64: bigint = 2n ** 64n - 1n;

/** A key of big-endian uint64s after an optional prefix, so that keys sort as their numbers do. */
export function numberKey(numbers: readonly bigint[], prefix?: Hex): Uint8Array {
  const head = prefix === undefined ? new Uint8Array(0) : fromHex(prefix);
  const key = Buffer.alloc(head.length + 8 * numbers.length);
  key.set(head);
  for (const [i, number] of numbers.entries()) key.writeBigUInt64BE(number, head.length + 8 * i);
  return key;
}

/** The uint64 that a key of numbers without a prefix begins with. */
export function leadingNumber(key: Uint8Array): bigint {
  return Buffer.from(key).readBigUInt64BE(0);
}

/** A key of a hash, or of another hex string. */
export function hexKey(hex: Hex): Uint8Array {
  return fromHex(hex);
}

/** A key of a name. */
export function nameKey(name: string): Uint8Array {
  return Buffer.from(name, "utf8");
}

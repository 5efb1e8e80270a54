import type { Hex } from "@mach/core";

/** A JSON-RPC quantity, with or without leading zeros, or null unless it is a uint of `bits`. */
export function parseQuantity(raw: unknown, bits = 64): bigint | null {
  if (typeof raw !== "string" || raw.length > 66 || !/^0x[0-9a-fA-F]+$/.test(raw)) return null;
  const value = BigInt(raw);
  return value >> BigInt(bits) === 0n ? value : null;
}

/** A JSON number that names a block, a batch or a time; null beyond 2^53, where it is not exact. */
export function parseInteger(raw: unknown): bigint | null {
  return typeof raw === "number" && Number.isSafeInteger(raw) && raw >= 0 ? BigInt(raw) : null;
}

/** Hex in any case as lower-case hex, or null unless it has `min` to `max` bytes. */
export function parseBytes(
  raw: unknown,
  length: { readonly min: number; readonly max: number },
): Hex | null {
  if (typeof raw !== "string" || raw.length % 2 !== 0) return null;
  if (raw.length < 2 + 2 * length.min || raw.length > 2 + 2 * length.max) return null;
  return /^0x[0-9a-fA-F]*$/.test(raw) ? (raw.toLowerCase() as Hex) : null;
}

/** 32 bytes, or null. */
export function parseHash(raw: unknown): Hex | null {
  return parseBytes(raw, { min: 32, max: 32 });
}

/** An address of 20 bytes, or null. */
export function parseAddress(raw: unknown): Hex | null {
  return parseBytes(raw, { min: 20, max: 20 });
}

/** A number or a time as JSON-RPC writes it. */
export function toQuantity(value: bigint): Hex {
  return `0x${value.toString(16)}`;
}

// The one of @mach/rpc would load its network code into whatever checks a header.
/** Whether a parsed JSON value is an object, and no array or null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A number as JSON-RPC writes it. */
export function toQuantity(number: bigint): string {
  return `0x${number.toString(16)}`;
}

/** A quantity of JSON-RPC below 2^64; null where it is none. */
export function parseQuantity(value: unknown): bigint | null {
  return typeof value === "string" && /^0x[0-9a-f]{1,16}$/i.test(value) ? BigInt(value) : null;
}

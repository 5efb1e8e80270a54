import { RLP } from "@ethereumjs/rlp";
import { fromHex } from "@mach/core";

/** What RLP encodes: bytes, or a list. */
export type Encodable = Uint8Array | readonly Encodable[];

/** The RLP of a list; behind its type where that is not 0 (EIP-2718). */
export function encodeTyped(type: number, items: readonly Encodable[]): Uint8Array {
  const encoded = RLP.encode(items as Parameters<typeof RLP.encode>[0]);
  return type === 0 ? encoded : Uint8Array.of(type, ...encoded);
}

/** RLP integers are big-endian without leading zeros; zero is the empty string. */
export function minimalBytes(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array();
  const digits = value.toString(16);
  return fromHex(`0x${digits.length % 2 === 0 ? "" : "0"}${digits}`);
}

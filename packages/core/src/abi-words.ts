import { keccak_256 } from "@noble/hashes/sha3.js";
import { fromHex, type Hex, toHex } from "./hex.ts";

/** An unsigned integer as one 32-byte word of `abi.encode`. Throws a RangeError beyond 256 bits. */
export function uintWord(value: bigint | number): Hex {
  const integer = BigInt(value);
  if (integer < 0n || integer >> 256n !== 0n) throw new RangeError("expected a uint256");
  return `0x${integer.toString(16).padStart(64, "0")}`;
}

/** An address (20 bytes) as one 32-byte word of `abi.encode`. */
export function addressWord(address: Hex): Hex {
  if (address.length !== 42) throw new RangeError("expected an address of 20 bytes");
  return `0x${address.slice(2).padStart(64, "0")}`;
}

/** keccak256 of bytes or of a hex string's bytes. */
export function keccak256(data: Uint8Array | Hex): Hex {
  return toHex(keccak_256(typeof data === "string" ? fromHex(data) : data));
}

/** keccak256 of the UTF-8 bytes of a text: type hashes and names of EIP-712. */
export function keccak256Text(text: string): Hex {
  return keccak256(new TextEncoder().encode(text));
}

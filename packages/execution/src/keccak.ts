import { createKeccak } from "hash-wasm";

// One instance per thread: WebAssembly hashes node-sized inputs about nine times as fast as
// JavaScript does, and hashing every preimage is the price of not trusting the witness.
const hasher = await createKeccak(256);

/** The keccak256 of some bytes, 32 bytes. */
export function keccak(bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest("binary");
}

/** Bytes as a key of a map: hexadecimal digits without 0x. */
export function mapKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

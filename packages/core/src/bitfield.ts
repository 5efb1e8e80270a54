import { byteLength, fromHex, type Hex, toHex } from "./hex.ts";

/** The indices set in a bitfield, ascending: bit i is bit (i mod 8), lowest first, of byte i/8. */
export function bitfieldIndices(bitfield: Hex): readonly number[] {
  const indices: number[] = [];
  for (const [position, byte] of fromHex(bitfield).entries()) {
    for (let bit = 0; bit < 8; bit++) {
      if ((byte >> bit) & 1) indices.push(position * 8 + bit);
    }
  }
  return indices;
}

/** The bitfield of ceil(count/8) bytes with these indices set. */
export function bitfieldFromIndices(indices: Iterable<number>, count: number): Hex {
  const bytes = new Uint8Array(Math.ceil(count / 8));
  for (const index of indices) {
    if (index < 0 || index >= count) throw new RangeError("index outside of the set");
    bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return toHex(bytes);
}

/** Whether a bitfield has ceil(count/8) bytes and no bit at or above count. */
export function isBitfieldOf(bitfield: Hex, count: number): boolean {
  if (byteLength(bitfield) !== Math.ceil(count / 8)) return false;
  return bitfieldIndices(bitfield).every((index) => index < count);
}

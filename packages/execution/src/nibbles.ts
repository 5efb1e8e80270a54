/** The four-bit digits of some bytes, the high one first. */
export function toNibbles(bytes: Uint8Array): Uint8Array {
  const nibbles = new Uint8Array(bytes.length * 2);
  for (const [index, byte] of bytes.entries()) {
    nibbles[2 * index] = byte >> 4;
    nibbles[2 * index + 1] = byte & 15;
  }
  return nibbles;
}

/** How many nibbles two paths have in common, each from its own offset. */
export function commonLength(a: Uint8Array, aFrom: number, b: Uint8Array, bFrom: number): number {
  const most = Math.min(a.length - aFrom, b.length - bFrom);
  let length = 0;
  while (length < most && a[aFrom + length] === b[bFrom + length]) length++;
  return length;
}

/** One path after the other. */
export function joinNibbles(...paths: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(paths.reduce((sum, path) => sum + path.length, 0));
  let offset = 0;
  for (const path of paths) {
    joined.set(path, offset);
    offset += path.length;
  }
  return joined;
}

/** The hex-prefix encoding of a path (Yellow Paper appendix C). */
export function encodePath(path: Uint8Array, isLeaf: boolean): Uint8Array {
  const isOdd = path.length % 2 === 1;
  const bytes = new Uint8Array((path.length >> 1) + 1);
  bytes[0] = (isLeaf ? 0x20 : 0) | (isOdd ? 0x10 | (path[0] ?? 0) : 0);
  for (let at = isOdd ? 1 : 0, to = 1; at < path.length; at += 2, to++) {
    bytes[to] = ((path[at] ?? 0) << 4) | (path[at + 1] ?? 0);
  }
  return bytes;
}

/** The path of a hex-prefix encoding; null where it is not one. */
export function decodePath(
  bytes: Uint8Array,
): { readonly path: Uint8Array; readonly isLeaf: boolean } | null {
  const first = bytes[0];
  if (first === undefined || first >> 4 > 3) return null;
  const isOdd = (first & 0x10) !== 0;
  if (!isOdd && (first & 15) !== 0) return null;
  return { path: toNibbles(bytes).subarray(isOdd ? 1 : 2), isLeaf: (first & 0x20) !== 0 };
}

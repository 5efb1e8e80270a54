import { RLP } from "@ethereumjs/rlp";
import { keccak256 } from "./abi-words.ts";
import { fromHex, type Hex, toHex } from "./hex.ts";

type Item = Uint8Array | readonly Item[];

/** More than the longest path has nibbles. */
const MAX_NODES = 65;

/**
 * The value under a key of a Merkle Patricia trie (Yellow Paper appendix D), from the nodes on the
 * way to it, the root's first. Null unless every node is the preimage of the hash that led to it,
 * and the last one holds the value: nothing may be left over. Absence is not proved by it.
 */
export function provenValue(
  nodes: readonly Hex[],
  wanted: { readonly root: Hex; readonly key: Uint8Array },
): Uint8Array | null {
  if (nodes.length > MAX_NODES) return null;
  let expected: Hex = wanted.root;
  let rest: readonly number[] = toNibbles(wanted.key);
  for (const [index, bytes] of nodes.entries()) {
    if (keccak256(bytes) !== expected) return null;
    let step = stepInto(decode(fromHex(bytes)), rest);
    // A node of less than 32 bytes stands inside of its parent.
    while (step !== null && Array.isArray(step.next)) step = stepInto(step.next, step.rest);
    if (step === null || !(step.next instanceof Uint8Array)) return null;
    if (step.isLeaf) return index === nodes.length - 1 ? step.next : null;
    if (step.next.length !== 32) return null;
    expected = toHex(step.next);
    rest = step.rest;
  }
  return null;
}

/** The key of an index in the tries of a block's transactions and receipts: its RLP. */
export function indexKey(index: number): Uint8Array {
  return RLP.encode(index);
}

interface Step {
  readonly isLeaf: boolean;
  /** A leaf's value, or the child. */
  readonly next: Item;
  readonly rest: readonly number[];
}

/** Where a node leads on a path; null for a node that is none, and off the path. */
function stepInto(node: Item | null, path: readonly number[]): Step | null {
  if (node === null || node instanceof Uint8Array) return null;
  if (node.length === 17) {
    const [nibble, ...rest] = path;
    const next = nibble === undefined ? undefined : node[nibble];
    return next === undefined ? null : { isLeaf: false, next, rest };
  }
  const part = node.length === 2 ? parsePath(node[0]) : null;
  const next = node[1];
  if (part === null || next === undefined) return null;
  const { nibbles, isLeaf } = part;
  const rest = path.slice(nibbles.length);
  const isOnPath = nibbles.every((nibble, at) => nibble === path[at]);
  const isWhole = isLeaf ? rest.length === 0 && next instanceof Uint8Array : nibbles.length > 0;
  return isOnPath && isWhole ? { isLeaf, next, rest } : null;
}

/** Hex-prefix encoding (Yellow Paper appendix C). */
function parsePath(
  raw: Item | undefined,
): { readonly isLeaf: boolean; readonly nibbles: readonly number[] } | null {
  if (!(raw instanceof Uint8Array) || raw.length === 0 || raw.length > 33) return null;
  const nibbles = toNibbles(raw);
  const flag = nibbles[0] ?? 4;
  if (flag > 3 || (flag % 2 === 0 && nibbles[1] !== 0)) return null;
  return { isLeaf: flag >= 2, nibbles: nibbles.slice(flag % 2 === 0 ? 2 : 1) };
}

/** The half bytes of a key, by which a trie branches. */
export function toNibbles(bytes: Uint8Array): readonly number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
}

function decode(bytes: Uint8Array): Item | null {
  try {
    return RLP.decode(bytes);
  } catch {
    // Bytes that are no RLP: no proof.
    return null;
  }
}

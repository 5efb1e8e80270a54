import { RLP } from "@ethereumjs/rlp";
import { keccak } from "./keccak.ts";
import { decodePath, encodePath } from "./nibbles.ts";

/** A child: none, the hash of a node that was not looked at, or a node. */
export type Child = null | Uint8Array | TrieNode;

/**
 * A node of a Merkle Patricia trie (Yellow Paper appendix D) whose keys are all of one length or
 * free of prefixes, so that no branch holds a value. `reference` is how the parent encodes the
 * node, null since a change below it.
 */
export type TrieNode =
  | {
      readonly kind: "leaf";
      readonly path: Uint8Array;
      readonly value: Uint8Array;
      reference: Uint8Array | null;
    }
  | {
      readonly kind: "extension";
      readonly path: Uint8Array;
      child: Exclude<Child, null>;
      reference: Uint8Array | null;
    }
  | { readonly kind: "branch"; readonly children: Child[]; reference: Uint8Array | null };

type Nested = Uint8Array | NestedList;
interface NestedList extends Array<Nested> {}

const EMPTY_STRING = Uint8Array.of(0x80);
const HASH_PREFIX = 0xa0;

/** The node that some bytes encode; null where they encode none. */
export function decodeNode(bytes: Uint8Array): TrieNode | null {
  try {
    const items = RLP.decode(bytes) as Nested;
    return Array.isArray(items) ? nodeOf(items, null) : null;
  } catch {
    // A preimage may be anything; that it is no RLP is the answer.
    return null;
  }
}

/** How a parent encodes a node: its hash, or the node itself where that is shorter. */
export function referenceTo(node: TrieNode): Uint8Array {
  if (node.reference !== null) return node.reference;
  const bytes = encodeNode(node);
  node.reference = bytes.length < 32 ? bytes : hashReference(keccak(bytes));
  return node.reference;
}

/** The RLP of a node. */
export function encodeNode(node: TrieNode): Uint8Array {
  switch (node.kind) {
    case "leaf":
      return encodeList([encodeString(encodePath(node.path, true)), encodeString(node.value)]);
    case "extension":
      return encodeList([encodeString(encodePath(node.path, false)), childReference(node.child)]);
    case "branch":
      return encodeList([...node.children.map(childReference), EMPTY_STRING]);
  }
}

/** How a parent encodes a node of this hash. */
export function hashReference(hash: Uint8Array): Uint8Array {
  const reference = new Uint8Array(33);
  reference[0] = HASH_PREFIX;
  reference.set(hash, 1);
  return reference;
}

function childReference(child: Child): Uint8Array {
  if (child === null) return EMPTY_STRING;
  return child instanceof Uint8Array ? hashReference(child) : referenceTo(child);
}

function nodeOf(items: readonly Nested[], reference: Uint8Array | null): TrieNode | null {
  if (items.length === 17) return branchOf(items, reference);
  const [encodedPath, content] = items;
  if (items.length !== 2 || !(encodedPath instanceof Uint8Array)) return null;
  const decoded = decodePath(encodedPath);
  if (decoded === null || content === undefined) return null;
  const { path, isLeaf } = decoded;
  if (isLeaf) {
    if (!(content instanceof Uint8Array)) return null;
    return { kind: "leaf", path, value: content, reference };
  }
  const child = childOf(content);
  if (child === undefined || child === null || path.length === 0) return null;
  return { kind: "extension", path, child, reference };
}

function branchOf(items: readonly Nested[], reference: Uint8Array | null): TrieNode | null {
  const value = items[16];
  if (!(value instanceof Uint8Array) || value.length !== 0) return null;
  const children: Child[] = [];
  for (let index = 0; index < 16; index++) {
    const child = childOf(items[index]);
    if (child === undefined) return null;
    children.push(child);
  }
  return { kind: "branch", children, reference };
}

/** Undefined for what can be no child. */
function childOf(item: Nested | undefined): Child | undefined {
  if (item instanceof Uint8Array) {
    if (item.length === 0) return null;
    return item.length === 32 ? item : undefined;
  }
  if (item === undefined) return undefined;
  const bytes = RLP.encode(item as Parameters<typeof RLP.encode>[0]);
  if (bytes.length >= 32) return undefined;
  return nodeOf(item, bytes) ?? undefined;
}

function encodeString(bytes: Uint8Array): Uint8Array {
  return RLP.encode(bytes);
}

/** A list of items that are RLP already. */
function encodeList(items: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const item of items) length += item.length;
  const prefix = listPrefix(length);
  const bytes = new Uint8Array(prefix.length + length);
  bytes.set(prefix);
  let offset = prefix.length;
  for (const item of items) {
    bytes.set(item, offset);
    offset += item.length;
  }
  return bytes;
}

function listPrefix(length: number): Uint8Array {
  if (length < 56) return Uint8Array.of(0xc0 + length);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Uint8Array.of(0xf7 + digits.length, ...digits);
}

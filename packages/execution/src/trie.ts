import { toHex } from "@mach/core";
import { keccak } from "./keccak.ts";
import { commonLength, joinNibbles, toNibbles } from "./nibbles.ts";
import {
  type Child,
  decodeNode,
  encodeNode,
  hashReference,
  referenceTo,
  type TrieNode,
} from "./trie-node.ts";
import type { Missing } from "./verdict.ts";

/** Where nodes come from: the bytes that hash to a hash, or null where there are none. */
export type ReadPreimage = (hash: Uint8Array) => Uint8Array | null;

/** A part of a trie that neither the witness nor the execution gives. Never a zero, never empty. */
export class MissingPreimageError extends Error {
  override readonly name = "MissingPreimageError";
  readonly missing: Missing;

  constructor(missing: Missing) {
    super(`the witness lacks ${missing.kind} ${missing.hash}`);
    this.missing = missing;
  }
}

/** keccak256 of the RLP of nothing: the root of a trie without keys. */
export const EMPTY_ROOT: Uint8Array = keccak(Uint8Array.of(0x80));

/**
 * A trie of which only a part is at hand. Every method throws a MissingPreimageError where it
 * meets a node that is not.
 */
export class PartialTrie {
  readonly #read: ReadPreimage;
  readonly #account: Missing["account"];
  #top: Child;

  /** `account` is whose storage the trie is, for what is reported as missing. */
  constructor(rootHash: Uint8Array, read: ReadPreimage, account: Missing["account"] = null) {
    this.#read = read;
    this.#account = account;
    this.#top = Buffer.compare(rootHash, EMPTY_ROOT) === 0 ? null : rootHash;
  }

  get(key: Uint8Array): Uint8Array | null {
    return this.#valueAt(toNibbles(key));
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.#top = this.#insert(this.#top, toNibbles(key), 0, value);
  }

  /**
   * Takes a key out. To be called after every `set`: a branch that is left with one child takes
   * that child's node, and one that a later `set` would fill needs no node that is not at hand.
   */
  remove(key: Uint8Array): void {
    const nibbles = toNibbles(key);
    // Where the key is not there nothing may change, and no reference is lost.
    if (this.#valueAt(nibbles) !== null) this.#top = this.#removeBelow(this.#top, nibbles, 0);
  }

  root(): Uint8Array {
    if (this.#top === null) return EMPTY_ROOT;
    return this.#top instanceof Uint8Array ? this.#top : hashOf(this.#top);
  }

  #resolve(child: Uint8Array | TrieNode, key: Uint8Array, depth: number): TrieNode {
    if (!(child instanceof Uint8Array)) return child;
    const bytes = this.#read(child);
    const node = bytes === null ? null : decodeNode(bytes);
    if (node === null) throw missingNode(child, key.subarray(0, depth), this.#account);
    node.reference = hashReference(child);
    return node;
  }

  #valueAt(key: Uint8Array): Uint8Array | null {
    if (this.#top === null) return null;
    let depth = 0;
    let node = this.#resolve(this.#top, key, 0);
    // Nodes are kept decoded: the next key shares a part of the way.
    this.#top = node;
    for (;;) {
      if (node.kind === "branch") {
        const index = key[depth] ?? 0;
        const child: Child = node.children[index] ?? null;
        depth++;
        if (child === null) return null;
        const next = this.#resolve(child, key, depth);
        node.children[index] = next;
        node = next;
        continue;
      }
      const shared = commonLength(node.path, 0, key, depth);
      if (shared < node.path.length) return null;
      depth += shared;
      if (node.kind === "leaf") return depth === key.length ? node.value : null;
      const next = this.#resolve(node.child, key, depth);
      node.child = next;
      node = next;
    }
  }

  #insert(child: Child, key: Uint8Array, depth: number, value: Uint8Array): TrieNode {
    if (child === null) return leaf(key.subarray(depth), value);
    const node = this.#resolve(child, key, depth);
    if (node.kind === "branch") {
      const index = key[depth] ?? 0;
      node.children[index] = this.#insert(node.children[index] ?? null, key, depth + 1, value);
      node.reference = null;
      return node;
    }
    const shared = commonLength(node.path, 0, key, depth);
    if (shared === node.path.length) {
      if (node.kind === "leaf") return leaf(node.path, value);
      node.child = this.#insert(node.child, key, depth + shared, value);
      node.reference = null;
      return node;
    }
    const children: Child[] = new Array<Child>(16).fill(null);
    children[node.path[shared] ?? 0] = withoutFront(node, shared + 1);
    const at = depth + shared;
    children[key[at] ?? 0] = leaf(key.subarray(at + 1), value);
    const branch: TrieNode = { kind: "branch", children, reference: null };
    return shared === 0 ? branch : extension(node.path.subarray(0, shared), branch);
  }

  #removeBelow(child: Child, key: Uint8Array, depth: number): Child {
    if (child === null) return null;
    const node = this.#resolve(child, key, depth);
    if (node.kind === "branch") {
      const index = key[depth] ?? 0;
      node.children[index] = this.#removeBelow(node.children[index] ?? null, key, depth + 1);
      node.reference = null;
      return this.#collapsed(node, key.subarray(0, depth));
    }
    const shared = commonLength(node.path, 0, key, depth);
    if (shared < node.path.length) return node;
    if (node.kind === "leaf") return null;
    const below = this.#removeBelow(node.child, key, depth + shared);
    if (below === null) return null;
    return this.#prepended(node.path, below, key.subarray(0, depth + shared));
  }

  /** A branch with one child left is no branch: the child takes its place. */
  #collapsed(branch: TrieNode & { kind: "branch" }, path: Uint8Array): Child {
    const left = [...branch.children.keys()].filter((index) => branch.children[index] !== null);
    const [index] = left;
    if (left.length !== 1 || index === undefined) return left.length === 0 ? null : branch;
    const step = Uint8Array.of(index);
    return this.#prepended(step, branch.children[index] ?? null, joinNibbles(path, step));
  }

  /** A path in front of a child, in one node where the child has a path of its own. */
  #prepended(path: Uint8Array, child: Child, childPath: Uint8Array): Child {
    if (child === null) return null;
    const node = this.#resolve(child, childPath, childPath.length);
    if (node.kind === "branch") return extension(path, node);
    const joined = joinNibbles(path, node.path);
    return node.kind === "leaf" ? leaf(joined, node.value) : extension(joined, node.child);
  }
}

/** The root's hash is a hash even where its node is shorter than one. */
function hashOf(node: TrieNode): Uint8Array {
  const reference = referenceTo(node);
  return reference.length === 33 ? reference.subarray(1) : keccak(encodeNode(node));
}

function leaf(path: Uint8Array, value: Uint8Array): TrieNode {
  return { kind: "leaf", path, value, reference: null };
}

function extension(path: Uint8Array, child: Exclude<Child, null>): TrieNode {
  return { kind: "extension", path, child, reference: null };
}

/** What is left of a leaf or an extension when the front of its path went into other nodes. */
function withoutFront(node: Exclude<TrieNode, { kind: "branch" }>, length: number): Child {
  const path = node.path.subarray(length);
  if (node.kind === "leaf") return leaf(path, node.value);
  return path.length === 0 ? node.child : extension(path, node.child);
}

function missingNode(
  hash: Uint8Array,
  path: Uint8Array,
  account: Missing["account"],
): MissingPreimageError {
  const digits = [...path].map((nibble) => nibble.toString(16)).join("");
  const node = { kind: "trie-node", hash: toHex(hash), account, path: digits } as const;
  return new MissingPreimageError({ ...node, key: null });
}

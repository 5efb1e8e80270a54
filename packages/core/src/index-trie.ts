import { RLP } from "@ethereumjs/rlp";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { indexKey, toNibbles } from "./trie-proof.ts";

/** The trie of a list's values under the RLP of their index (Yellow Paper section 4.4). */
export interface IndexTrie {
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** The nodes on the way to a value, the root's first. Throws a RangeError beyond the list. */
  proofOf(index: number): readonly Uint8Array[];
}

type Keccak = (bytes: Uint8Array) => Uint8Array;
type Encodable = Uint8Array | readonly Encodable[];

interface Entry {
  readonly path: readonly number[];
  readonly value: Uint8Array;
}

/** A node, as it is hashed and as its parent names it. */
interface Node {
  readonly encoded: Uint8Array;
  readonly reference: Encodable;
  /** By the first nibble that leads there; none of a leaf. */
  readonly children: ReadonlyMap<number, Node>;
  /** How many nibbles lead to a child. */
  readonly length: number;
}

/** Builds the whole trie at once. `keccak` hashes in JavaScript if not given. */
export function buildIndexTrie(
  values: readonly Uint8Array[],
  keccak: Keccak = keccak_256,
): IndexTrie {
  const steps = indexTrieSteps(values, keccak);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * The same value by value: thousands of them are hashed for a good part of a second, in which
 * whoever builds may have other work. The recursion is as deep as a key is long, 20 nibbles.
 */
export function* indexTrieSteps(
  values: readonly Uint8Array[],
  keccak: Keccak = keccak_256,
): Generator<void, IndexTrie, void> {
  const entries = values.map((value, index) => ({ path: toNibbles(indexKey(index)), value }));
  const top = entries.length === 0 ? null : yield* build(entries, 0, keccak);
  return {
    root: keccak(top?.encoded ?? Uint8Array.of(0x80)),
    proofOf(index) {
      const entry = entries[index];
      if (top === null || entry === undefined)
        throw new RangeError("expected an index of the list");
      const nodes = [top.encoded];
      for (let node = top, depth = 0; ; ) {
        const child = node.children.get(entry.path[depth] ?? 0);
        if (child === undefined) return nodes;
        // One that stands inside of its parent is there already.
        if (child.reference instanceof Uint8Array) nodes.push(child.encoded);
        depth += node.length;
        node = child;
      }
    },
  };
}

/** The node of entries that share their path up to `depth`. */
function* build(
  entries: readonly Entry[],
  depth: number,
  keccak: Keccak,
): Generator<void, Node, void> {
  const [first, ...others] = entries;
  if (first === undefined) throw new RangeError("expected an entry");
  const { path, value } = first;
  if (others.length === 0) {
    yield;
    return nodeOf(
      [encodePath(path.slice(depth), true), value],
      { children: new Map(), length: 0 },
      keccak,
    );
  }
  let end = depth;
  while (others.every((other) => other.path[end] === path[end])) end++;
  if (end > depth) {
    const child = yield* build(entries, end, keccak);
    const children = new Map([[path[depth] ?? 0, child]]);
    const items = [encodePath(path.slice(depth, end), false), child.reference];
    return nodeOf(items, { children, length: end - depth }, keccak);
  }
  const children = new Map<number, Node>();
  for (let nibble = 0; nibble < 16; nibble++) {
    const part = entries.filter((entry) => entry.path[depth] === nibble);
    if (part.length > 0) children.set(nibble, yield* build(part, depth + 1, keccak));
  }
  const slots = Array.from({ length: 16 }, (_, at) => children.get(at)?.reference ?? EMPTY);
  return nodeOf([...slots, EMPTY], { children, length: 1 }, keccak);
}

const EMPTY = new Uint8Array();

function nodeOf(
  items: readonly Encodable[],
  below: Pick<Node, "children" | "length">,
  keccak: Keccak,
): Node {
  const encoded = RLP.encode(items as Parameters<typeof RLP.encode>[0]);
  return { encoded, reference: encoded.length < 32 ? items : keccak(encoded), ...below };
}

/** Hex-prefix encoding (Yellow Paper appendix C). */
function encodePath(path: readonly number[], isLeaf: boolean): Uint8Array {
  const flag = isLeaf ? 2 : 0;
  const nibbles = path.length % 2 === 0 ? [flag, 0, ...path] : [flag + 1, ...path];
  return Uint8Array.from({ length: nibbles.length / 2 }, (_, at) => {
    return ((nibbles[2 * at] ?? 0) << 4) | (nibbles[2 * at + 1] ?? 0);
  });
}

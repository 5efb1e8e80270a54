import { addressWord, concatHex, type Hex, keccak256, uintWord, ZERO_HASH } from "@mach/core";

/** A bridge exit as the agglayer's local exit trees hold it. */
export interface BridgeExit {
  /** 0 a transfer of assets, 1 a message. */
  readonly leafType: 0 | 1;
  readonly originNetwork: number;
  readonly originToken: Hex;
  readonly destinationNetwork: number;
  readonly destination: Hex;
  readonly amount: bigint;
  /** keccak256 of the exit's metadata. */
  readonly metadataHash: Hex;
}

/** An append-only Merkle tree of depth 32: how many leaves it has, and the nodes left of the next. */
export interface ExitTree {
  readonly count: number;
  /** One node per level; what a level does not need is stale. */
  readonly branch: readonly Hex[];
}

const DEPTH = 32;
const UINT32_BYTES = 4;

/** The root of an empty subtree at each level, from the leaf up. */
const EMPTY: readonly Hex[] = emptyRoots();

export const EMPTY_EXIT_TREE: ExitTree = { count: 0, branch: EMPTY.slice(0, DEPTH) };

/** The leaf of a bridge exit: keccak256 over its packed fields. */
export function exitLeaf(exit: BridgeExit): Hex {
  return keccak256(
    concatHex(
      uintBytes(BigInt(exit.leafType), 1),
      uintBytes(BigInt(exit.originNetwork), UINT32_BYTES),
      address(exit.originToken),
      uintBytes(BigInt(exit.destinationNetwork), UINT32_BYTES),
      address(exit.destination),
      uintWord(exit.amount),
      exit.metadataHash,
    ),
  );
}

/** The leaf of the L1 info tree: keccak256(globalExitRoot || l1BlockHash || uint64 timestamp). */
export function l1InfoLeaf(info: {
  readonly globalExitRoot: Hex;
  readonly l1BlockHash: Hex;
  /** Seconds. */
  readonly timestamp: bigint;
}): Hex {
  return keccak256(concatHex(info.globalExitRoot, info.l1BlockHash, uintBytes(info.timestamp, 8)));
}

/** The tree with one more leaf. Throws a RangeError for a full one. */
export function appendLeaf(tree: ExitTree, leaf: Hex): ExitTree {
  if (tree.count >= 2 ** DEPTH - 1) throw new RangeError("the exit tree is full");
  const branch = [...tree.branch];
  let node = leaf;
  let index = tree.count;
  let level = 0;
  // A one bit means that the left neighbour is complete: both become one node a level up.
  for (; index % 2 === 1; level += 1) {
    node = keccak256(concatHex(nodeAt(branch, level), node));
    index = Math.floor(index / 2);
  }
  branch[level] = node;
  return { count: tree.count + 1, branch };
}

/** The root over the leaves so far, every later leaf being zero. */
export function exitTreeRoot(tree: ExitTree): Hex {
  let node: Hex = ZERO_HASH;
  let index = tree.count;
  for (let level = 0; level < DEPTH; level += 1) {
    node =
      index % 2 === 1
        ? keccak256(concatHex(nodeAt(tree.branch, level), node))
        : keccak256(concatHex(node, nodeAt(EMPTY, level)));
    index = Math.floor(index / 2);
  }
  return node;
}

/** The root that a leaf at an index has under its 32 siblings, from the leaf up. */
export function rootOfPath(path: {
  readonly leaf: Hex;
  readonly index: number;
  readonly siblings: readonly Hex[];
}): Hex {
  if (path.siblings.length !== DEPTH) throw new RangeError("expected 32 siblings");
  let index = path.index;
  return path.siblings.reduce((node, sibling) => {
    const parent = concatHex(...(index % 2 === 1 ? [sibling, node] : [node, sibling]));
    index = Math.floor(index / 2);
    return keccak256(parent);
  }, path.leaf);
}

function emptyRoots(): readonly Hex[] {
  const roots: Hex[] = [ZERO_HASH];
  for (let level = 1; level <= DEPTH; level += 1) {
    const below = nodeAt(roots, level - 1);
    roots.push(keccak256(concatHex(below, below)));
  }
  return roots;
}

function nodeAt(nodes: readonly Hex[], level: number): Hex {
  const node = nodes[level];
  if (node === undefined) throw new RangeError("the exit tree has 32 levels");
  return node;
}

function address(value: Hex): Hex {
  return `0x${addressWord(value).slice(26)}`;
}

function uintBytes(value: bigint, byteLength: number): Hex {
  if (value < 0n || value >> BigInt(8 * byteLength) !== 0n) {
    throw new RangeError(`expected an integer of ${byteLength} bytes`);
  }
  return `0x${value.toString(16).padStart(2 * byteLength, "0")}`;
}

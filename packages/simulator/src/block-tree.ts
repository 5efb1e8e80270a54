import { type Hex, keccak256, uintWord, type VerifiedBlock, ZERO_HASH } from "@mach/core";

/** A block of the simulated rollup, with the block that it extends. */
export interface SimBlock extends VerifiedBlock {
  readonly parent: SimBlock | null;
  readonly outputRoot: Hex;
}

/** Every block that the sequencer ever made, on whatever branch. */
export interface BlockTree {
  readonly genesis: SimBlock;
  /** A child; two children of one block differ. */
  extend(parent: SimBlock, timestamp: bigint): SimBlock;
  byHash(blockHash: Hex): SimBlock | undefined;
  readonly blocks: readonly SimBlock[];
}

/** A tree that has only its first block. */
export function createBlockTree(timestamp: bigint): BlockTree {
  const byHash = new Map<Hex, SimBlock>();
  const blocks: SimBlock[] = [];

  function add(parent: SimBlock | null, at: bigint): SimBlock {
    const blockNumber = parent === null ? 0n : parent.blockNumber + 1n;
    const stateRoot = uintWord(blocks.length + 1);
    const parentHash = parent?.blockHash ?? ZERO_HASH;
    const headerRlp = rlpHeader({ parentHash, stateRoot, blockNumber, timestamp: at });
    const block: SimBlock = {
      parent,
      blockNumber,
      blockHash: keccak256(headerRlp),
      parentHash,
      stateRoot,
      outputRoot: ZERO_HASH,
      timestamp: at,
      headerRlp,
    };
    byHash.set(block.blockHash, block);
    blocks.push(block);
    return block;
  }

  const genesis = add(null, timestamp);
  return { genesis, extend: add, byHash: (hash) => byHash.get(hash), blocks };
}

/** The block at a height on the way down from a block; the block itself at its own. */
export function ancestorAt(block: SimBlock, blockNumber: bigint): SimBlock {
  let at = block;
  while (at.blockNumber > blockNumber && at.parent !== null) at = at.parent;
  return at;
}

/** Whether `block` is `ancestor` or descends from it. */
export function isOnBranchOf(block: SimBlock, ancestor: SimBlock): boolean {
  return (
    block.blockNumber >= ancestor.blockNumber &&
    ancestorAt(block, ancestor.blockNumber) === ancestor
  );
}

/** Whether neither of two blocks is the other's ancestor. */
export function isFork(a: SimBlock, b: SimBlock): boolean {
  return a.blockNumber <= b.blockNumber ? !isOnBranchOf(b, a) : !isOnBranchOf(a, b);
}

/** The highest block that both descend from. */
export function commonAncestor(a: SimBlock, b: SimBlock): SimBlock {
  const height = a.blockNumber < b.blockNumber ? a.blockNumber : b.blockNumber;
  let left = ancestorAt(a, height);
  let right = ancestorAt(b, height);
  while (left !== right && left.parent !== null && right.parent !== null) {
    left = left.parent;
    right = right.parent;
  }
  return left;
}

/** The blocks above `from`, up to and with `to`, lowest first. */
export function pathBetween(from: SimBlock, to: SimBlock): readonly SimBlock[] {
  const path: SimBlock[] = [];
  let at: SimBlock | null = to;
  while (at !== null && at.blockNumber > from.blockNumber) {
    path.push(at);
    at = at.parent;
  }
  return path.reverse();
}

/** An RLP list that begins with the parent's hash, as headers do; 84 bytes of content. */
function rlpHeader(header: {
  readonly parentHash: Hex;
  readonly stateRoot: Hex;
  readonly blockNumber: bigint;
  readonly timestamp: bigint;
}): Hex {
  const { parentHash, stateRoot, blockNumber, timestamp } = header;
  const word = (value: bigint): string => `88${(value + 2n ** 63n).toString(16)}`;
  const hashes = `a0${parentHash.slice(2)}a0${stateRoot.slice(2)}`;
  return `0xf854${hashes}${word(blockNumber)}${word(timestamp)}`;
}

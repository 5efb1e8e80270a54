import {
  concatHex,
  type Hex,
  keccak256,
  uintWord,
  type VerifiedBlock,
  ZERO_HASH,
} from "../../src/index.ts";

/** A block of a tree, with the block that it extends. */
export interface TreeBlock extends VerifiedBlock {
  readonly parent: TreeBlock | null;
}

let count = 0n;

/** A block that no other one equals; its header is in the form of EraVM's. */
export function extend(parent: TreeBlock | null, timestamp = 0n): TreeBlock {
  count += 1n;
  const blockNumber = parent === null ? 0n : parent.blockNumber + 1n;
  const parentHash: Hex = parent?.blockHash ?? ZERO_HASH;
  const headerRlp = concatHex(uintWord(blockNumber), uintWord(count), parentHash, ZERO_HASH);
  const blockHash = keccak256(headerRlp);
  const roots = { stateRoot: keccak256(blockHash), outputRoot: ZERO_HASH };
  return { parent, blockNumber, blockHash, parentHash, ...roots, timestamp, headerRlp };
}

/** So many blocks on top of one, lowest first. */
export function grow(from: TreeBlock, blocks: number): readonly TreeBlock[] {
  const grown: TreeBlock[] = [];
  let at = from;
  for (let i = 0; i < blocks; i++) {
    at = extend(at, at.timestamp + 1n);
    grown.push(at);
  }
  return grown;
}

/** Whether `ancestor` is the block or one of its ancestors. */
export function isAncestorOrSelf(ancestor: TreeBlock, block: TreeBlock): boolean {
  for (let at: TreeBlock | null = block; at !== null; at = at.parent) {
    if (at === ancestor) return true;
  }
  return false;
}

/** The block and its ancestors down to a height, newest first. */
export function branchDown(block: TreeBlock, lowest: bigint): readonly TreeBlock[] {
  const branch: TreeBlock[] = [];
  for (let at: TreeBlock | null = block; at !== null && at.blockNumber >= lowest; at = at.parent) {
    branch.push(at);
  }
  return branch;
}

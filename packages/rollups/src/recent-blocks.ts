import type { Hex } from "@mach/core";
import type { CheckedBlock } from "./stack.ts";

/** The newest accepted blocks, linked by their parents: what a reorg is measured against. */
export interface RecentBlocks {
  readonly tip: CheckedBlock | null;
  /** The accepted hash at a height; undefined where it is not held. */
  hashAt(blockNumber: bigint): Hex | undefined;
  /** Adds the block above the tip, or the first. */
  push(block: CheckedBlock): void;
  /** Begins with a hash alone: the parent of the first block to come. */
  seed(blockNumber: bigint, blockHash: Hex): void;
  /** Forgets every block above the height. */
  truncate(blockNumber: bigint): void;
  clear(): void;
}

/** Holds `maxReorgDepth` blocks and the ancestor below them. */
export function createRecentBlocks(maxReorgDepth: number): RecentBlocks {
  const hashes = new Map<bigint, Hex>();
  const blocks = new Map<bigint, CheckedBlock>();
  let tip: CheckedBlock | null = null;

  return {
    get tip() {
      return tip;
    },
    hashAt: (blockNumber) => hashes.get(blockNumber),
    push(block) {
      const { blockNumber } = block;
      if (hashes.size === 0 && blockNumber > 0n) hashes.set(blockNumber - 1n, block.parentHash);
      hashes.set(blockNumber, block.blockHash);
      blocks.set(blockNumber, block);
      tip = block;
      const oldest = blockNumber - BigInt(maxReorgDepth);
      for (const height of hashes.keys()) {
        if (height >= oldest) break;
        hashes.delete(height);
        blocks.delete(height);
      }
    },
    seed(blockNumber, blockHash) {
      hashes.set(blockNumber, blockHash);
    },
    truncate(blockNumber) {
      for (const height of [...hashes.keys()]) {
        if (height <= blockNumber) continue;
        hashes.delete(height);
        blocks.delete(height);
      }
      tip = blocks.get(blockNumber) ?? null;
    },
    clear() {
      hashes.clear();
      blocks.clear();
      tip = null;
    },
  };
}

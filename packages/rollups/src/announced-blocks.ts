import type { CheckedBlock } from "./stack.ts";

/** The blocks that a source has told of by itself, so that it need not be asked for them. */
export interface AnnouncedBlocks {
  has(blockNumber: bigint): boolean;
  /** Gives a block once. */
  take(blockNumber: bigint): CheckedBlock | undefined;
  /** Forgets what the block replaces. */
  add(block: CheckedBlock): void;
  clear(): void;
}

/** Keeps the newest `max` of them. */
export function createAnnouncedBlocks(max: number): AnnouncedBlocks {
  const blocks = new Map<bigint, CheckedBlock>();
  return {
    has: (blockNumber) => blocks.has(blockNumber),
    take(blockNumber) {
      const block = blocks.get(blockNumber);
      blocks.delete(blockNumber);
      return block;
    },
    add(block) {
      const parent = blocks.get(block.blockNumber - 1n);
      const isLinked = parent === undefined || parent.blockHash === block.parentHash;
      for (const height of [...blocks.keys()]) {
        if (!isLinked || height >= block.blockNumber) blocks.delete(height);
      }
      blocks.set(block.blockNumber, block);
      const [oldest] = blocks.keys();
      if (blocks.size > max && oldest !== undefined) blocks.delete(oldest);
    },
    clear: () => blocks.clear(),
  };
}

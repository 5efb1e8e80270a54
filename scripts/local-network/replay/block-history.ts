import type { Hex } from "@mach/core";
import { quantity, type RawBlock, Refusal, type Script } from "./script.ts";

/** The newest blocks of a chain, by height, hash and transaction. */
export interface BlockHistory {
  readonly newest: RawBlock;
  readonly newestHeight: bigint;
  /** Adds the next block; the oldest leaves where there are too many. */
  push(block: RawBlock): void;
  at(height: bigint): RawBlock | null;
}

/** Over an hour of blocks of one second. */
const MAX_BLOCKS = 4_096;
/** What go-ethereum's descendants say of a block that is not there by a tag. */
const UNKNOWN_BLOCK = -39_001;

/** Keeps blocks from the first on. */
export function createBlockHistory(first: RawBlock): BlockHistory {
  const blocks = new Map([[BigInt(first.number), first]]);
  let newest = first;
  return {
    get newest() {
      return newest;
    },
    get newestHeight() {
      return BigInt(newest.number);
    },
    push(block) {
      newest = block;
      blocks.set(BigInt(block.number), block);
      const [oldest] = blocks.keys();
      if (blocks.size > MAX_BLOCKS && oldest !== undefined) blocks.delete(oldest);
    },
    at: (height) => blocks.get(height) ?? null,
  };
}

/** The methods that nodes of all stacks have. `heightOf` knows the tags beside `latest`. */
export function ethScript(
  history: BlockHistory,
  chain: {
    readonly chainId: bigint;
    /** Null for a tag that the node does not have. */
    readonly heightOf: (tag: string) => bigint | null;
  },
): Script {
  function find(matches: (block: RawBlock) => boolean): RawBlock | null {
    for (let height = history.newestHeight; ; height -= 1n) {
      const block = history.at(height);
      if (block === null || matches(block)) return block;
    }
  }
  return {
    eth_chainId: () => quantity(chain.chainId),
    eth_blockNumber: () => history.newest.number,
    eth_getBlockByNumber: ([tag]) => {
      const text = String(tag);
      if (text === "latest") return history.newest;
      if (/^0x[0-9a-f]{1,16}$/.test(text)) return history.at(BigInt(text));
      const height = chain.heightOf(text);
      return height === null ? new Refusal(UNKNOWN_BLOCK) : history.at(height);
    },
    eth_getBlockByHash: ([hash]) => find((block) => block.hash === hash),
    eth_getTransactionReceipt: ([hash]) => {
      const block = find(({ transactions }) => transactions.includes(hash as Hex));
      if (block === null) return null;
      return { transactionHash: hash, blockHash: block.hash, blockNumber: block.number };
    },
  };
}

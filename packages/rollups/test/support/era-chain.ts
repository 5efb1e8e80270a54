import { type Hex, keccak256, keccak256Text, ZERO_HASH } from "@mach/core";
import { eraPreimage, rollingHash } from "../../src/zk-block.ts";
import type { Script } from "./scripted-node.ts";

/** An EraVM chain in memory, whose nodes know as many batches as they are told. */
export interface EraChain {
  readonly blocks: readonly Readonly<Record<string, unknown>>[];
  readonly batches: readonly {
    readonly first: number;
    readonly last: number;
    readonly root: Hex;
  }[];
}

export const ERA_CHAIN_ID = 324n;

/** `sizes` are the numbers of blocks of the batches; batch 0 is block 0 alone. */
export function createEraChain(sizes: readonly number[], salt = ""): EraChain {
  const blocks: Record<string, unknown>[] = [];
  const batches: { first: number; last: number; root: Hex }[] = [];
  let parentHash: Hex = ZERO_HASH;
  for (const [index, size] of [1, ...sizes].entries()) {
    const first = blocks.length;
    for (let i = 0; i < size; i++) {
      const number = blocks.length;
      const transactions = Array.from({ length: number % 3 }, (_, at) =>
        keccak256Text(`${number} ${at}`),
      );
      const timestamp = 1_700_000_000n + BigInt(number);
      const hash = keccak256(
        eraPreimage({
          blockNumber: BigInt(number),
          timestamp,
          parentHash,
          transactionsRollingHash: rollingHash(transactions),
        }),
      );
      blocks.push({
        number: `0x${number.toString(16)}`,
        timestamp: `0x${timestamp.toString(16)}`,
        parentHash,
        hash,
        transactions,
        stateRoot: ZERO_HASH,
        l1BatchNumber: null,
      });
      parentHash = hash;
    }
    batches.push({ first, last: blocks.length - 1, root: keccak256Text(`root ${index}${salt}`) });
  }
  return { blocks, batches };
}

/** A node of the chain that has sealed `sealed()` batches above batch 0. */
export function eraScript(chain: EraChain, sealed: () => number): Script {
  const batchAt = (number: unknown) => {
    const index = Number(number);
    return index <= sealed() ? chain.batches[index] : undefined;
  };
  const block = (tag: unknown): unknown => {
    const last = chain.batches[sealed()]?.last ?? 0;
    const height = tag === "finalized" || tag === "l1_committed" ? last : Number(tag);
    return chain.blocks[height] ?? null;
  };
  return {
    eth_chainId: () => `0x${ERA_CHAIN_ID.toString(16)}`,
    eth_getBlockByNumber: ([tag]) => block(tag),
    eth_getBlockByHash: ([hash]) => chain.blocks.find((each) => each["hash"] === hash) ?? null,
    zks_L1BatchNumber: () => `0x${sealed().toString(16)}`,
    zks_getL1BatchBlockRange: ([number]) => {
      const batch = batchAt(number);
      return batch === undefined
        ? null
        : [batch.first, batch.last].map((n) => `0x${n.toString(16)}`);
    },
    zks_getL1BatchDetails: ([number]) => {
      const batch = batchAt(number);
      return batch === undefined ? null : { number: Number(number), rootHash: batch.root };
    },
    zks_getBlockDetails: ([number]) => {
      const height = Number(number);
      const index = chain.batches.findIndex(({ first, last }) => first <= height && height <= last);
      return { number: height, l1BatchNumber: index, executeTxFinality: "finalized" };
    },
  };
}

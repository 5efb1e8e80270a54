import { type Hex, keccak256Text, ZERO_HASH } from "@mach/core";
import { eraBlock, zksScript } from "../../../../scripts/local-network/replay/era-chain.ts";
import type { RawBlock, Script } from "../../../../scripts/local-network/replay/script.ts";

/** An EraVM chain in memory, whose nodes know as many batches as they are told. */
export interface EraChain {
  readonly blocks: readonly RawBlock[];
  readonly batches: readonly {
    readonly first: number;
    readonly last: number;
    readonly root: Hex;
  }[];
}

export const ERA_CHAIN_ID = 324n;

/** `sizes` are the numbers of blocks of the batches; batch 0 is block 0 alone. */
export function createEraChain(sizes: readonly number[], salt = ""): EraChain {
  const blocks: RawBlock[] = [];
  const batches: { first: number; last: number; root: Hex }[] = [];
  for (const [index, size] of [1, ...sizes].entries()) {
    const first = blocks.length;
    for (let i = 0; i < size; i++) {
      const number = blocks.length;
      const transactions = Array.from({ length: number % 3 }, (_, at) =>
        keccak256Text(`${number} ${at}`),
      );
      blocks.push(
        eraBlock({
          height: BigInt(number),
          timestamp: 1_700_000_000n + BigInt(number),
          parentHash: blocks.at(-1)?.hash ?? ZERO_HASH,
          transactions,
        }),
      );
    }
    batches.push({ first, last: blocks.length - 1, root: keccak256Text(`root ${index}${salt}`) });
  }
  return { blocks, batches };
}

/** A node of the chain that has sealed `sealed()` batches above batch 0. */
export function eraScript(chain: EraChain, sealed: () => number): Script {
  const block = (tag: unknown): unknown => {
    const last = chain.batches[sealed()]?.last ?? 0;
    const height = tag === "finalized" || tag === "l1_committed" ? last : Number(tag);
    return chain.blocks[height] ?? null;
  };
  return {
    eth_chainId: () => `0x${ERA_CHAIN_ID.toString(16)}`,
    eth_getBlockByNumber: ([tag]) => block(tag),
    eth_getBlockByHash: ([hash]) => chain.blocks.find((each) => each.hash === hash) ?? null,
    ...zksScript({
      newest: sealed,
      at(index) {
        const batch = chain.batches[index];
        return batch ? { ...batch, first: BigInt(batch.first), last: BigInt(batch.last) } : null;
      },
      of: (height) =>
        chain.batches.findIndex(({ first, last }) => first <= height && height <= last),
      isExecuted: () => true,
    }),
  };
}

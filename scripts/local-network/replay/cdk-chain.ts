import { type Hex, ZERO_HASH } from "@mach/core";
import { concat, keccak256 } from "ethers";
import { type BlockHistory, createBlockHistory, ethScript } from "./block-history.ts";
import { hex, readRecorded, sealHeader, standIn, standInTransactions } from "./header.ts";
import { quantity, type RawBlock, type ReplayedChain, type Script } from "./script.ts";

const BLOCKS_PER_BATCH = 4n;
/** How many batches sequencing on L1, and verification there, are behind. */
const VIRTUAL_LAG = 1n;
const VERIFIED_LAG = 3n;

/** A cdk-erigon chain that goes on above a recorded block of Merlin, which is its batch 0. */
export function createCdkChain(chainId: bigint): ReplayedChain {
  const recorded = readRecorded<{ header: RawBlock }[]>("cdk/full-blocks.json")[0]?.header;
  if (recorded === undefined) throw new Error("no recorded block");
  const history = createBlockHistory(recorded);
  const first = BigInt(recorded.number);
  const batches = createBatches(chainId, { history, first });
  return {
    script: {
      ...ethScript(history, {
        chainId,
        // The node knows no safe block unless an engine has set one.
        heightOf: (tag) => (tag === "finalized" ? batches.lastBlockOf(batches.verified()) : null),
      }),
      ...batches.script,
    },
    advance(timestamp) {
      const block = nextBlock(history.newest, { chainId, timestamp });
      history.push(block);
      return block;
    },
  };
}

function nextBlock(
  parent: RawBlock,
  { chainId, timestamp }: { readonly chainId: bigint; readonly timestamp: bigint },
): RawBlock {
  const height = BigInt(parent.number) + 1n;
  return sealHeader({
    ...parent,
    number: quantity(height),
    parentHash: parent.hash,
    timestamp: quantity(timestamp),
    transactions: standInTransactions(chainId, height),
    stateRoot: standIn("state", chainId, height),
    transactionsRoot: standIn("transactions", chainId, height),
    receiptsRoot: standIn("receipts", chainId, height),
    // Outside of the hash.
    blockInfoRoot: standIn("block info", chainId, height),
  });
}

interface Batches {
  readonly script: Script;
  /** The newest batch that is verified on L1. */
  verified(): bigint;
  lastBlockOf(batch: bigint): bigint;
}

function createBatches(
  chainId: bigint,
  chain: { readonly history: BlockHistory; readonly first: bigint },
): Batches {
  const { history, first } = chain;
  const recorded = readRecorded<{ result: object }>("cdk/zkevm-getBatchByNumber-batch0.json");
  const closed = (): bigint => (history.newestHeight - first) / BLOCKS_PER_BATCH;
  const behind = (lag: bigint): bigint => (closed() > lag ? closed() - lag : 0n);
  const lastBlockOf = (batch: bigint): bigint => first + batch * BLOCKS_PER_BATCH;
  const batchOf = (height: bigint): bigint =>
    height <= first ? 0n : (height - first - 1n) / BLOCKS_PER_BATCH + 1n;

  function batchAt(batch: bigint): object | null {
    if (batch > batchOf(history.newestHeight)) return null;
    const firstBlock = batch === 0n ? first : lastBlockOf(batch - 1n) + 1n;
    const blocks: RawBlock[] = [];
    for (let height = firstBlock; height <= lastBlockOf(batch); height += 1n) {
      const block = history.at(height);
      if (block !== null) blocks.push(block);
    }
    const last = blocks.at(-1);
    if (last === undefined) return null;
    const [mainnet, rollup] = [standIn("mainnet exits", batch), standIn("rollup exits", batch)];
    return {
      ...recorded.result,
      number: quantity(batch),
      stateRoot: last["stateRoot"],
      globalExitRoot: exitRoot(mainnet, rollup),
      mainnetExitRoot: mainnet,
      rollupExitRoot: rollup,
      localExitRoot: standIn("local exits", chainId, batch),
      accInputHash: standIn("inputs", chainId, batch),
      timestamp: last.timestamp,
      closed: batch <= closed(),
      sendSequencesTxHash: batch <= behind(VIRTUAL_LAG) ? standIn("sequenced", batch) : ZERO_HASH,
      verifyBatchTxHash: batch <= behind(VERIFIED_LAG) ? standIn("verified", batch) : ZERO_HASH,
      blocks: blocks.map(({ hash }) => hash),
      transactions: blocks.flatMap(({ transactions }) => transactions),
    };
  }

  return {
    verified: () => behind(VERIFIED_LAG),
    lastBlockOf,
    script: {
      zkevm_batchNumber: () => quantity(batchOf(history.newestHeight)),
      zkevm_virtualBatchNumber: () => quantity(behind(VIRTUAL_LAG)),
      zkevm_verifiedBatchNumber: () => quantity(behind(VERIFIED_LAG)),
      zkevm_batchNumberByBlockNumber: ([height]) => quantity(batchOf(BigInt(String(height)))),
      zkevm_getBatchByNumber: ([batch]) => batchAt(BigInt(String(batch))),
    },
  };
}

function exitRoot(mainnet: Hex, rollup: Hex): Hex {
  return hex(keccak256(concat([mainnet, rollup])));
}

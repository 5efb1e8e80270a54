import { type Hex, ZERO_HASH } from "@mach/core";
import { AbiCoder, concat, keccak256 } from "ethers";
import { createBlockHistory, ethScript } from "./block-history.ts";
import { hex, readRecorded, standIn, standInTransactions } from "./header.ts";
import { quantity, type RawBlock, type ReplayedChain, type Script } from "./script.ts";

/** An L1 batch: its blocks, and its root once it is computed. */
export interface EraBatch {
  readonly first: bigint;
  readonly last: bigint;
  readonly root: Hex | null;
}

/** The batches that a node has sealed, by their numbers from 0 on. */
export interface EraBatches {
  /** The number of the newest one. */
  newest(): number;
  at(batch: number): EraBatch | null;
  /** The batch that a block is in, also where it is not sealed yet. */
  of(height: bigint): number;
  /** Whether the node calls the L1 transaction final that executed it. */
  isExecuted(batch: number): boolean;
}

const RECORDED = readRecorded<{ readonly block: RawBlock }>(
  "zk/era-mainnet-block-legacy-hash.json",
);
const ANSWERS = readRecorded<{
  readonly methods: Readonly<Record<string, { readonly response: { readonly result: object } }>>;
}>("zk/zks-rpc-examples.json").methods;

/** How many batches committing to L1, and execution there, are behind. */
const COMMITTED_LAG = 1;
const EXECUTED_LAG = 2;
const SIZES = [2n, 3n, 4n] as const;

/** A block of an EraVM chain from protocol version 13 on, in the shape of a recorded one. */
export function eraBlock(fields: {
  readonly height: bigint;
  readonly timestamp: bigint;
  readonly parentHash: Hex;
  readonly transactions: readonly Hex[];
}): RawBlock {
  const { height, timestamp, parentHash, transactions } = fields;
  const rolling = transactions.reduce<string>(
    (before, each) => keccak256(concat([before, each])),
    ZERO_HASH,
  );
  const preimage = AbiCoder.defaultAbiCoder().encode(
    ["uint256", "uint256", "bytes32", "bytes32"],
    [height, timestamp, parentHash, rolling],
  );
  return {
    ...RECORDED.block,
    number: quantity(height),
    timestamp: quantity(timestamp),
    parentHash,
    transactions,
    hash: hex(keccak256(preimage)),
  };
}

/** The zks namespace of a node with these batches, in the shapes of recorded answers. */
export function zksScript(batches: EraBatches): Script {
  const details = ANSWERS["zks_getL1BatchDetails"]?.response.result;
  const blockDetails = ANSWERS["zks_getBlockDetails"]?.response.result;
  const sealed = (batch: unknown): EraBatch | null =>
    Number(batch) > batches.newest() ? null : batches.at(Number(batch));
  return {
    zks_L1BatchNumber: () => quantity(batches.newest()),
    zks_getL1BatchBlockRange: ([batch]) => {
      const found = sealed(batch);
      return found && [quantity(found.first), quantity(found.last)];
    },
    zks_getL1BatchDetails: ([batch]) => {
      const found = sealed(batch);
      return found && { ...details, number: Number(batch), rootHash: found.root };
    },
    zks_getBlockDetails: ([height]) => {
      const l1BatchNumber = batches.of(BigInt(Number(height)));
      const executeTxFinality = batches.isExecuted(l1BatchNumber) ? "finalized" : null;
      return { ...blockDetails, number: Number(height), l1BatchNumber, executeTxFinality };
    },
  };
}

/**
 * An EraVM chain that goes on above a recorded block of zkSync Era, whose hash is of the older form:
 * nothing is claimed about it. Batches have two to four blocks;
 * a batch is sealed with its last one, and its root is known a block later.
 */
export function createZkChain(chainId: bigint): ReplayedChain {
  const first = BigInt(RECORDED.block.number);
  const history = createBlockHistory(RECORDED.block);
  const lasts: bigint[] = [first];
  const sizeOf = (batch: number): bigint => SIZES[batch % SIZES.length] ?? 1n;
  const batches: EraBatches = {
    newest: () => lasts.length - 1,
    at(batch) {
      const last = lasts[batch];
      if (last === undefined) return null;
      const isComputed = history.newestHeight > last;
      const root = isComputed ? standIn("batch", chainId, batch) : null;
      return { first: batch === 0 ? first : (lasts[batch - 1] ?? first) + 1n, last, root };
    },
    of: (height) => lasts.findLastIndex((last) => last < height) + 1,
    isExecuted: (batch) => batch < lasts.length - EXECUTED_LAG,
  };
  const lastOf = (lag: number): bigint => lasts[Math.max(0, lasts.length - 1 - lag)] ?? first;
  return {
    script: {
      ...ethScript(history, {
        chainId,
        heightOf: (tag) => {
          if (tag === "l1_committed") return lastOf(COMMITTED_LAG);
          return tag === "finalized" ? lastOf(EXECUTED_LAG) : null;
        },
      }),
      ...zksScript(batches),
    },
    advance(timestamp) {
      const height = history.newestHeight + 1n;
      const parentHash = history.newest.hash;
      const transactions = standInTransactions(chainId, height);
      history.push(eraBlock({ height, timestamp, parentHash, transactions }));
      if (height === lastOf(0) + sizeOf(lasts.length)) lasts.push(height);
      return history.newest;
    },
  };
}

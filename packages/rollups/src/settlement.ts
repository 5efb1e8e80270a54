import { type Hex, keccak256Text } from "@mach/core";
import {
  isObject,
  parseAddress,
  parseBytes,
  parseHash,
  parseQuantity,
  toQuantity,
} from "./rpc-values.ts";
import type { CheckedBlock, NodeCall, NodeFailure } from "./stack.ts";

/** The L1 contracts of a rollup, by its stack. Addresses of 20 bytes, lower case. */
export type SettlementContracts =
  | {
      readonly stack: "op";
      /** Rollups of one cluster share both contracts: a game has to name its own. */
      readonly rollupId: bigint;
      readonly disputeGameFactory: Hex;
      readonly anchorStateRegistry: Hex;
    }
  | { readonly stack: "orbit"; readonly rollup: Hex }
  | { readonly stack: "cdk"; readonly rollupManager: Hex; readonly rollupIndex: bigint }
  | { readonly stack: "zk"; readonly diamond: Hex };

/** L1 blocks, both included, at or below the L1-finalised one whose hash is `stateAt`. */
export interface SettlementQuery {
  readonly contracts: SettlementContracts;
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
  /** The hash of the L1-finalised block whose state decides. */
  readonly stateAt: Hex;
}

/** A root that L1 holds for a rollup block or batch. */
export interface SettledRoot {
  /** `committed`: posted, and can be taken back; `confirmed`: as final as the L1 block. */
  readonly standing: "committed" | "confirmed";
  readonly subject:
    | { readonly by: "number"; readonly blockNumber: bigint }
    | { readonly by: "hash"; readonly blockHash: Hex }
    | { readonly by: "batch"; readonly batchNumber: bigint };
  /** In the terms of a claim: op and orbit the output root, cdk the state root, zk the batch's. */
  readonly root: Hex;
  /** cdk: the local exit root that goes with the state root. */
  readonly exitRoot?: Hex;
  readonly l1BlockNumber: bigint;
  readonly transactionHash: Hex;
}

export type SettledAnswer =
  | {
      readonly ok: true;
      /** In the order of L1. */
      readonly roots: readonly SettledRoot[];
      /** Every batch above this one was taken back within the range; null where none was. */
      readonly revertedTo: bigint | null;
      /** What L1 may still confirm of this range: ask again later, until it is old enough. */
      readonly undecided: number;
    }
  | NodeFailure
  /** More events than are read at once: ask for fewer L1 blocks. */
  | { readonly ok: false; readonly code: "too-many" };

/** One event of a contract, its position checked; `words` are the 32-byte words of its data. */
export interface L1Log {
  readonly topics: readonly Hex[];
  readonly words: readonly Hex[];
  readonly l1BlockNumber: bigint;
  readonly transactionHash: Hex;
}

export type L1Logs =
  | { readonly ok: true; readonly logs: readonly L1Log[] }
  | NodeFailure
  | { readonly ok: false; readonly code: "too-many" };

/** What is compared with L1: a checked block, or what a certified claim says of one. */
export type ComparedBlock = Pick<
  CheckedBlock,
  "blockNumber" | "blockHash" | "stateRoot" | "outputRoot" | "unverifiable" | "isWithinBatch"
>;

/**
 * What a root of finalised L1 says of a checked block: that L1 holds the same, another one, or
 * something about another block. `batchNumber` is that of the batch which the block ends, or null.
 */
export function compareWithSettled(
  block: ComparedBlock,
  settled: SettledRoot,
  batchNumber: bigint | null,
): "agrees" | "contradicts" | "elsewhere" {
  const { subject, root } = settled;
  switch (subject.by) {
    case "number":
      if (subject.blockNumber !== block.blockNumber) return "elsewhere";
      return verdict(block.outputRoot, root);
    case "hash":
      if (subject.blockHash !== block.blockHash) return "elsewhere";
      return verdict(block.outputRoot, root);
    case "batch":
      if (subject.batchNumber !== batchNumber || block.isWithinBatch) return "elsewhere";
      return verdict(block.unverifiable === null ? block.stateRoot : null, root);
  }
}

/** A root that is not known contradicts nothing. */
function verdict(own: Hex | null, settled: Hex): "agrees" | "contradicts" | "elsewhere" {
  return own === null ? "elsewhere" : own === settled ? "agrees" : "contradicts";
}

const MAX_LOGS = 2_000;
const MAX_DATA_BYTES = 16_384;

/** The first topic of an event: keccak256 of its signature. */
export function eventTopic(signature: string): Hex {
  return keccak256Text(signature);
}

/** The call data of a view without arguments, or with static ones as words. */
export function callData(signature: string, ...words: readonly Hex[]): Hex {
  const selector = keccak256Text(signature).slice(0, 10);
  return `${selector}${words.map((word) => word.slice(2)).join("")}` as Hex;
}

/** The logs of one contract under one of some first topics, in the order of L1. */
export async function readLogs(
  l1: NodeCall,
  query: SettlementQuery,
  filter: {
    readonly address: Hex;
    /** The event's topics and, where the second one matters, its value. */
    readonly events: readonly Hex[];
    readonly secondTopic?: Hex;
  },
): Promise<L1Logs> {
  const { fromBlock, toBlock } = query;
  const { address, events, secondTopic } = filter;
  const topics = secondTopic === undefined ? [events] : [events, secondTopic];
  const range = { fromBlock: toQuantity(fromBlock), toBlock: toQuantity(toBlock) };
  const answer = await l1("eth_getLogs", [{ address, topics, ...range }]);
  if (!answer.ok) return answer;
  if (!Array.isArray(answer.value)) return { ok: false, code: "malformed" };
  if (answer.value.length > MAX_LOGS) return { ok: false, code: "too-many" };
  const logs: PlacedLog[] = [];
  for (const raw of answer.value as readonly unknown[]) {
    const log = parseLog(raw);
    const isAsked =
      log !== null &&
      log.address === address &&
      events.includes(log.topics[0] ?? "0x") &&
      (secondTopic === undefined || log.topics[1] === secondTopic) &&
      log.l1BlockNumber >= fromBlock &&
      log.l1BlockNumber <= toBlock;
    if (!isAsked) return { ok: false, code: "malformed" };
    logs.push(log);
  }
  logs.sort(
    (left, right) =>
      compare(left.l1BlockNumber, right.l1BlockNumber) || compare(left.logIndex, right.logIndex),
  );
  return { ok: true, logs };
}

/** The words that a view of a contract returns at the query's L1 block. */
export async function readView(
  l1: NodeCall,
  { stateAt }: Pick<SettlementQuery, "stateAt">,
  call: { readonly to: Hex; readonly data: Hex },
): Promise<{ readonly ok: true; readonly words: readonly Hex[] } | NodeFailure> {
  const at = { blockHash: stateAt, requireCanonical: true };
  const answer = await l1("eth_call", [call, at]);
  if (!answer.ok) return answer;
  const words = parseWords(answer.value);
  return words === null ? { ok: false, code: "malformed" } : { ok: true, words };
}

/** A word or a topic as a uint of `bits`, or null where it is larger or absent. */
export function wordToUint(word: Hex | undefined, bits = 64): bigint | null {
  return word === undefined ? null : parseQuantity(word, bits);
}

/** A word as an address, or null where it is none. */
export function wordToAddress(word: Hex | undefined): Hex | null {
  const value = wordToUint(word, 160);
  return value === null ? null : `0x${value.toString(16).padStart(40, "0")}`;
}

interface PlacedLog extends L1Log {
  readonly address: Hex;
  readonly logIndex: bigint;
}

function parseLog(raw: unknown): PlacedLog | null {
  if (!isObject(raw) || raw["removed"] === true || !Array.isArray(raw["topics"])) return null;
  if (raw["topics"].length > 4) return null;
  const topics = raw["topics"].map(parseHash);
  const address = parseAddress(raw["address"]);
  const words = parseWords(raw["data"]);
  const l1BlockNumber = parseQuantity(raw["blockNumber"]);
  const logIndex = parseQuantity(raw["logIndex"]);
  const transactionHash = parseHash(raw["transactionHash"]);
  if (address === null || words === null || transactionHash === null) return null;
  if (l1BlockNumber === null || logIndex === null || topics.includes(null)) return null;
  return {
    address,
    topics: topics.filter((topic) => topic !== null),
    words,
    l1BlockNumber,
    logIndex,
    transactionHash,
  };
}

function parseWords(raw: unknown): readonly Hex[] | null {
  const bytes = parseBytes(raw, { min: 0, max: MAX_DATA_BYTES });
  if (bytes === null || (bytes.length - 2) % 64 !== 0) return null;
  return (bytes.slice(2).match(/.{64}/g) ?? []).map((word): Hex => `0x${word}`);
}

function compare(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

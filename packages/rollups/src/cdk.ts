import { concatHex, type Hex, keccak256, uintWord, ZERO_HASH } from "@mach/core";
import { refuseTailFrom, toCheckedBlock } from "./checked-header.ts";
import { checkHeader } from "./header.ts";
import { isObject, parseHash, parseQuantity, toQuantity } from "./rpc-values.ts";
import {
  eventTopic,
  readLogs,
  type SettledAnswer,
  type SettledRoot,
  type SettlementQuery,
  wordToUint,
} from "./settlement.ts";
import type {
  BlockCheck,
  HeadAnswer,
  HeadName,
  NodeCall,
  NodeFailure,
  StackAdapter,
  StackNodes,
} from "./stack.ts";

/**
 * Polygon CDK on cdk-erigon or zkevm-node: headers of 15 fields, state in a Poseidon tree, batches
 * by the zkevm namespace. A CDK chain on op-geth is of stack `op`.
 */
export const cdkStack: StackAdapter = {
  stack: "cdk",
  followsBlocks: true,
  checkBlock: checkCdkBlock,
  completion: null,
  readHead: readCdkHead,
  readSettled: readVerifiedBatches,
};

/** A batch as the zkevm namespace tells it: roots that L1 will confirm per batch. */
export interface CdkBatch {
  readonly batchNumber: bigint;
  readonly stateRoot: Hex;
  readonly localExitRoot: Hex;
  readonly globalExitRoot: Hex;
  readonly mainnetExitRoot: Hex;
  readonly rollupExitRoot: Hex;
  readonly accInputHash: Hex;
  /** Seconds. */
  readonly timestamp: bigint;
  /** In order; empty where the node tells none. */
  readonly blockHashes: readonly Hex[];
}

export type CdkBatchCheck =
  | { readonly ok: true; readonly batch: CdkBatch }
  | { readonly ok: false; readonly code: "malformed"; readonly field: string }
  | {
      readonly ok: false;
      readonly code: "invalid-field";
      readonly field: "globalExitRoot";
      readonly expected: Hex;
      readonly got: Hex;
    };

const MAX_BLOCKS = 100_000;
/** A batch may hold no block: how many are passed over to find the newest that does. */
const MAX_BATCHES_BACK = 8n;

/** keccak256(mainnetExitRoot || rollupExitRoot). */
export function globalExitRoot(roots: {
  readonly mainnetExitRoot: Hex;
  readonly rollupExitRoot: Hex;
}): Hex {
  return keccak256(concatHex(roots.mainnetExitRoot, roots.rollupExitRoot));
}

/** Checks the result of `zkevm_getBatchByNumber`: its global exit root follows from its parts. */
export function checkCdkBatch(raw: unknown): CdkBatchCheck {
  if (!isObject(raw)) return { ok: false, code: "malformed", field: "batch" };
  const batchNumber = parseQuantity(raw["number"]);
  if (batchNumber === null) return { ok: false, code: "malformed", field: "number" };
  const timestamp = parseQuantity(raw["timestamp"]);
  if (timestamp === null) return { ok: false, code: "malformed", field: "timestamp" };
  const roots: Partial<Record<(typeof ROOTS)[number], Hex>> = {};
  for (const field of ROOTS) {
    const root = parseHash(raw[field]);
    if (root === null) return { ok: false, code: "malformed", field };
    roots[field] = root;
  }
  const blockHashes = parseBlocks(raw["blocks"]);
  if (blockHashes === null) return { ok: false, code: "malformed", field: "blocks" };
  // The loop above has set every root.
  const batch = { batchNumber, timestamp, blockHashes, ...(roots as Required<typeof roots>) };
  const expected = globalExitRoot(batch);
  const got = batch.globalExitRoot;
  // A batch that brings in no exit root has three zero ones.
  const parts = [got, batch.mainnetExitRoot, batch.rollupExitRoot];
  if (got !== expected && parts.some((root) => root !== ZERO_HASH)) {
    return { ok: false, code: "invalid-field", field: "globalExitRoot", expected, got };
  }
  return { ok: true, batch };
}

const ROOTS = [
  "stateRoot",
  "localExitRoot",
  "globalExitRoot",
  "mainnetExitRoot",
  "rollupExitRoot",
  "accInputHash",
] as const;

/** One batch of a node, without its transactions. */
export async function readCdkBatch(
  call: NodeCall,
  batchNumber: bigint,
): Promise<{ readonly ok: true; readonly batch: CdkBatch } | NodeFailure> {
  const answer = await call("zkevm_getBatchByNumber", [toQuantity(batchNumber), false]);
  if (!answer.ok) return answer;
  if (answer.value === null) return { ok: false, code: "missing" };
  const checked = checkCdkBatch(answer.value);
  if (!checked.ok || checked.batch.batchNumber !== batchNumber) {
    return { ok: false, code: "malformed" };
  }
  return checked;
}

function checkCdkBlock(rawBlock: unknown): BlockCheck {
  const checked = checkHeader(rawBlock);
  if (!checked.ok) return checked;
  const tail = refuseTailFrom(checked, "baseFeePerGas");
  if (tail !== null) return tail;
  // L1 confirms per batch, so that there is nothing per block.
  const roots = { outputRoot: ZERO_HASH, unverifiable: null };
  return { ok: true, block: toCheckedBlock(checked, roots) };
}

/**
 * `safe`: the last block of the newest virtual batch, the node's tag of that name being an error on
 * cdk-erigon. `finalized`: the tag, which is the last block of the newest batch verified on L1.
 */
async function readCdkHead(head: HeadName, { call }: StackNodes): Promise<HeadAnswer> {
  if (head !== "safe") return call("eth_getBlockByNumber", [head, false]);
  const newest = await call("zkevm_virtualBatchNumber", []);
  if (!newest.ok) return newest;
  const batchNumber = parseQuantity(newest.value);
  if (batchNumber === null) return { ok: false, code: "malformed" };
  for (let at = batchNumber; at >= 0n && at > batchNumber - MAX_BATCHES_BACK; at -= 1n) {
    const found = await readCdkBatch(call, at);
    if (!found.ok) return found;
    const blockHash = found.batch.blockHashes.at(-1);
    if (blockHash === undefined) continue;
    const answer = await call("eth_getBlockByHash", [blockHash, false]);
    return answer.ok ? { ...answer, blockHash } : answer;
  }
  return { ok: false, code: "missing" };
}

const VERIFY_BATCHES = eventTopic(
  "VerifyBatchesTrustedAggregator(uint32,uint64,bytes32,bytes32,address)",
);

/** The batches that the rollup manager verified: state root and local exit root of each. */
async function readVerifiedBatches(l1: NodeCall, query: SettlementQuery): Promise<SettledAnswer> {
  const { contracts } = query;
  if (contracts.stack !== "cdk") throw new RangeError("the contracts are of another stack");
  const read = await readLogs(l1, query, {
    address: contracts.rollupManager,
    events: [VERIFY_BATCHES],
    secondTopic: uintWord(contracts.rollupIndex),
  });
  if (!read.ok) return read;
  const roots: SettledRoot[] = [];
  for (const { topics, words, l1BlockNumber, transactionHash } of read.logs) {
    const [number, root, exitRoot] = words;
    const batchNumber = wordToUint(number);
    if (batchNumber === null || !root || !exitRoot || words.length !== 3 || topics.length !== 3) {
      return { ok: false, code: "malformed" };
    }
    const subject = { by: "batch", batchNumber } as const;
    roots.push({ standing: "confirmed", subject, root, exitRoot, l1BlockNumber, transactionHash });
  }
  return { ok: true, roots, revertedTo: null, undecided: 0 };
}

/** Hashes, or whole blocks with theirs. */
function parseBlocks(raw: unknown): readonly Hex[] | null {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw) || raw.length > MAX_BLOCKS) return null;
  const hashes = raw.map((each: unknown) => parseHash(isObject(each) ? each["hash"] : each));
  return hashes.includes(null) ? null : hashes.filter((hash) => hash !== null);
}

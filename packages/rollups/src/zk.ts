import type { Hex } from "@mach/core";
import { isObject, parseHash, parseInteger, parseQuantity, toQuantity } from "./rpc-values.ts";
import type {
  CheckedBlock,
  Completed,
  HeadAnswer,
  HeadName,
  NodeAnswer,
  NodeCall,
  NodeFailure,
  StackAdapter,
  StackNodes,
} from "./stack.ts";
import { checkZkBlock } from "./zk-block.ts";
import { readBatchEvents } from "./zk-events.ts";

/**
 * The ZK Stack. Claims are per L1 batch: the last block of a batch carries the batch's root hash as
 * stateRoot and outputRoot, and the blocks before it carry none. `latest` is the last block of the
 * newest batch whose root is known, so that a batch is followed when all of it can be claimed.
 */
export const zkStack: StackAdapter = {
  stack: "zk",
  followsBlocks: false,
  checkBlock: checkZkBlock,
  completion: { evidence: "word", connect: connectBatches },
  readHead: readZkHead,
  readSettled: readBatchEvents,
};

/** A sealed batch, as one node tells it. */
export interface ZkBatch {
  readonly batchNumber: bigint;
  readonly firstBlock: bigint;
  readonly lastBlock: bigint;
  readonly rootHash: Hex;
}

/** How far below the newest batch one with a known root is looked for. */
const MAX_BATCHES_BACK = 8n;

/** One batch by `zks_getL1BatchBlockRange` and `zks_getL1BatchDetails`; `missing` until sealed. */
export async function readZkBatch(
  call: NodeCall,
  batchNumber: bigint,
): Promise<{ readonly ok: true; readonly batch: ZkBatch } | NodeFailure> {
  const [range, details] = await Promise.all([
    callByNumber(call, "zks_getL1BatchBlockRange", batchNumber),
    callByNumber(call, "zks_getL1BatchDetails", batchNumber),
  ]);
  if (!range.ok) return range;
  if (!details.ok) return details;
  if (range.value === null || details.value === null) return { ok: false, code: "missing" };
  if (!Array.isArray(range.value) || range.value.length !== 2 || !isObject(details.value)) {
    return { ok: false, code: "malformed" };
  }
  const [firstBlock, lastBlock] = range.value.map((each: unknown) => parseQuantity(each));
  if (!isBlock(firstBlock) || !isBlock(lastBlock) || firstBlock > lastBlock) {
    return { ok: false, code: "malformed" };
  }
  if (parseInteger(details.value["number"]) !== batchNumber)
    return { ok: false, code: "malformed" };
  const raw = details.value["rootHash"];
  // Sealed, and its root is still being computed.
  if (raw === null || raw === undefined) return { ok: false, code: "missing" };
  const rootHash = parseHash(raw);
  if (rootHash === null) return { ok: false, code: "malformed" };
  return { ok: true, batch: { batchNumber, firstBlock, lastBlock, rootHash } };
}

/** What a batch says of one of its blocks; `malformed` for a block outside of it. */
export function completeZkBlock(block: CheckedBlock, batch: ZkBatch): Completed {
  const { blockNumber } = block;
  const { firstBlock, lastBlock, rootHash } = batch;
  if (blockNumber < firstBlock || blockNumber > lastBlock) return { ok: false, code: "malformed" };
  return blockNumber === lastBlock
    ? {
        ok: true,
        block: { ...block, stateRoot: rootHash, outputRoot: rootHash, unverifiable: null },
      }
    : { ok: true, block: { ...block, unverifiable: null, isWithinBatch: true } };
}

function connectBatches(call: NodeCall): (block: CheckedBlock) => Promise<Completed> {
  // The blocks of a batch come one after another, and one answer serves all but the last: what is
  // claimed is asked for afresh each time.
  let known: ZkBatch | null = null;
  return async (block) => {
    const { blockNumber } = block;
    if (known !== null && blockNumber >= known.firstBlock && blockNumber < known.lastBlock) {
      return completeZkBlock(block, known);
    }
    const found = await readBatchOf(call, blockNumber);
    if (!found.ok) return found;
    known = found.batch;
    return completeZkBlock(block, known);
  };
}

async function readBatchOf(
  call: NodeCall,
  blockNumber: bigint,
): Promise<{ readonly ok: true; readonly batch: ZkBatch } | NodeFailure> {
  const details = await callByNumber(call, "zks_getBlockDetails", blockNumber);
  if (!details.ok) return details;
  if (details.value === null) return { ok: false, code: "missing" };
  if (!isObject(details.value)) return { ok: false, code: "malformed" };
  const batchNumber = parseInteger(details.value["l1BatchNumber"]);
  const isAsked = parseInteger(details.value["number"]) === blockNumber;
  if (batchNumber === null || !isAsked) return { ok: false, code: "malformed" };
  return readZkBatch(call, batchNumber);
}

/**
 * `safe`: the newest block committed to L1, which can still be reverted. `finalized`: executed in an
 * L1 transaction that the node calls finalised; a node too old to say so has no such head.
 */
async function readZkHead(head: HeadName, { call }: StackNodes): Promise<HeadAnswer> {
  switch (head) {
    case "latest":
      return readNewestBatch(call);
    case "safe":
      return call("eth_getBlockByNumber", ["l1_committed", false]);
    case "finalized":
      return readExecuted(call);
  }
}

async function readNewestBatch(call: NodeCall): Promise<HeadAnswer> {
  const newest = await call("zks_L1BatchNumber", []);
  if (!newest.ok) {
    // ZKsync OS has no such method: its blocks are followed, and none of them is claimed.
    const isUnknown = newest.code === "refused" && newest.number === METHOD_NOT_FOUND;
    return isUnknown ? call("eth_getBlockByNumber", ["latest", false]) : newest;
  }
  const batchNumber = parseQuantity(newest.value);
  if (batchNumber === null) return { ok: false, code: "malformed" };
  for (let at = batchNumber; at >= 0n && at > batchNumber - MAX_BATCHES_BACK; at -= 1n) {
    const found = await readZkBatch(call, at);
    if (found.ok) {
      return call("eth_getBlockByNumber", [toQuantity(found.batch.lastBlock), false]);
    }
    if (found.code !== "missing") return found;
  }
  return { ok: false, code: "missing" };
}

/** JSON-RPC 2.0, section 5.1. */
const METHOD_NOT_FOUND = -32_601;

async function readExecuted(call: NodeCall): Promise<HeadAnswer> {
  const block = await call("eth_getBlockByNumber", ["finalized", false]);
  if (!block.ok) return block;
  const checked = checkZkBlock(block.value);
  if (!checked.ok) return { ok: false, code: block.value === null ? "missing" : "malformed" };
  const { blockNumber } = checked.block;
  const details = await callByNumber(call, "zks_getBlockDetails", blockNumber);
  if (!details.ok) return details;
  if (!isObject(details.value)) return { ok: false, code: "missing" };
  if (parseInteger(details.value["number"]) !== blockNumber) {
    return { ok: false, code: "malformed" };
  }
  const isFinal = details.value["executeTxFinality"] === "finalized";
  return isFinal ? block : { ok: false, code: "missing" };
}

/** The zks namespace takes JSON numbers: beyond 2^53 one would be another one. */
function callByNumber(
  call: NodeCall,
  method: string,
  value: bigint,
): Promise<NodeAnswer | NodeFailure> {
  return value > BigInt(Number.MAX_SAFE_INTEGER)
    ? Promise.resolve({ ok: false, code: "malformed" })
    : call(method, [Number(value)]);
}

function isBlock(value: bigint | null | undefined): value is bigint {
  return value !== null && value !== undefined;
}

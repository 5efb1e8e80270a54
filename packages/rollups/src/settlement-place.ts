import type { Hex, Stack } from "@mach/core";
import { createHttpClient } from "@mach/rpc";
import { readCdkBatch } from "./cdk.ts";
import { createNodeCalls } from "./node-calls.ts";
import { toQuantity } from "./rpc-values.ts";
import type { SettledRoot } from "./settlement.ts";
import type { CheckedBlock, Completed, NodeCall, NodeFailure, StackAdapter } from "./stack.ts";
import { stackOf } from "./stacks.ts";
import { readZkBatch } from "./zk.ts";

/** The rollup block that a settled root is about. */
export interface SettledPlace {
  readonly blockNumber: bigint;
  /** Null where the root names a height alone. */
  readonly blockHash: Hex | null;
  /** The batch that the block ends; null where the root is about no batch. */
  readonly batchNumber: bigint | null;
}

export type SettledPlaceAnswer =
  | {
      readonly ok: true;
      /** Null for a batch that has no block. */
      readonly place: SettledPlace | null;
    }
  | NodeFailure;

/** Finds what L1 has settled among a rollup's own blocks. Never rejects. */
export interface SettledPlaces {
  /** What follows from a hash one node may tell; where a batch ends, `agree` hosts have to. */
  find(root: SettledRoot): Promise<SettledPlaceAnswer>;
  /**
   * The block at a height on the branch of a block above it. Each header hashes to what the one
   * above names, so that one node is enough and cannot lie. `missing` for more than MAX_WALK_BLOCKS.
   */
  ancestor(
    from: { readonly blockNumber: bigint; readonly blockHash: Hex },
    blockNumber: bigint,
  ): Promise<Completed>;
  /** The block at a height on the chain that `agree` hosts have now, with its roots. */
  canonical(blockNumber: bigint): Promise<Completed>;
  close(): Promise<void>;
}

export interface SettledPlacesOptions {
  readonly stack: Stack;
  /** HTTP endpoints; two of one host count as one. */
  readonly urls: readonly string[];
  readonly agree: number;
  /** Bound of one RPC call. */
  readonly timeoutMs: number;
}

/** The most blocks between a certificate and a settled block below it. */
export const MAX_WALK_BLOCKS = 512n;
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const MAX_IN_FLIGHT = 8;

/** Asks a rollup's nodes, and keeps connections until it is closed. */
export function createSettledPlaces(options: SettledPlacesOptions): SettledPlaces {
  const { stack, urls, agree, timeoutMs } = options;
  const bounds = { timeoutMs, maxResponseBytes: MAX_RESPONSE_BYTES, maxInFlight: MAX_IN_FLIGHT };
  const byHost = new Map(urls.map((url) => [new URL(url).host, url]));
  const clients = [...byHost.values()].map((url) => createHttpClient({ url, ...bounds }));
  const calls = clients.map(
    (client) => createNodeCalls((method, params) => client.call(method, params)).call,
  );
  const adapter = stackOf(stack);
  return {
    async find({ subject }) {
      switch (subject.by) {
        case "number": {
          const { blockNumber } = subject;
          return { ok: true, place: { blockNumber, blockHash: null, batchNumber: null } };
        }
        case "hash": {
          const { blockHash } = subject;
          const found = await askAny(calls, (call) => readByHash(call, adapter, blockHash));
          if (!found.ok) return found;
          const { blockNumber } = found.block;
          return { ok: true, place: { blockNumber, blockHash, batchNumber: null } };
        }
        case "batch":
          return askAgreed(
            calls,
            { agree, key: ({ place }) => `${place?.blockNumber} ${place?.blockHash}` },
            (call) => readBatchEnd(call, adapter, subject.batchNumber),
          );
      }
    },
    ancestor: (from, blockNumber) =>
      askAny(calls, (call) => walkDown(call, adapter, { from, blockNumber })),
    canonical: (blockNumber) =>
      askAgreed(
        calls,
        { agree, key: ({ block }) => `${block.blockHash} ${block.stateRoot} ${block.outputRoot}` },
        (call) => readByNumber(call, adapter, blockNumber),
      ),
    async close() {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

const UNAVAILABLE: NodeFailure = { ok: false, code: "unavailable" };

/** The first sound answer, else the last failure. */
async function askAny<T extends { readonly ok: true }>(
  calls: readonly NodeCall[],
  read: (call: NodeCall) => Promise<T | NodeFailure>,
): Promise<T | NodeFailure> {
  let failure = UNAVAILABLE;
  for (const call of calls) {
    const answer = await read(call);
    if (answer.ok) return answer;
    failure = answer;
  }
  return failure;
}

/** What `agree` hosts say alike, while none says anything else. */
async function askAgreed<T extends { readonly ok: true }>(
  calls: readonly NodeCall[],
  rule: { readonly agree: number; readonly key: (answer: T) => string },
  read: (call: NodeCall) => Promise<T | NodeFailure>,
): Promise<T | NodeFailure> {
  const answers = await Promise.all(calls.map(read));
  const told = answers.flatMap((answer) => (answer.ok ? [answer] : []));
  const failed = answers.flatMap((answer) => (answer.ok ? [] : [answer]));
  const [first] = told;
  if (first === undefined || told.length < rule.agree) return failed[0] ?? UNAVAILABLE;
  const isSame = told.every((answer) => rule.key(answer) === rule.key(first));
  return isSame ? first : { ok: false, code: "malformed" };
}

async function readBatchEnd(
  call: NodeCall,
  adapter: StackAdapter,
  batchNumber: bigint,
): Promise<SettledPlaceAnswer> {
  if (adapter.stack === "zk") {
    const found = await readZkBatch(call, batchNumber);
    if (!found.ok) return found;
    const blockNumber = found.batch.lastBlock;
    return { ok: true, place: { blockNumber, blockHash: null, batchNumber } };
  }
  const found = await readCdkBatch(call, batchNumber);
  if (!found.ok) return found;
  const blockHash = found.batch.blockHashes.at(-1);
  if (blockHash === undefined) return { ok: true, place: null };
  const last = await readByHash(call, adapter, blockHash);
  if (!last.ok) return last;
  return { ok: true, place: { blockNumber: last.block.blockNumber, blockHash, batchNumber } };
}

async function walkDown(
  call: NodeCall,
  adapter: StackAdapter,
  to: {
    readonly from: { readonly blockNumber: bigint; readonly blockHash: Hex };
    readonly blockNumber: bigint;
  },
): Promise<Completed> {
  const { from, blockNumber } = to;
  if (from.blockNumber < blockNumber || from.blockNumber - blockNumber > MAX_WALK_BLOCKS) {
    return { ok: false, code: "missing" };
  }
  let found = await readByHash(call, adapter, from.blockHash);
  for (let at = from.blockNumber; found.ok && at > blockNumber; at -= 1n) {
    if (found.block.blockNumber !== at) return { ok: false, code: "malformed" };
    found = await readByHash(call, adapter, found.block.parentHash);
  }
  if (!found.ok) return found;
  if (found.block.blockNumber !== blockNumber) return { ok: false, code: "malformed" };
  const { completion } = adapter;
  const isProvable = found.block.unverifiable !== null && completion?.evidence === "proof";
  return isProvable ? completion.connect(call)(found.block) : found;
}

async function readByNumber(
  call: NodeCall,
  adapter: StackAdapter,
  blockNumber: bigint,
): Promise<Completed> {
  const answer = await call("eth_getBlockByNumber", [toQuantity(blockNumber), false]);
  if (!answer.ok) return answer;
  if (answer.value === null) return { ok: false, code: "missing" };
  const checked = adapter.checkBlock(answer.value);
  if (!checked.ok || checked.block.blockNumber !== blockNumber) {
    return { ok: false, code: "malformed" };
  }
  const isWhole = checked.block.unverifiable === null || adapter.completion === null;
  return isWhole ? checked : adapter.completion.connect(call)(checked.block);
}

async function readByHash(
  call: NodeCall,
  adapter: StackAdapter,
  blockHash: Hex,
): Promise<{ readonly ok: true; readonly block: CheckedBlock } | NodeFailure> {
  const answer = await call("eth_getBlockByHash", [blockHash, false]);
  if (!answer.ok) return answer;
  if (answer.value === null) return { ok: false, code: "missing" };
  const checked = adapter.checkBlock(answer.value);
  const isAsked = checked.ok && checked.block.blockHash === blockHash;
  return isAsked ? checked : { ok: false, code: "malformed" };
}

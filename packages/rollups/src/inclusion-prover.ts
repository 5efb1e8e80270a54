import { type Hex, toHex } from "@mach/core";
import { createHttpClient } from "@mach/rpc";
import {
  type BodyFailure,
  type BodyResult,
  fetchProvenBody,
  type ProvenBody,
} from "./proven-body.ts";

export interface InclusionProverOptions {
  /** HTTP endpoints; one that has the block is enough, because none is believed. */
  readonly urls: readonly string[];
  readonly timeoutMs: number;
}

/** A value of a block's trie, and the nodes that lead to it from the root, the root's first. */
export interface TrieProof {
  readonly value: Hex;
  readonly nodes: readonly Hex[];
}

/** That a transaction, and its receipt, are at one index of a block. */
export interface InclusionProof {
  /** The preimage of the block's hash: it holds both roots. */
  readonly header: Hex;
  readonly index: number;
  readonly transaction: TrieProof;
  readonly receipt: TrieProof;
}

export type InclusionFailure =
  | BodyFailure
  /** The block has no transaction whose bytes hash to that hash. */
  | "not-in-block";

export type InclusionResult =
  | { readonly ok: true; readonly proof: InclusionProof }
  | { readonly ok: false; readonly code: InclusionFailure };

/** Proves transactions of a rollup's blocks; what it gives out was held against the block's roots. */
export interface InclusionProver {
  prove(block: {
    readonly blockHash: Hex;
    readonly transactionHash: Hex;
  }): Promise<InclusionResult>;
  close(): Promise<void>;
}

/** A transaction or receipt above it is not proved: an answer has to stay one that can be read. */
const MAX_PROVEN_BYTES = 262_144;

const MAX_RESPONSE_BYTES = 24 * 1024 * 1024;
const MAX_IN_FLIGHT = 64;
/** Of all bodies that are kept: their tries take about three times as much. */
const MAX_CACHED_BYTES = 16 * 1024 * 1024;
const MAX_CACHED_BLOCKS = 64;
/** How long one source may take for a block, in time-outs of a single call. */
const MAX_TIMEOUTS = 3;
/** Bodies that are fetched at once: callers of the API choose which. */
const MAX_FETCHES = 2;

/** Asks the sources one by one for a block's body, and keeps the bodies that were asked for last. */
export function createInclusionProver(options: InclusionProverOptions): InclusionProver {
  const { urls, timeoutMs } = options;
  const limits = { timeoutMs, maxResponseBytes: MAX_RESPONSE_BYTES, maxInFlight: MAX_IN_FLIGHT };
  const clients = urls.map((url) => createHttpClient({ url, ...limits }));
  const fetches = new Map<Hex, Promise<BodyResult>>();
  const kept = new Map<Hex, ProvenBody>();

  async function fetchBody(blockHash: Hex): Promise<BodyResult> {
    let failure: BodyResult = { ok: false, code: "unavailable" };
    for (const client of clients) {
      const end = Date.now() + MAX_TIMEOUTS * timeoutMs;
      const source = { client, isOverdue: () => Date.now() > end };
      const result = await fetchProvenBody(source, blockHash);
      if (result.ok) {
        keep(blockHash, result.body);
        return result;
      }
      // A source that lacks the block tells less than one that has it.
      if (result.code !== "unavailable") failure = result;
    }
    return failure;
  }

  function keep(blockHash: Hex, body: ProvenBody): void {
    kept.set(blockHash, body);
    let bytes = [...kept.values()].reduce((sum, each) => sum + each.bytes, 0);
    for (const [oldest, { bytes: freed }] of kept) {
      if (bytes <= MAX_CACHED_BYTES && kept.size <= MAX_CACHED_BLOCKS) return;
      kept.delete(oldest);
      bytes -= freed;
    }
  }

  async function bodyOf(blockHash: Hex): Promise<BodyResult> {
    const known = kept.get(blockHash);
    if (known !== undefined) return { ok: true, body: known };
    const underWay = fetches.get(blockHash);
    if (underWay !== undefined) return await underWay;
    if (fetches.size >= MAX_FETCHES) return { ok: false, code: "unavailable" };
    const fetch = fetchBody(blockHash).finally(() => fetches.delete(blockHash));
    fetches.set(blockHash, fetch);
    return await fetch;
  }

  return {
    async prove({ blockHash, transactionHash }) {
      const result = await bodyOf(blockHash);
      return result.ok ? proofIn(result.body, transactionHash) : result;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

function proofIn(body: ProvenBody, transactionHash: Hex): InclusionResult {
  const index = body.indices.get(transactionHash);
  const transaction = body.transactions[index ?? -1];
  const receipt = body.receipts[index ?? -1];
  if (index === undefined || transaction === undefined || receipt === undefined) {
    return { ok: false, code: "not-in-block" };
  }
  if (Math.max(transaction.length, receipt.length) > MAX_PROVEN_BYTES) {
    return { ok: false, code: "too-large" };
  }
  const nodesOf = (trie: ProvenBody["receiptTrie"]): readonly Hex[] =>
    trie.proofOf(index).map(toHex);
  const proof = {
    header: body.headerRlp,
    index,
    transaction: { value: toHex(transaction), nodes: nodesOf(body.transactionTrie) },
    receipt: { value: toHex(receipt), nodes: nodesOf(body.receiptTrie) },
  };
  return { ok: true, proof };
}

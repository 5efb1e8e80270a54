import { setImmediate as nextTurn } from "node:timers/promises";
import {
  fromHex,
  type Hex,
  type IndexTrie,
  indexTrieSteps,
  isHex,
  keccak256,
  toHex,
} from "@mach/core";
import { isObject, type RpcClient } from "@mach/rpc";
import { checkHeader, type Header } from "./header.ts";
import { encodeReceipt, type ReceiptForm } from "./receipt-rlp.ts";
import { encodeTransaction } from "./transaction-rlp.ts";

/** A block's transactions and receipts, whose roots are those of its header. */
export interface ProvenBody {
  readonly headerRlp: Hex;
  readonly transactions: readonly Uint8Array[];
  readonly receipts: readonly Uint8Array[];
  readonly transactionTrie: IndexTrie;
  readonly receiptTrie: IndexTrie;
  /** By the hash of the transaction's bytes. */
  readonly indices: ReadonlyMap<Hex, number>;
  /** Of all transactions and receipts. */
  readonly bytes: number;
}

export type BodyFailure =
  /** The source does not have the block whole, or failed. */
  | "unavailable"
  /** More transactions or bytes than are taken. */
  | "too-large"
  /** What it gave is not what the block's header commits to. */
  | "wrong-root";

export type BodyResult =
  | { readonly ok: true; readonly body: ProvenBody }
  | { readonly ok: false; readonly code: BodyFailure };

/** About ten times what the largest blocks of rollups hold today. */
const MAX_TRANSACTIONS = 5_000;
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Calls for single transactions or receipts of one block, all together and at once. */
const MAX_SINGLE_CALLS = 512;
const CONCURRENCY = 16;
/** How long hashing may keep the process from everything else. */
const SLICE_MS = 5;

/** A source, and when to give it up: it may make a block a thousand slow answers long. */
export interface BodySource {
  readonly client: RpcClient;
  readonly isOverdue: () => boolean;
}

/**
 * A block's body from one source, held against the roots in the header that hashes to
 * `blockHash`: whatever the source says, nothing but the block's own bytes comes out.
 */
export async function fetchProvenBody(source: BodySource, blockHash: Hex): Promise<BodyResult> {
  const { client } = source;
  const answer = await client.call("eth_getBlockByHash", [blockHash, true]);
  if (!answer.ok) return fail(answer.code === "too-large" ? "too-large" : "unavailable");
  const checked = checkHeader(answer.value);
  if (!checked.ok || checked.blockHash !== blockHash) return fail("unavailable");
  const listed = isObject(answer.value) ? answer.value["transactions"] : undefined;
  if (!Array.isArray(listed)) return fail("unavailable");
  if (listed.length > MAX_TRANSACTIONS) return fail("too-large");
  const transactions = await readTransactions(source, listed);
  if (transactions === null) return fail("unavailable");
  if (sizeOf(transactions) > MAX_BODY_BYTES) return fail("too-large");
  const transactionTrie = await inTurns(indexTrieSteps(transactions));
  if (toHex(transactionTrie.root) !== checked.header.transactionsRoot) return fail("wrong-root");
  const hashes = await inTurns(hashesOf(transactions));
  const fetched = await fetchReceipts(source, blockHash, namedHashes(listed, hashes));
  if (typeof fetched === "string") return fail(fetched);
  const built = await buildReceipts(fetched, checked.header);
  if (typeof built === "string") return fail(built);
  const { receipts, receiptTrie } = built;
  const bytes = sizeOf(transactions) + sizeOf(receipts);
  const indices = new Map(hashes.map((hash, index) => [hash, index]));
  const { headerRlp } = checked;
  const body = { headerRlp, transactions, receipts, transactionTrie, receiptTrie, indices, bytes };
  return { ok: true, body };
}

/** Written again from its fields, or asked for as it is where its type is not known here. */
async function readTransactions(
  source: BodySource,
  listed: readonly unknown[],
): Promise<readonly Uint8Array[] | null> {
  let singleCalls = 0;
  return await inBatches(source, listed, async (raw) => {
    const named = isObject(raw) ? raw["hash"] : undefined;
    const encoded = encodeTransaction(raw);
    if (encoded !== null && keccak256(encoded) === named) return encoded;
    if (typeof named !== "string" || !isHex(named, 32)) return null;
    singleCalls++;
    if (singleCalls > MAX_SINGLE_CALLS) return null;
    const bytes = await rawTransaction(source.client, named);
    // A local chain lists what nobody signed under a hash that is not that of its bytes: what is
    // the block's, the root says.
    return bytes ?? encoded;
  });
}

/** No standard names one method for it: clients have the one or the other. */
async function rawTransaction(client: RpcClient, hash: Hex): Promise<Uint8Array | null> {
  for (const method of ["eth_getRawTransactionByHash", "debug_getRawTransaction"]) {
    const answer = await client.call(method, [hash]);
    const raw = answer.ok && typeof answer.value === "string" ? answer.value.toLowerCase() : "";
    if (isHex(raw) && raw.length > 2) return fromHex(raw);
  }
  return null;
}

/** The hashes by which a source knows its transactions: its own words first. */
function namedHashes(listed: readonly unknown[], hashes: readonly Hex[]): readonly Hex[] {
  return hashes.map((hash, index) => {
    const raw = listed[index];
    const named = isObject(raw) ? raw["hash"] : undefined;
    return typeof named === "string" && isHex(named, 32) ? named : hash;
  });
}

async function fetchReceipts(
  source: BodySource,
  blockHash: Hex,
  hashes: readonly Hex[],
): Promise<readonly unknown[] | BodyFailure> {
  const { client } = source;
  if (hashes.length === 0) return [];
  const answer = await client.call("eth_getBlockReceipts", [blockHash]);
  if (answer.ok && Array.isArray(answer.value)) {
    return answer.value.length === hashes.length ? answer.value : "unavailable";
  }
  if (!answer.ok && answer.code === "too-large") return "too-large";
  // Older clients do not have the method.
  if (hashes.length > MAX_SINGLE_CALLS) return "unavailable";
  const receipts = await inBatches(source, hashes, async (hash) => {
    const single = await client.call("eth_getTransactionReceipt", [hash]);
    return single.ok && isObject(single.value) ? single.value : null;
  });
  return receipts ?? "unavailable";
}

const FORMS: readonly ReceiptForm[] = ["status", "state"];

async function buildReceipts(
  raw: readonly unknown[],
  { receiptsRoot }: Header,
): Promise<Pick<ProvenBody, "receipts" | "receiptTrie"> | BodyFailure> {
  for (const form of FORMS) {
    const receipts = raw.flatMap((each) => encodeReceipt(each, form) ?? []);
    if (receipts.length < raw.length) continue;
    if (sizeOf(receipts) > MAX_BODY_BYTES) return "too-large";
    const receiptTrie = await inTurns(indexTrieSteps(receipts));
    if (toHex(receiptTrie.root) === receiptsRoot) return { receipts, receiptTrie };
  }
  return "wrong-root";
}

/** Does some work for every item, a few at a time; null as soon as one comes to null, or is late. */
async function inBatches<T, R>(
  source: BodySource,
  items: readonly T[],
  work: (item: T) => Promise<R | null>,
): Promise<readonly R[] | null> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += CONCURRENCY) {
    if (source.isOverdue()) return null;
    for (const each of await Promise.all(items.slice(at, at + CONCURRENCY).map(work))) {
      if (each === null) return null;
      results.push(each);
    }
  }
  return results;
}

function* hashesOf(values: readonly Uint8Array[]): Generator<void, readonly Hex[], void> {
  const hashes: Hex[] = [];
  for (const value of values) {
    hashes.push(keccak256(value));
    yield;
  }
  return hashes;
}

/** Does long work in slices, so that an operator's votes do not wait for a reader's proof. */
async function inTurns<T>(steps: Generator<void, T, void>): Promise<T> {
  let end = performance.now() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() < end) continue;
    await nextTurn();
    end = performance.now() + SLICE_MS;
  }
}

function sizeOf(values: readonly Uint8Array[]): number {
  return values.reduce((sum, value) => sum + value.length, 0);
}

function fail(code: BodyFailure): BodyResult {
  return { ok: false, code };
}

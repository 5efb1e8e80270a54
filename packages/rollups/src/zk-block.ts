import { concatHex, type Hex, keccak256, uintWord, ZERO_HASH } from "@mach/core";
import { toCheckedBlock } from "./checked-header.ts";
import { checkHeader } from "./header.ts";
import { isObject, parseHash, parseQuantity } from "./rpc-values.ts";
import type { BlockCheck } from "./stack.ts";

/** Far above what an EraVM block holds; bounds the hashing of one answer. */
const MAX_TRANSACTIONS = 65_536;
const UINT32 = 1n << 32n;

interface EraBlock {
  readonly blockNumber: bigint;
  readonly timestamp: bigint;
  readonly parentHash: Hex;
  readonly got: Hex;
  readonly transactionHashes: readonly Hex[];
}

/** rolling_i = keccak256(rolling_{i-1} || transaction hash), from zero. */
export function rollingHash(transactionHashes: readonly Hex[]): Hex {
  return transactionHashes.reduce(
    (rolling, each) => keccak256(concatHex(rolling, each)),
    ZERO_HASH,
  );
}

/** What an EraVM block's hash is made of from protocol version 13 on: 128 bytes. */
export function eraPreimage(block: {
  readonly blockNumber: bigint;
  /** Seconds. */
  readonly timestamp: bigint;
  readonly parentHash: Hex;
  readonly transactionsRollingHash: Hex;
}): Hex {
  const { blockNumber, timestamp, parentHash, transactionsRollingHash } = block;
  return concatHex(uintWord(blockNumber), uintWord(timestamp), parentHash, transactionsRollingHash);
}

/** What it was made of before: the number alone, as 4 bytes. */
export function legacyEraPreimage(blockNumber: bigint): Hex {
  if (blockNumber < 0n || blockNumber >= UINT32) throw new RangeError("expected a uint32");
  return `0x${blockNumber.toString(16).padStart(8, "0")}`;
}

/**
 * Checks a ZK Stack block. EraVM's hash commits to the order of the transactions and to no state,
 * so that stateRoot is zero and the roots come with the L1 batch; its older form commits to the
 * number alone and is never signed. ZKsync OS has Ethereum's header, and tells no batch.
 */
export function checkZkBlock(rawBlock: unknown): BlockCheck {
  const era = parseEraBlock(rawBlock);
  if (typeof era === "string") return { ok: false, code: "malformed", field: era };
  const { blockNumber, timestamp, parentHash, got, transactionHashes } = era;
  const preimage = eraPreimage({
    blockNumber,
    timestamp,
    parentHash,
    transactionsRollingHash: rollingHash(transactionHashes),
  });
  const roots = { stateRoot: ZERO_HASH, outputRoot: null };
  const block = { blockNumber, parentHash, timestamp, ...roots, blockHash: got };
  const expected = keccak256(preimage);
  if (got === expected) {
    return { ok: true, block: { ...block, unverifiable: "needs-batch", headerRlp: preimage } };
  }
  if (blockNumber < UINT32) {
    const legacy = legacyEraPreimage(blockNumber);
    if (got === keccak256(legacy)) {
      return { ok: true, block: { ...block, unverifiable: "no-claim", headerRlp: legacy } };
    }
  }
  if (!hasStateRoot(rawBlock)) {
    return { ok: false, code: "hash-mismatch", field: "hash", expected, got };
  }
  const checked = checkHeader(rawBlock);
  if (!checked.ok) return checked;
  const claimless = { outputRoot: null, unverifiable: "no-claim" } as const;
  return { ok: true, block: toCheckedBlock(checked, claimless) };
}

/** EraVM's nodes give a zero state root; ZKsync OS gives the header's. */
function hasStateRoot(rawBlock: unknown): boolean {
  return isObject(rawBlock) && parseHash(rawBlock["stateRoot"]) !== ZERO_HASH;
}

/** The fields that count, or the name of the first one at fault. */
function parseEraBlock(rawBlock: unknown): EraBlock | string {
  if (!isObject(rawBlock)) return "block";
  const blockNumber = parseQuantity(rawBlock["number"]);
  if (blockNumber === null) return "number";
  const timestamp = parseQuantity(rawBlock["timestamp"]);
  if (timestamp === null) return "timestamp";
  const parentHash = parseHash(rawBlock["parentHash"]);
  if (parentHash === null) return "parentHash";
  const got = parseHash(rawBlock["hash"]);
  if (got === null) return "hash";
  const transactionHashes = parseTransactions(rawBlock["transactions"]);
  if (transactionHashes === null) return "transactions";
  return { blockNumber, timestamp, parentHash, got, transactionHashes };
}

/** Hashes, or whole transactions with theirs. */
function parseTransactions(raw: unknown): readonly Hex[] | null {
  if (!Array.isArray(raw) || raw.length > MAX_TRANSACTIONS) return null;
  const hashes = raw.map((each: unknown) => parseHash(isObject(each) ? each["hash"] : each));
  return hashes.includes(null) ? null : hashes.filter((hash) => hash !== null);
}

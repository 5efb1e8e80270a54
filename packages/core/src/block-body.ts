import { RLP } from "@ethereumjs/rlp";
import { fromHex, type Hex, toHex } from "./hex.ts";

/** The roots that an Ethereum header commits to its block's body by. */
export interface BodyRoots {
  readonly transactionsRoot: Hex;
  readonly receiptsRoot: Hex;
}

/** A log of a receipt; `address` 20 bytes, each topic 32. */
export interface ReceiptLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

/** What a receipt's bytes say (EIP-2718, EIP-658). */
export interface Receipt {
  readonly type: number;
  /** Null where the chain's receipts tell the state after the transaction instead. */
  readonly isSuccess: boolean | null;
  /** Of the block up to this transaction. */
  readonly cumulativeGasUsed: bigint;
  readonly logs: readonly ReceiptLog[];
}

type Item = Uint8Array | readonly Item[];

const LEAST_HEADER_FIELDS = 15;
const FIRST_LIST_BYTE = 0xc0;

/** The roots in an RLP header (Yellow Paper section 4.4); null for bytes that are none. */
export function bodyRootsOf(header: Hex): BodyRoots | null {
  const fields = decode(fromHex(header));
  if (fields === null || fields.length < LEAST_HEADER_FIELDS) return null;
  const transactionsRoot = hexOf(fields[4], 32);
  const receiptsRoot = hexOf(fields[5], 32);
  return transactionsRoot && receiptsRoot && { transactionsRoot, receiptsRoot };
}

/** A receipt as its block's trie has it; null for bytes that are none. */
export function parseReceipt(receipt: Hex): Receipt | null {
  const bytes = fromHex(receipt);
  const first = bytes[0] ?? 0;
  const type = first < FIRST_LIST_BYTE ? first : 0;
  const items = decode(first < FIRST_LIST_BYTE ? bytes.subarray(1) : bytes);
  // What some stacks' deposits end with is not looked at.
  const [outcome, gasUsed, bloom, logs] = items ?? [];
  const cumulativeGasUsed = hexOf(gasUsed);
  if (!(outcome instanceof Uint8Array) || !Array.isArray(logs)) return null;
  if (cumulativeGasUsed === null || hexOf(bloom, 256) === null) return null;
  if (outcome.length !== 32 && outcome.length > 1) return null;
  const parsed = (logs as readonly Item[]).flatMap((log) => parseLog(log) ?? []);
  if (parsed.length < logs.length) return null;
  return {
    type,
    isSuccess: outcome.length === 32 ? null : outcome[0] === 1,
    cumulativeGasUsed: BigInt(cumulativeGasUsed === "0x" ? 0 : cumulativeGasUsed),
    logs: parsed,
  };
}

function parseLog(log: Item): ReceiptLog | null {
  if (log instanceof Uint8Array) return null;
  const [rawAddress, rawTopics, rawData] = log;
  const address = hexOf(rawAddress, 20);
  const data = hexOf(rawData);
  if (address === null || data === null || !Array.isArray(rawTopics)) return null;
  const topics = (rawTopics as readonly Item[]).flatMap((topic) => hexOf(topic, 32) ?? []);
  return topics.length < rawTopics.length ? null : { address, topics, data };
}

function hexOf(item: Item | undefined, length?: number): Hex | null {
  if (!(item instanceof Uint8Array)) return null;
  return length === undefined || item.length === length ? toHex(item) : null;
}

function decode(bytes: Uint8Array): readonly Item[] | null {
  try {
    const items = RLP.decode(bytes) as Item;
    return items instanceof Uint8Array ? null : items;
  } catch {
    // Bytes that are no RLP come from outside and are an answer, not a fault.
    return null;
  }
}

import { fromHex } from "@mach/core";
import { type Encodable, encodeTyped, minimalBytes } from "./rlp-items.ts";
import { isObject, parseAddress, parseBytes, parseHash, parseQuantity } from "./rpc-values.ts";

const MAX_DATA_BYTES = 4 * 1024 * 1024;
const MAX_LOGS = 100_000;
const BLOOM_BYTES = 256;
const DEPOSIT_TYPE = 0x7e;

/** What a receipt begins with: the outcome (EIP-658), or the state after it, as before that. */
export type ReceiptForm = "status" | "state";

/**
 * The bytes of a receipt as its block's trie has them (EIP-2718), from JSON-RPC's object. The
 * receipt of an OP Stack deposit ends with the nonce and the version from Canyon on, where the node
 * names a version; before, the nonce is told and not hashed. Whether the bytes are the block's, its
 * root says.
 */
export function encodeReceipt(raw: unknown, form: ReceiptForm): Uint8Array | null {
  if (!isObject(raw)) return null;
  const type = parseQuantity(raw["type"] ?? "0x0", 8);
  const outcome = form === "status" ? readNumber(raw["status"]) : readHash(raw["root"]);
  const gasUsed = readNumber(raw["cumulativeGasUsed"]);
  const bloom = parseBytes(raw["logsBloom"], { min: BLOOM_BYTES, max: BLOOM_BYTES });
  const logs = readLogs(raw["logs"]);
  if (type === null || outcome === null || gasUsed === null || bloom === null || logs === null) {
    return null;
  }
  const items: Encodable[] = [outcome, gasUsed, fromHex(bloom), logs];
  const version = raw["depositReceiptVersion"];
  if (Number(type) === DEPOSIT_TYPE && version !== undefined && version !== null) {
    const tail = [readNumber(raw["depositNonce"]), readNumber(version)];
    for (const item of tail) {
      if (item === null) return null;
      items.push(item);
    }
  }
  return encodeTyped(Number(type), items);
}

function readLogs(raw: unknown): readonly Encodable[] | null {
  if (!Array.isArray(raw) || raw.length > MAX_LOGS) return null;
  const logs: Encodable[] = [];
  for (const each of raw) {
    if (!isObject(each) || !Array.isArray(each["topics"])) return null;
    const address = parseAddress(each["address"]);
    const topics = each["topics"].flatMap((topic) => parseHash(topic) ?? []);
    const data = parseBytes(each["data"], { min: 0, max: MAX_DATA_BYTES });
    if (address === null || data === null) return null;
    if (topics.length > 4 || topics.length < each["topics"].length) return null;
    logs.push([fromHex(address), topics.map(fromHex), fromHex(data)]);
  }
  return logs;
}

function readHash(raw: unknown): Uint8Array | null {
  const hash = parseHash(raw);
  return hash === null ? null : fromHex(hash);
}

function readNumber(raw: unknown): Uint8Array | null {
  const value = parseQuantity(raw, 64);
  return value === null ? null : minimalBytes(value);
}

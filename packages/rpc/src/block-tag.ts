import { isObject } from "./json-rpc.ts";
import { parseQuantity, toQuantity } from "./quantity.ts";

/** A block by its number and its hash. */
export interface PinnedBlock {
  readonly number: bigint;
  readonly hash: string;
}

/** What is to stand in the place of a tag. */
export interface TagPin {
  /** The tags, in lower case. */
  readonly tags: ReadonlySet<string>;
  readonly block: PinnedBlock;
}

/** A method and its positional params. */
export interface TaggedRequest {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What became of a request's block tags. */
export type TagRewriting =
  /** No tag stands in it. */
  | { readonly kind: "untouched" }
  /** The block is named by its hash: no node can answer from another. */
  | { readonly kind: "by-hash"; readonly request: TaggedRequest }
  /** The method takes numbers only: that the node has the block at that height is to be checked. */
  | { readonly kind: "by-number"; readonly request: TaggedRequest }
  /** A tag stands where it is not known what it would mean. */
  | { readonly kind: "unknown-place" };

/** Where the block of a method stands among its params, if it may be named by its hash (EIP-1898). */
const HASH_PARAM: ReadonlyMap<string, number> = new Map([
  ["eth_call", 1],
  ["eth_createAccessList", 1],
  ["eth_estimateGas", 1],
  ["eth_getAccount", 1],
  ["eth_getBalance", 1],
  ["eth_getBlockReceipts", 0],
  ["eth_getCode", 1],
  ["eth_getProof", 2],
  ["eth_getStorageAt", 2],
  ["eth_getStorageValues", 1],
  ["eth_getTransactionCount", 1],
  ["eth_simulateV1", 1],
]);

/** The same of methods that take a number alone. */
const NUMBER_PARAM: ReadonlyMap<string, number> = new Map([
  ["eth_feeHistory", 1],
  ["trace_block", 0],
  ["trace_call", 2],
  ["trace_callMany", 1],
  ["trace_replayBlockTransactions", 0],
]);

/** Methods that name a block by its number, and their twins that do by its hash. */
const BY_HASH: ReadonlyMap<string, string> = new Map([
  ["eth_getBlockByNumber", "eth_getBlockByHash"],
  ["eth_getBlockTransactionCountByNumber", "eth_getBlockTransactionCountByHash"],
  ["eth_getHeaderByNumber", "eth_getHeaderByHash"],
  ["eth_getRawTransactionByBlockNumberAndIndex", "eth_getRawTransactionByBlockHashAndIndex"],
  ["eth_getTransactionByBlockNumberAndIndex", "eth_getTransactionByBlockHashAndIndex"],
  ["eth_getUncleByBlockNumberAndIndex", "eth_getUncleByBlockHashAndIndex"],
  ["eth_getUncleCountByBlockNumber", "eth_getUncleCountByBlockHash"],
]);

/** Methods whose one param has fromBlock and toBlock. */
const RANGES: ReadonlySet<string> = new Set(["eth_getLogs", "eth_newFilter", "trace_filter"]);

/**
 * Puts a block in the place of a tag wherever the tag is known to name a block: positional, in an
 * object of EIP-1898, at the ends of a range. By its hash where the method allows. Everything else
 * of the params stays as it is.
 */
export function rewriteTags(request: TaggedRequest, pin: TagPin): TagRewriting {
  const { method, params } = request;
  if (!mentionsTag(params, pin.tags)) return { kind: "untouched" };
  const [first, ...rest] = params;
  const twin = BY_HASH.get(method);
  if (twin !== undefined) {
    if (!isTag(first, pin.tags) || mentionsTag(rest, pin.tags)) return UNKNOWN;
    return { kind: "by-hash", request: { method: twin, params: [pin.block.hash, ...rest] } };
  }
  if (RANGES.has(method)) {
    if (rest.length > 0 || !isObject(first)) return UNKNOWN;
    return rewriteRange(method, first, pin);
  }
  const place = HASH_PARAM.get(method);
  if (place !== undefined) return rewriteHashParam(request, place, pin);
  const numberPlace = NUMBER_PARAM.get(method);
  if (numberPlace === undefined || !isTag(params[numberPlace], pin.tags)) return UNKNOWN;
  if (mentionsTag(params.toSpliced(numberPlace, 1), pin.tags)) return UNKNOWN;
  const pinned = params.with(numberPlace, toQuantity(pin.block.number));
  return { kind: "by-number", request: { method, params: pinned } };
}

const UNKNOWN: TagRewriting = { kind: "unknown-place" };

function rewriteHashParam(request: TaggedRequest, place: number, pin: TagPin): TagRewriting {
  const { method, params } = request;
  if (mentionsTag(params.toSpliced(place, 1), pin.tags)) return UNKNOWN;
  const named = params[place];
  const { hash: blockHash } = pin.block;
  if (isTag(named, pin.tags)) {
    return { kind: "by-hash", request: { method, params: params.with(place, { blockHash }) } };
  }
  if (!isObject(named)) return UNKNOWN;
  const { blockNumber, ...others } = named;
  const isAmbiguous = "blockHash" in others || mentionsTag(others, pin.tags);
  if (!isTag(blockNumber, pin.tags) || isAmbiguous) return UNKNOWN;
  const pinned = { ...others, blockHash };
  return { kind: "by-hash", request: { method, params: params.with(place, pinned) } };
}

/** A range has no hash: its ends are heights, and one block alone of logs is named by its hash. */
function rewriteRange(
  method: string,
  range: Readonly<Record<string, unknown>>,
  pin: TagPin,
): TagRewriting {
  const { fromBlock, toBlock, ...rest } = range;
  if (mentionsTag(rest, pin.tags) || "blockHash" in rest) return UNKNOWN;
  const isFrom = isTag(fromBlock, pin.tags);
  const isTo = isTag(toBlock, pin.tags);
  // An end that is a block of now would never come to what becomes final after it.
  if (isTo && method === "eth_newFilter") return UNKNOWN;
  if (isFrom && isTo && method === "eth_getLogs") {
    const pinned = { ...rest, blockHash: pin.block.hash };
    return { kind: "by-hash", request: { method, params: [pinned] } };
  }
  // What else is not text here is not understood, and a tag within it neither.
  if ((!isFrom && mentionsTag(fromBlock, pin.tags)) || (!isTo && mentionsTag(toBlock, pin.tags))) {
    return UNKNOWN;
  }
  const height = toQuantity(pin.block.number);
  const pinned = {
    ...range,
    ...(isFrom && { fromBlock: height }),
    ...(isTo && { toBlock: height }),
  };
  return { kind: "by-number", request: { method, params: [pinned] } };
}

/** Whether a value is one of the tags; a node that does not mind the case must not see one either. */
export function isTag(value: unknown, tags: ReadonlySet<string>): value is string {
  return typeof value === "string" && value.length < 16 && tags.has(value.toLowerCase());
}

/** Whether a tag stands anywhere within parsed JSON, so that none passes unseen. */
export function mentionsTag(value: unknown, tags: ReadonlySet<string>): boolean {
  // No recursion: who asks decides how deep it goes.
  const left: unknown[] = [value];
  for (let each = left.pop(); left.length > 0 || each !== undefined; each = left.pop()) {
    if (isTag(each, tags)) return true;
    if (Array.isArray(each)) for (const item of each) left.push(item);
    else if (isObject(each)) for (const item of Object.values(each)) left.push(item);
  }
  return false;
}

/**
 * Whether a result can be one up to the block that a request was pinned to: a range of logs that
 * ends with it has none beyond. What other requests result in says nothing of it.
 */
export function isUpToBlock(
  result: unknown,
  { method, params }: TaggedRequest,
  block: PinnedBlock,
): boolean {
  const [range] = params;
  const isLogs = method === "eth_getLogs" && isObject(range);
  const isAsked = isLogs && range["toBlock"] === toQuantity(block.number);
  return !isAsked || areLogsUpTo(result, block);
}

/** Whether these are logs, none above the block, and those at its height of it. */
export function areLogsUpTo(logs: unknown, block: PinnedBlock): boolean {
  if (!Array.isArray(logs)) return false;
  return logs.every((log: unknown) => {
    if (!isObject(log)) return false;
    const number = parseQuantity(log["blockNumber"]);
    if (number === null || number > block.number) return false;
    return number < block.number || log["blockHash"] === block.hash;
  });
}

import type { FastFinalHead } from "./answers.ts";
import type { MachClient } from "./client.ts";
import { SdkError } from "./errors.ts";
import type { Policy } from "./policy.ts";

/** An EIP-1193 request. */
export interface RpcRequest {
  readonly method: string;
  readonly params?: readonly unknown[] | object | undefined;
}

/** What sends a request to the rollup's own RPC. */
export type SendRequest = (request: RpcRequest) => Promise<unknown>;

export interface FinalizedTagOptions {
  readonly mach: Pick<MachClient, "getFinality">;
  readonly rollupId: bigint;
  /** With no `maxAgeMs` of its own a head older than two minutes is an error, not an old answer. */
  readonly policy?: Policy;
  /** For how long a verified head is used again, milliseconds; 250 if not given. */
  readonly headMs?: number;
}

const DEFAULT_MAX_AGE_MS = 120_000;
const DEFAULT_HEAD_MS = 250;
const TAG = "finalized";

/** Where the block of a method stands among its params, if it may be named by its hash. */
const BLOCK_PARAM: Readonly<Record<string, number>> = {
  eth_call: 1,
  eth_createAccessList: 1,
  eth_estimateGas: 1,
  eth_getBalance: 1,
  eth_getBlockReceipts: 0,
  eth_getCode: 1,
  eth_getProof: 2,
  eth_getStorageAt: 2,
  eth_getTransactionCount: 1,
};

/** Methods that name a block by its number, and their twins that do by its hash. */
const BY_HASH: Readonly<Record<string, string>> = {
  eth_getBlockByNumber: "eth_getBlockByHash",
  eth_getBlockTransactionCountByNumber: "eth_getBlockTransactionCountByHash",
  eth_getTransactionByBlockNumberAndIndex: "eth_getTransactionByBlockHashAndIndex",
};

const FILTERS: ReadonlySet<string> = new Set(["eth_getLogs", "eth_newFilter"]);

/**
 * Sends requests whose tag `finalized` means the verified fast-final block, pinned by its hash so
 * that the RPC cannot answer from another. Every other request passes as it is. Rejects with an
 * `SdkError`: `no-final-block` where no head meets the policy, `block-mismatch` where the RPC's
 * block is another, `unverifiable-request` where the tag stands in a method that is not known.
 */
export function createFinalizedTag(send: SendRequest, options: FinalizedTagOptions): SendRequest {
  const { mach, rollupId, headMs = DEFAULT_HEAD_MS } = options;
  const policy = { maxAgeMs: DEFAULT_MAX_AGE_MS, ...options.policy };
  let kept: { readonly head: Promise<FastFinalHead>; readonly at: number } | null = null;

  async function readHead(): Promise<FastFinalHead> {
    const answer = await mach.getFinality({ rollupId, policy });
    if (answer.status === "fast-final") return answer;
    const reason = answer.code;
    throw new SdkError("no-final-block", `no block is fast-final: ${reason}`, { reason });
  }

  function headNow(): Promise<FastFinalHead> {
    const now = performance.now();
    if (kept !== null && now - kept.at < headMs) return kept.head;
    const entry = { head: readHead(), at: now };
    kept = entry;
    // A failure is not kept: the next request asks again.
    entry.head.catch(() => {
      if (kept === entry) kept = null;
    });
    return entry.head;
  }

  async function checkChain(block: FastFinalHead["block"]): Promise<void> {
    const height = `0x${block.blockNumber.toString(16)}`;
    const own = await send({ method: "eth_getBlockByNumber", params: [height, false] });
    if (own === null) throw mismatch();
    checkBlock(own, block);
  }

  return async (request) => {
    const { method, params } = request;
    if (!mentionsTag(params)) return await send(request);
    if (!Array.isArray(params)) throw unknownPlace(method);
    const { block } = await headNow();
    const rewritten = rewrite({ method, params }, block);
    // A range is named by numbers: the RPC must be on the certified chain, and that far.
    if (isRange(rewritten)) await checkChain(block);
    const result = await send(rewritten);
    if (method === "eth_getBlockByNumber") checkBlock(result, block);
    return result;
  };
}

function rewrite(
  request: { readonly method: string; readonly params: readonly unknown[] },
  block: FastFinalHead["block"],
): RpcRequest {
  const { method, params } = request;
  const { blockHash } = block;
  const twin = BY_HASH[method];
  if (twin !== undefined && params[0] === TAG && !mentionsTag(params.slice(1))) {
    return { method: twin, params: [blockHash, ...params.slice(1)] };
  }
  if (FILTERS.has(method) && params.length === 1 && isRecord(params[0])) {
    return { method, params: [rewriteFilter(params[0], block)] };
  }
  const place = BLOCK_PARAM[method];
  const others = params.filter((_, index) => index !== place);
  if (place === undefined || params[place] !== TAG || mentionsTag(others)) {
    throw unknownPlace(method);
  }
  return { method, params: params.with(place, { blockHash }) };
}

/** A range has no hash: its end is the verified height, and one block alone is named by its hash. */
function rewriteFilter(
  filter: Readonly<Record<string, unknown>>,
  block: FastFinalHead["block"],
): Readonly<Record<string, unknown>> {
  const { fromBlock, toBlock, ...rest } = filter;
  if (mentionsTag(rest)) throw unknownPlace("a filter");
  const height = `0x${block.blockNumber.toString(16)}`;
  if (fromBlock === TAG && toBlock === TAG) return { ...rest, blockHash: block.blockHash };
  const at = (tag: unknown): unknown => (tag === TAG ? height : tag);
  return { ...filter, fromBlock: at(fromBlock), toBlock: at(toBlock) };
}

function checkBlock(result: unknown, block: FastFinalHead["block"]): void {
  // An RPC that lags has no such block yet: null, as for any block that it does not know.
  if (result === null) return;
  const isSame =
    isRecord(result) &&
    result["hash"] === block.blockHash &&
    result["number"] === `0x${block.blockNumber.toString(16)}`;
  if (!isSame) throw mismatch();
}

function isRange({ method, params }: RpcRequest): boolean {
  const [filter] = Array.isArray(params) ? params : [];
  return FILTERS.has(method) && isRecord(filter) && filter["blockHash"] === undefined;
}

function mismatch(): SdkError {
  return new SdkError("block-mismatch", "the RPC does not have the certified block");
}

function unknownPlace(method: string): SdkError {
  return new SdkError(
    "unverifiable-request",
    `${method}: the tag finalized cannot be verified here`,
  );
}

/** Whether the tag stands anywhere within, so that none passes unseen. */
function mentionsTag(value: unknown): boolean {
  if (value === TAG) return true;
  if (Array.isArray(value)) return value.some(mentionsTag);
  return isRecord(value) && Object.values(value).some(mentionsTag);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

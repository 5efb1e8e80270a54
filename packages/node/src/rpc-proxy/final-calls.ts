import {
  areLogsUpTo,
  isObject,
  isUpToBlock,
  rewriteTags,
  type TaggedRequest,
  toQuantity,
} from "@mach/rpc";
import { type CallAnswer, fault, type RpcFault } from "./errors.ts";
import type { FinalHead } from "./final-head.ts";
import type { Passed, UpstreamPool } from "./upstream-pool.ts";

/** The methods whose result is the block, or its header, so that its hash can be computed. */
const IS_BLOCK: ReadonlySet<string> = new Set(["eth_getBlockByHash", "eth_getHeaderByHash"]);
/** The methods whose result says itself which block it is of. */
const NAMES_ITS_BLOCK: ReadonlySet<string> = new Set([
  "eth_getBlockReceipts",
  "eth_getLogs",
  "eth_getTransactionByBlockHashAndIndex",
]);

/** A call in whose params a tag stands, answered from the head and from no other block. */
export async function callFinal(
  pool: UpstreamPool,
  head: FinalHead,
  call: {
    readonly method: string;
    readonly params: readonly unknown[];
    readonly tags: ReadonlySet<string>;
  },
): Promise<CallAnswer | RpcFault> {
  const { method, params, tags } = call;
  const rewriting = rewriteTags({ method, params }, { tags, block: head });
  switch (rewriting.kind) {
    case "untouched":
    case "unknown-place":
      return fault("unsupported-tag", { method });
    case "by-hash": {
      const { request } = rewriting;
      if (IS_BLOCK.has(request.method)) return await readHead(pool, head, request);
      const isNamed = NAMES_ITS_BLOCK.has(request.method);
      const passed = await pool.passAbout(head, {
        ...asTexts(request),
        by: "hash",
        isSound: (value) => !isNamed || isOfBlock(value, head),
      });
      return answerOf(passed);
    }
    case "by-number": {
      const { request } = rewriting;
      const isSound = (value: unknown): boolean => isUpToBlock(value, request, head);
      return answerOf(await pool.passAbout(head, { ...asTexts(request), by: "number", isSound }));
    }
  }
}

/** The logs of a range that ends with the head. `filter` has an address and topics alone. */
export async function readFinalLogs(
  pool: UpstreamPool,
  head: FinalHead,
  range: { readonly filter: Readonly<Record<string, unknown>>; readonly from: bigint },
): Promise<Passed> {
  const { filter, from } = range;
  const isOne = from === head.number;
  const ends = { fromBlock: toQuantity(from), toBlock: toQuantity(head.number) };
  const params = [{ ...filter, ...(isOne ? { blockHash: head.hash } : ends) }];
  return await pool.passAbout(head, {
    ...asTexts({ method: "eth_getLogs", params }),
    by: isOne ? "hash" : "number",
    isSound: (value) => areLogsUpTo(value, head),
  });
}

/** The block goes out as it was checked: of a name that stood there twice only what counted. */
async function readHead(
  pool: UpstreamPool,
  head: FinalHead,
  request: TaggedRequest,
): Promise<CallAnswer | RpcFault> {
  const { method, params } = request;
  const [, isFull = false] = params;
  if (params.length > 2 || typeof isFull !== "boolean") return fault("invalid-params");
  const whole = method === "eth_getBlockByHash" ? [head.hash, isFull] : params;
  const read = await pool.readBlock(head, asTexts({ method, params: whole }));
  return read.ok ? { ok: true, text: JSON.stringify(read.block) } : read;
}

function answerOf(passed: Passed): CallAnswer | RpcFault {
  return passed.ok ? passed.answer : passed;
}

function asTexts(request: TaggedRequest): {
  readonly method: string;
  readonly params: string;
} {
  return { method: request.method, params: JSON.stringify(request.params) };
}

/** Whether all that a result says of blocks is that they are this one. */
function isOfBlock(value: unknown, head: FinalHead): boolean {
  const items = Array.isArray(value) ? value : [value];
  return items.every(
    (each) => each === null || (isObject(each) && each["blockHash"] === head.hash),
  );
}

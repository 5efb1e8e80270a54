import { isObject, isTag, mentionsTag, parseQuantity } from "@mach/rpc";
import { fault, type RpcFault } from "./errors.ts";
import type { FinalHead } from "./final-head.ts";

/** Logs that are wanted as their blocks become fast-final. */
export interface FinalLogs {
  readonly ok: true;
  /** Address and topics, as they were given. */
  readonly filter: Readonly<Record<string, unknown>>;
  /** The first block that is of interest. */
  readonly from: bigint;
}

/** It is kept for as long as its reader stays: a thousand addresses fit. */
const MAX_FILTER_LENGTH = 65_536;

/** Whether a filter ends with the newest fast-final block, whichever that is by then. */
export function endsWithFinal(filter: unknown, tags: ReadonlySet<string>): boolean {
  return isObject(filter) && isTag(filter["toBlock"], tags);
}

/** Reads a filter that ends so; without a first block it begins after the head of now. */
export function readFinalFilter(
  filter: unknown,
  context: { readonly tags: ReadonlySet<string>; readonly head: FinalHead },
): FinalLogs | RpcFault {
  if (!isObject(filter)) return fault("invalid-params");
  const { fromBlock, toBlock: _, ...rest } = filter;
  if (mentionsTag(rest, context.tags)) return fault("unsupported-tag");
  const isLong = JSON.stringify(rest).length > MAX_FILTER_LENGTH;
  if ("blockHash" in rest || isLong) return fault("invalid-params");
  const from = firstBlockOf(fromBlock, context);
  return from === null ? fault("invalid-params") : { ok: true, filter: rest, from };
}

function firstBlockOf(
  fromBlock: unknown,
  { tags, head }: { readonly tags: ReadonlySet<string>; readonly head: FinalHead },
): bigint | null {
  if (fromBlock === undefined || fromBlock === null || fromBlock === "latest") {
    return head.number + 1n;
  }
  if (isTag(fromBlock, tags)) return head.number;
  return fromBlock === "earliest" ? 0n : parseQuantity(fromBlock);
}

import { performance } from "node:perf_hooks";
import type { Hex } from "@mach/core";
import type { CheckedBlock } from "@mach/rollups";
import {
  backoffMs,
  createRawHttpClient,
  isObject,
  type RawRpcClient,
  type RawRpcResult,
  toQuantity,
} from "@mach/rpc";

/** Recomputes the hash of a block as `eth_getBlockBy*` gives it. Never rejects. */
export type CheckBlock = (rawBlock: unknown) => Promise<
  | { readonly ok: true; readonly block: Pick<CheckedBlock, "blockNumber" | "blockHash"> }
  /** It is no block of the rollup's stack; or that stack is not known here now. */
  | { readonly ok: false; readonly code: "invalid" | "unavailable" }
>;

/** A certified block. */
export interface CertifiedBlock {
  readonly number: bigint;
  readonly hash: Hex;
}

/** How a node stands to a certified block. */
export type Possession = "has" | "missing" | "mismatch" | "failed";

export interface Upstream {
  /** All of its URL that may be shown: the rest may be a key. */
  readonly host: string;
  call(method: string, params: string | undefined): Promise<RawRpcResult>;
  /** Whether it failed just now, so that others should be asked first. */
  isResting(): boolean;
  /** Whether it has the block under its hash, remembered; its header is hashed. */
  knows(block: CertifiedBlock): Promise<Possession>;
  /** Whether it has the block at its height now; its header is hashed. */
  holds(block: CertifiedBlock): Promise<Possession>;
  close(): Promise<void>;
}

export interface UpstreamOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly maxInFlight: number;
}

const RESTS = { minBackoffMs: 250, maxBackoffMs: 10_000 };
/** Heads follow each other; a few of them are asked for at once. */
const MAX_REMEMBERED = 16;

/** One node that calls are passed on to. */
export function createUpstream(
  dependencies: { readonly checkBlock: CheckBlock },
  options: UpstreamOptions,
): Upstream {
  const client: RawRpcClient = createRawHttpClient(options);
  const known = new Map<Hex, Promise<Possession>>();
  let failures = 0;
  let restsUntil = 0;

  function note(result: RawRpcResult): void {
    if (result.ok || result.code === "rpc-error") {
      failures = 0;
      restsUntil = 0;
    } else if (result.code !== "busy" && result.code !== "too-large") {
      restsUntil = performance.now() + backoffMs(failures++, RESTS);
    }
  }

  async function call(method: string, params: string | undefined): Promise<RawRpcResult> {
    const result = await client.call(method, params);
    // A kept connection that the other side had closed says nothing of it.
    const isStale = !result.ok && result.staleConnection === true;
    const answer = isStale ? await client.call(method, params) : result;
    note(answer);
    return answer;
  }

  async function possessionOf(
    block: CertifiedBlock,
    question: readonly [method: string, param: string],
  ): Promise<Possession> {
    const [method, param] = question;
    const result = await call(method, JSON.stringify([param, false]));
    // Some nodes have no null for what they do not know, but an error.
    if (!result.ok) return result.code === "rpc-error" ? "missing" : "failed";
    return await judgeBlock(dependencies.checkBlock, result.value, block);
  }

  return {
    host: new URL(options.url).host,
    call,
    isResting: () => performance.now() < restsUntil,
    knows(block) {
      const asked = known.get(block.hash);
      if (asked !== undefined) return asked;
      const answer = possessionOf(block, ["eth_getBlockByHash", block.hash]);
      known.set(block.hash, answer);
      const [oldest] = known.keys();
      if (known.size > MAX_REMEMBERED && oldest !== undefined) known.delete(oldest);
      // Only a yes stays true.
      void answer.then((possession) => {
        if (possession !== "has" && known.get(block.hash) === answer) known.delete(block.hash);
      });
      return answer;
    },
    holds: (block) => possessionOf(block, ["eth_getBlockByNumber", toQuantity(block.number)]),
    close: () => client.close(),
  };
}

/** Whether what a node gave is the certified block, by the hash of its own header. */
export async function judgeBlock(
  checkBlock: CheckBlock,
  given: unknown,
  block: CertifiedBlock,
): Promise<Possession> {
  if (given === null) return "missing";
  if (hasTwins(given)) return "mismatch";
  const checked = await checkBlock(given);
  if (!checked.ok) return checked.code === "invalid" ? "mismatch" : "failed";
  const { blockHash, blockNumber } = checked.block;
  const isIt = blockHash === block.hash && blockNumber === block.number;
  return isIt ? "has" : "mismatch";
}

/** Names that differ by their case alone: Go's parser takes the last, not the one that was hashed. */
function hasTwins(given: unknown): boolean {
  if (!isObject(given)) return false;
  const names = Object.keys(given);
  return new Set(names.map((name) => name.toLowerCase())).size < names.length;
}

import { isUpToBlock, mentionsTag, rewriteTags } from "@mach/rpc/block-tag";
import type { FastFinalHead } from "./answers.ts";
import type { MachClient } from "./client.ts";
import { SdkError } from "./errors.ts";
import { type Policy, resolvePolicy } from "./policy.ts";

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
const TAGS: ReadonlySet<string> = new Set(["finalized"]);

/**
 * Sends requests whose tag `finalized` means the verified fast-final block, pinned by its hash so
 * that the RPC cannot answer from another. Every other request passes as it is. Rejects with an
 * `SdkError`: `no-final-block` where no head meets the policy, `block-mismatch` where the RPC's
 * block is another, `unverifiable-request` where the tag stands in a method that is not known.
 * Throws an `SdkError` `bad-option` for a policy that no head could be held to.
 */
export function createFinalizedTag(send: SendRequest, options: FinalizedTagOptions): SendRequest {
  const { mach, rollupId, headMs = DEFAULT_HEAD_MS } = options;
  const policy = { maxAgeMs: DEFAULT_MAX_AGE_MS, ...options.policy };
  // Now, and not where nobody waits for an error: a subscription that fails would end the process.
  resolvePolicy(policy);
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
    if (!mentionsTag(params, TAGS)) return await send(request);
    if (!Array.isArray(params)) throw unknownPlace(method);
    const { block } = await headNow();
    const pin = { tags: TAGS, block: { number: block.blockNumber, hash: block.blockHash } };
    const rewriting = rewriteTags({ method, params }, pin);
    switch (rewriting.kind) {
      case "untouched":
        return await send(request);
      case "unknown-place":
        throw unknownPlace(method);
      case "by-number": {
        // Named by its number: the RPC must be on the certified chain, and that far.
        await checkChain(block);
        const result = await send(rewriting.request);
        // One that left it meanwhile has answered from another.
        await checkChain(block);
        if (!isUpToBlock(result, rewriting.request, pin.block)) throw mismatch();
        return result;
      }
      case "by-hash": {
        const result = await send(rewriting.request);
        if (method === "eth_getBlockByNumber") checkBlock(result, block);
        return result;
      }
    }
  };
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

function mismatch(): SdkError {
  return new SdkError("block-mismatch", "the RPC does not have the certified block");
}

function unknownPlace(method: string): SdkError {
  return new SdkError(
    "unverifiable-request",
    `${method}: the tag finalized cannot be verified here`,
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import type { RpcFailureCode, RpcResult } from "@mach/rpc";
import type { SourceFailureCode } from "./agreement.ts";
import type { NodeCall, NodeFailure } from "./stack.ts";

/** One JSON-RPC call as a client makes it. */
export type AskRpc = (method: string, params: readonly unknown[]) => Promise<RpcResult>;

/** What an adapter calls, and why the last call failed: more than the adapter is told. */
export interface NodeCalls {
  readonly call: NodeCall;
  lastFailure(): RpcFailureCode | null;
}

/** Calls to one node for an adapter. */
export function createNodeCalls(ask: AskRpc): NodeCalls {
  let failed: RpcFailureCode | null = null;
  return {
    lastFailure: () => failed,
    async call(method, params) {
      const result = await ask(method, params);
      if (result.ok) return { ok: true, value: result.value };
      failed = result.code;
      if (result.code !== "rpc-error") return { ok: false, code: "unavailable" };
      const { number } = result;
      return { ok: false, code: "refused", ...(number === undefined ? {} : { number }) };
    },
  };
}

/** Why a source did not tell what its adapter asked it for. */
export function explainFailure(
  { code }: NodeFailure,
  lastFailure: RpcFailureCode | null,
): SourceFailureCode {
  return code === "refused" || code === "unavailable" ? (lastFailure ?? "missing") : code;
}

import { onTestFinished } from "vitest";
import { startRpcServer } from "../../../../scripts/local-network/replay/rpc-server.ts";
import type { Script } from "../../../../scripts/local-network/replay/script.ts";
import type { NodeAnswer, NodeCall } from "../../src/stack.ts";

export type { Script };

const METHOD_NOT_FOUND = -32_601;

/** A node that answers as it is told, in memory. */
export function scriptedCall(script: Script): NodeCall & { readonly calls: string[] } {
  const calls: string[] = [];
  const call = (method: string, params: readonly unknown[]): Promise<NodeAnswer> => {
    calls.push(method);
    const value = script[method]?.(params);
    return Promise.resolve(
      value === undefined
        ? { ok: false, code: "refused", number: METHOD_NOT_FOUND }
        : { ok: true, value },
    );
  };
  return Object.assign(call, { calls });
}

/** The same behind HTTP; ends with the test. */
export async function startScriptedNode(script: Script): Promise<{ readonly url: string }> {
  const server = await startRpcServer(script);
  onTestFinished(() => server.close());
  return { url: `http://127.0.0.1:${server.port}` };
}

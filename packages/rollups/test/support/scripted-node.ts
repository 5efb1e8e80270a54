import { once } from "node:events";
import http from "node:http";
import { onTestFinished } from "vitest";
import type { NodeAnswer, NodeCall } from "../../src/stack.ts";

/** What a node answers to a method; undefined is an error of the number -32601. */
export type Script = Readonly<Record<string, (params: readonly unknown[]) => unknown>>;

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
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as {
      id: number;
      method: string;
      params: unknown[];
    };
    const result = script[method]?.(params);
    const error = { code: METHOD_NOT_FOUND, message: "unknown" };
    response.end(
      JSON.stringify({ jsonrpc: "2.0", id, ...(result === undefined ? { error } : { result }) }),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}` };
}

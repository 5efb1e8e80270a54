import http from "node:http";
import https from "node:https";
import { urlToHttpOptions } from "node:url";
import {
  parseJson,
  parseResponse,
  type RpcClient,
  type RpcClientOptions,
  type RpcFailure,
  type RpcResult,
  requestText,
} from "./json-rpc.ts";

const HEADERS = {
  "content-type": "application/json",
  // What is compressed could be far larger than the bytes that are counted.
  "accept-encoding": "identity",
};

/**
 * JSON-RPC over HTTP with kept-alive connections. It has an agent of its own, where the global
 * fetch has none that can be closed: `close` leaves no socket behind. Redirects are not followed.
 * Throws where `url` is no http or https URL.
 */
export function createHttpClient(options: RpcClientOptions): RpcClient {
  const url = new URL(options.url);
  if (!/^https?:$/.test(url.protocol)) throw new RangeError("an http or https URL is needed");
  const target = urlToHttpOptions(url);
  const transport = url.protocol === "https:" ? https : http;
  const agent = new transport.Agent({ keepAlive: true, maxSockets: options.maxInFlight });
  const open = new Set<(failure: RpcFailure) => void>();
  let nextId = 1;
  let closed = false;

  return {
    call(method, params) {
      if (closed) return Promise.resolve({ ok: false, code: "stopped" });
      if (open.size >= options.maxInFlight) return Promise.resolve({ ok: false, code: "busy" });
      const id = nextId++;
      const text = requestText(id, method, params);
      return new Promise((resolve) => {
        const settle = (result: RpcResult): void => {
          if (!open.delete(settle)) return;
          clearTimeout(timer);
          // A request that failed half-way must not return its socket to the agent.
          if (!result.ok && result.code !== "rpc-error") request.destroy();
          resolve(result);
        };
        open.add(settle);
        const timer = setTimeout(() => settle({ ok: false, code: "timeout" }), options.timeoutMs);
        const request = transport.request({ ...target, method: "POST", agent, headers: HEADERS });
        request.on("response", (response) => {
          void readBody(response, options.maxResponseBytes).then((body) => {
            const result = typeof body === "string" ? parseResponse(parseJson(body), id) : body;
            const isNew = result.ok && !request.reusedSocket;
            settle(isNew ? { ...result, newConnection: true } : result);
          });
        });
        request.on("error", () => {
          const failure: RpcFailure = { ok: false, code: "unreachable" };
          settle(request.reusedSocket ? { ...failure, staleConnection: true } : failure);
        });
        request.end(text);
      });
    },

    close() {
      closed = true;
      for (const settle of [...open]) settle({ ok: false, code: "stopped" });
      agent.destroy();
      return Promise.resolve();
    },
  };
}

function readBody(response: http.IncomingMessage, maxBytes: number): Promise<string | RpcFailure> {
  return new Promise((resolve) => {
    const status = response.statusCode ?? 0;
    if (status !== 200) resolve({ ok: false, code: "http-status", number: status });
    if (Number(response.headers["content-length"] ?? 0) > maxBytes) {
      resolve({ ok: false, code: "too-large" });
    }
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) resolve({ ok: false, code: "too-large" });
      else chunks.push(chunk);
    });
    response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    response.on("error", () => resolve({ ok: false, code: "unreachable" }));
  });
}

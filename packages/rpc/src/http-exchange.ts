import http from "node:http";
import https from "node:https";
import { urlToHttpOptions } from "node:url";
import type { RpcClientOptions, RpcFailure, RpcFailureCode } from "./json-rpc.ts";

/** POSTs JSON texts to one URL. */
export interface HttpExchange {
  /**
   * Never rejects; throws what `ask` throws, which gives the text once it is clear that it will be
   * sent. `read` makes a result of the whole text of an answer with status 200.
   */
  post<Result extends { readonly ok: true } | RpcFailure>(
    ask: () => string,
    read: (text: string, isNewConnection: boolean) => Result,
  ): Promise<Result | RpcFailure>;
  /** Fails the open exchanges and closes every socket. */
  close(): Promise<void>;
}

const HEADERS = {
  "content-type": "application/json",
  // What is compressed could be far larger than the bytes that are counted.
  "accept-encoding": "identity",
};

/**
 * Exchanges over kept-alive connections. It has an agent of its own, where the global fetch has none
 * that can be closed: `close` leaves no socket behind. Redirects are not followed. Throws where
 * `url` is no http or https URL.
 */
export function createHttpExchange(options: RpcClientOptions): HttpExchange {
  const url = new URL(options.url);
  if (!/^https?:$/.test(url.protocol)) throw new RangeError("an http or https URL is needed");
  const target = urlToHttpOptions(url);
  const transport = url.protocol === "https:" ? https : http;
  const agent = new transport.Agent({ keepAlive: true, maxSockets: options.maxInFlight });
  const open = new Set<(failure: RpcFailure) => void>();
  let closed = false;

  return {
    post<Result extends { readonly ok: true } | RpcFailure>(
      ask: () => string,
      read: (text: string, isNewConnection: boolean) => Result,
    ): Promise<Result | RpcFailure> {
      if (closed) return Promise.resolve(failure("stopped"));
      if (open.size >= options.maxInFlight) return Promise.resolve(failure("busy"));
      const text = ask();
      return new Promise((resolve) => {
        const settle = (result: Result | RpcFailure): void => {
          if (!open.delete(settle)) return;
          clearTimeout(timer);
          // A request that failed half-way must not return its socket to the agent.
          if (!result.ok && result.code !== "rpc-error") request.destroy();
          resolve(result);
        };
        open.add(settle);
        const timer = setTimeout(() => settle(failure("timeout")), options.timeoutMs);
        const request = transport.request({ ...target, method: "POST", agent, headers: HEADERS });
        request.on("response", (response) => {
          void readBody(response, options.maxResponseBytes).then((body) => {
            settle(typeof body === "string" ? read(body, !request.reusedSocket) : body);
          });
        });
        request.on("error", () => {
          const broken = failure("unreachable");
          settle(request.reusedSocket ? { ...broken, staleConnection: true } : broken);
        });
        request.end(text);
      });
    },

    close() {
      closed = true;
      for (const settle of [...open]) settle(failure("stopped"));
      agent.destroy();
      return Promise.resolve();
    },
  };
}

function failure(code: RpcFailureCode): RpcFailure {
  return { ok: false, code };
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

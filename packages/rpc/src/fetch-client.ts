import {
  parseJson,
  parseResponse,
  type RpcClient,
  type RpcClientOptions,
  type RpcFailure,
  type RpcResult,
  requestText,
} from "./json-rpc.ts";

/** What a page has to fetch with. */
export type Fetch = typeof globalThis.fetch;

/**
 * JSON-RPC over `fetch`, for browsers: the page's own connections, without credentials. Redirects
 * are not followed. Throws where `url` is no http or https URL.
 */
export function createFetchClient(
  options: RpcClientOptions & { readonly fetch?: Fetch },
): RpcClient {
  const { timeoutMs, maxResponseBytes, maxInFlight, fetch = globalThis.fetch } = options;
  const url = new URL(options.url);
  if (!/^https?:$/.test(url.protocol)) throw new RangeError("an http or https URL is needed");
  const stop = new AbortController();
  let nextId = 1;
  let inFlight = 0;

  async function ask(id: number, body: string): Promise<RpcResult> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        redirect: "error",
        credentials: "omit",
        signal: AbortSignal.any([stop.signal, timeout]),
      });
      if (response.status !== 200) {
        await response.body?.cancel();
        return { ok: false, code: "http-status", number: response.status };
      }
      const text = await readText(response, maxResponseBytes);
      if (text === null) return { ok: false, code: "too-large" };
      return parseResponse(parseJson(text), id);
    } catch {
      // fetch has one way to fail; which of the signals ended it, the signals say.
      return failureOf(stop.signal, timeout);
    }
  }

  return {
    async call(method, params) {
      if (stop.signal.aborted) return { ok: false, code: "stopped" };
      if (inFlight >= maxInFlight) return { ok: false, code: "busy" };
      const id = nextId++;
      const body = requestText(id, method, params);
      inFlight += 1;
      try {
        return await ask(id, body);
      } finally {
        inFlight -= 1;
      }
    },
    close() {
      stop.abort();
      return Promise.resolve();
    },
  };
}

function failureOf(stopped: AbortSignal, timeout: AbortSignal): RpcFailure {
  if (stopped.aborted) return { ok: false, code: "stopped" };
  return { ok: false, code: timeout.aborted ? "timeout" : "unreachable" };
}

async function readText(response: Response, maxBytes: number): Promise<string | null> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel();
      return null;
    }
    text += decoder.decode(value, { stream: true });
  }
}

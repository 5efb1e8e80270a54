/** One JSON-RPC endpoint over HTTP. `call` never throws. */
export interface RpcClient {
  readonly url: string;
  call(method: string, params: readonly unknown[]): Promise<RpcAnswer>;
}

export type RpcAnswer =
  | { readonly ok: true; readonly result: unknown }
  /** `unreachable`: no whole answer in time; `refused`: an RPC error; `malformed`: no JSON-RPC. */
  | { readonly ok: false; readonly code: "unreachable" | "refused" | "malformed" };

export interface RpcClientOptions {
  readonly url: string;
  /** For the whole call, the body included. */
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
}

/** A client that asks once: no retries, no redirects, no body beyond `maxResponseBytes`. */
export function createRpcClient(options: RpcClientOptions): RpcClient {
  let nextId = 1;
  return {
    url: options.url,
    async call(method, params) {
      const id = nextId++;
      let text: string;
      try {
        const response = await fetch(options.url, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ jsonrpc: "2.0", id, method, params }),
          redirect: "error",
          signal: AbortSignal.timeout(options.timeoutMs),
        });
        text = await readBounded(response, options.maxResponseBytes);
      } catch {
        // Refused, reset, timed out or too large: to the caller they are one, no answer.
        return { ok: false, code: "unreachable" };
      }
      return parseAnswer(text, id);
    },
  };
}

async function readBounded(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.byteLength;
    if (length > maxBytes) throw new RangeError("response too large");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseAnswer(text: string, id: number): RpcAnswer {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // A proxy's error page, or half an answer.
    return { ok: false, code: "malformed" };
  }
  if (!isRecord(answer) || answer["id"] !== id) return { ok: false, code: "malformed" };
  if (answer["error"] !== undefined && answer["error"] !== null) {
    return { ok: false, code: "refused" };
  }
  if (!("result" in answer)) return { ok: false, code: "malformed" };
  return { ok: true, result: answer["result"] };
}

/** Whether a parsed JSON value is an object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Why a JSON-RPC call gave no result. */
export type RpcFailureCode =
  /** No whole answer within timeoutMs. */
  | "timeout"
  /** No connection, or it broke. */
  | "unreachable"
  /** An HTTP status other than 200. */
  | "http-status"
  /** More than maxResponseBytes. */
  | "too-large"
  /** No JSON-RPC 2.0 response to this request. */
  | "malformed"
  /** The node answered with an error. */
  | "rpc-error"
  /** maxInFlight calls are open already. */
  | "busy"
  /** The client was closed. */
  | "stopped";

export interface RpcFailure {
  readonly ok: false;
  readonly code: RpcFailureCode;
  /** The HTTP status or the node's error number, where there is one. */
  readonly number?: number;
  /** The connection had served before and was gone: nothing says that the node is. */
  readonly staleConnection?: true;
}

export type RpcResult =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** First answer on a connection that was not there before: what is behind it may differ. */
      readonly newConnection?: true;
    }
  | RpcFailure;

export interface RpcClient {
  /** One call. Never rejects; throws a TypeError for params that JSON cannot hold. */
  call(method: string, params: readonly unknown[]): Promise<RpcResult>;
  /** Fails the open calls and closes every socket. */
  close(): Promise<void>;
}

export interface RpcClientOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly maxInFlight: number;
}

/** Whether a parsed JSON value is an object, and no array or null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text of a JSON-RPC 2.0 request. */
export function requestText(id: number, method: string, params: readonly unknown[]): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

/** Parses a text as JSON; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON, or nested beyond the stack: to the caller both are the same garbage.
    return undefined;
  }
}

/** The result in a JSON-RPC 2.0 response to the request `id`. The node's words are dropped. */
export function parseResponse(response: unknown, id: number): RpcResult {
  if (!isObject(response) || response["jsonrpc"] !== "2.0" || response["id"] !== id) {
    return { ok: false, code: "malformed" };
  }
  const { error, result } = response;
  if (error === undefined || error === null) {
    return result === undefined ? { ok: false, code: "malformed" } : { ok: true, value: result };
  }
  if (!isObject(error) || !Number.isSafeInteger(error["code"])) {
    return { ok: false, code: "malformed" };
  }
  return { ok: false, code: "rpc-error", number: Number(error["code"]) };
}

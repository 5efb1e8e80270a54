import { endOfString, memberTexts } from "./raw-json.ts";

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
  /** More over a WebSocket that was not asked for than a node sends. */
  | "flood"
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

export type RawRpcResult =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** The result as the node wrote it. */
      readonly text: string;
    }
  | (RpcFailure & {
      /** The node's error object as it wrote it, where the code is `rpc-error`. */
      readonly text?: string;
    });

/** A client that takes params and gives results as the JSON texts that they are. */
export interface RawRpcClient {
  /** One call. Never rejects. `params` is JSON, or undefined for none. */
  call(method: string, params: string | undefined): Promise<RawRpcResult>;
  /** Fails the open calls and closes every socket. */
  close(): Promise<void>;
}

/** Whether a parsed JSON value is an object, and no array or null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text of a JSON-RPC 2.0 request. */
export function requestText(id: number, method: string, params: readonly unknown[]): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

/** The same of params that are JSON already. */
export function rawRequestText(id: number, method: string, params: string | undefined): string {
  const tail = params === undefined ? "" : `,"params":${params}`;
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}${tail}}`;
}

/** Parses a text as JSON; undefined where it is none, or is such as no node sends. */
export function parseJson(text: string): unknown {
  if (isCostly(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: to the caller the same garbage.
    return undefined;
  }
}

/** What is shorter is parsed in a few milliseconds, whatever it is. */
const CHEAP_LENGTH = 65_536;
/** Deeper than any trace of calls, which the EVM ends at 1024. */
const MAX_DEPTH = 4_096;
/** More than the state that a block reads. */
const MAX_MEMBERS = 131_072;
/** More than the lists of a block's whole witness: lists of nothing take many times their bytes. */
const MAX_PARTS = 2_000_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Whether an answer of a bounded size takes the parser a second: four megabytes of brackets do, or
 * of names that are all different. Or much memory: a witness's bytes of empty lists would be
 * gigabytes of them.
 */
function isCostly(text: string): boolean {
  if (text.length < CHEAP_LENGTH) return false;
  let depth = 0;
  let members = 0;
  let parts = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case OPEN_BRACKET:
      case OPEN_BRACE:
        depth++;
        parts++;
        if (depth > MAX_DEPTH || parts > MAX_PARTS) return true;
        break;
      case COMMA:
        parts++;
        if (parts > MAX_PARTS) return true;
        break;
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        depth--;
        break;
      case COLON:
        members++;
        if (members > MAX_MEMBERS) return true;
        break;
      default:
        break;
    }
  }
  return false;
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

/** The same with the texts of the result, or of the node's error. */
export function parseRawResponse(text: string, id: number): RawRpcResult {
  const result = parseResponse(parseJson(text), id);
  if (!result.ok && result.code !== "rpc-error") return result;
  const part = memberTexts(text).get(result.ok ? "result" : "error");
  return part === undefined ? { ok: false, code: "malformed" } : { ...result, text: part };
}

/**
 * Why the proxy itself gives no result. The number is that of JSON-RPC 2.0 (section 5.1) or of
 * EIP-1474; the code stands in the error's `data` and is what programs should go by.
 */
export type RpcErrorCode =
  | "parse-error"
  | "invalid-request"
  | "empty-batch"
  | "batch-too-large"
  | "request-too-large"
  | "method-refused"
  | "web-socket-only"
  | "invalid-params"
  | "unsupported-tag"
  | "internal"
  | "filter-not-found"
  | "subscription-not-found"
  | "unknown-rollup"
  | "not-offered"
  | "not-yet"
  | "unknown-certificate"
  | "block-unavailable"
  | "stale"
  | "contradicted"
  | "split"
  | "block-mismatch"
  | "upstream-unavailable"
  | "timeout"
  | "unavailable"
  | "response-too-large"
  | "busy"
  | "too-many-requests"
  | "too-many-filters"
  | "too-many-subscriptions";

/** The one table of the proxy's errors: the number, and what the code means for the caller. */
export const RPC_ERRORS: {
  readonly [Code in RpcErrorCode]: readonly [number: number, meaning: string];
} = {
  "parse-error": [-32700, "The request is no JSON."],
  "invalid-request": [-32600, "The request is no JSON-RPC 2.0 request."],
  "empty-batch": [-32600, "The batch is empty."],
  "batch-too-large": [-32600, "The batch has more requests than are answered at once."],
  "request-too-large": [-32600, "The request is larger than is read."],
  "method-refused": [-32601, "This method is not offered to the public."],
  "web-socket-only": [-32601, "Subscriptions are for a WebSocket on the same path."],
  "invalid-params": [-32602, "The params have the wrong form."],
  "unsupported-tag": [-32602, "The block tag stands where it cannot be pinned to a block."],
  internal: [-32603, "The node failed to answer; its log says why."],
  "filter-not-found": [-32000, "filter not found"],
  "subscription-not-found": [-32000, "subscription not found"],
  "unknown-rollup": [-32001, "This node does not follow that rollup."],
  "not-offered": [-32001, "This node offers no RPC of that rollup."],
  "not-yet": [-32001, "No block is fast-final yet: keep polling."],
  "unknown-certificate": [-32001, "This node holds no such certificate of the rollup."],
  "block-unavailable": [-32001, "No upstream has the certified block yet: keep polling."],
  stale: [-32002, "The newest fast-final block is too old."],
  contradicted: [-32002, "Fast finality has stopped: a certificate is contradicted."],
  split: [-32002, "Fast finality has stopped: a reorg has split the operators."],
  "block-mismatch": [-32002, "The upstreams have another block than the certified one."],
  "upstream-unavailable": [-32002, "No upstream answers."],
  timeout: [-32002, "There was no answer in time."],
  unavailable: [-32002, "The node cannot answer now: it starts or stops."],
  "response-too-large": [-32005, "The answer is larger than is passed on."],
  busy: [-32005, "Too many requests are under way."],
  "too-many-requests": [-32005, "This address asks for too much: wait, and ask again."],
  "too-many-filters": [-32005, "Too many filters are kept."],
  "too-many-subscriptions": [-32005, "Too many subscriptions are open."],
};

/** A coded failure, with what a program may want to know beside the code. */
export interface RpcFault {
  readonly ok: false;
  readonly code: RpcErrorCode;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What a call comes to: JSON texts, as they go out. */
export type CallAnswer =
  | { readonly ok: true; readonly text: string }
  /** `text` is an error object. */
  | { readonly ok: false; readonly text: string };

export function fault(code: RpcErrorCode, data?: Readonly<Record<string, unknown>>): RpcFault {
  return data === undefined ? { ok: false, code } : { ok: false, code, data };
}

/** The error object of a fault, as the answer to a call. */
export function faultAnswer({ code, data }: RpcFault): CallAnswer {
  const [number, message] = RPC_ERRORS[code];
  return { ok: false, text: JSON.stringify({ code: number, message, data: { code, ...data } }) };
}

/** A JSON value as the answer to a call. */
export function resultAnswer(value: unknown): CallAnswer {
  return { ok: true, text: JSON.stringify(value) };
}

/** A response of JSON-RPC 2.0; `id` is JSON. */
export function responseText(id: string, answer: CallAnswer): string {
  const member = answer.ok ? "result" : "error";
  return `{"jsonrpc":"2.0","id":${id},"${member}":${answer.text}}`;
}

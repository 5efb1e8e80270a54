import { elementTexts, isObject, memberTexts, parseJson } from "@mach/rpc";
import { fault, type RpcErrorCode, type RpcFault } from "./errors.ts";

/** One call of a client. */
export interface IncomingCall {
  readonly ok: true;
  /** The id as it was written; null for a notification, which is not answered. */
  readonly id: string | null;
  readonly method: string;
  readonly params: readonly unknown[] | Readonly<Record<string, unknown>> | undefined;
  /** The params as they were written. */
  readonly paramsText: string | undefined;
}

/** What stands in the place of a call but is none; answered under its id where it has one. */
export interface NoCall extends RpcFault {
  readonly id: string;
}

export type Message =
  | { readonly kind: "single"; readonly call: IncomingCall | NoCall }
  | { readonly kind: "batch"; readonly calls: readonly (IncomingCall | NoCall)[] };

/** Deeper than any params; what is passed on is walked and written again by recursion. */
const MAX_DEPTH = 64;

/** Reads what a client sent, as JSON-RPC 2.0 sections 4 and 6 have it. */
export function readMessage(text: string, limits: { readonly maxBatch: number }): Message {
  const parsed = parseJson(text);
  if (parsed === undefined) return noMessage("parse-error");
  if (isDeeperThan(parsed, MAX_DEPTH)) return noMessage("invalid-request");
  if (!Array.isArray(parsed)) return { kind: "single", call: readCall(parsed, text) };
  if (parsed.length === 0) return noMessage("empty-batch");
  if (parsed.length > limits.maxBatch) {
    return noMessage("batch-too-large", { maxBatch: limits.maxBatch });
  }
  const texts = elementTexts(text);
  return { kind: "batch", calls: parsed.map((each, i) => readCall(each, texts[i] ?? "")) };
}

function readCall(parsed: unknown, text: string): IncomingCall | NoCall {
  if (!isObject(parsed)) return noCall("null");
  const members = memberTexts(text);
  const { id, jsonrpc, method, params } = parsed;
  const isIdSound = id === undefined || id === null || /^(string|number)$/.test(typeof id);
  if (!isIdSound) return noCall("null");
  const idText = members.get("id") ?? null;
  const areParamsSound = params === undefined || Array.isArray(params) || isObject(params);
  if (jsonrpc !== "2.0" || typeof method !== "string" || !areParamsSound) {
    return noCall(idText ?? "null");
  }
  return { ok: true, id: idText, method, params, paramsText: members.get("params") };
}

function noCall(id: string): NoCall {
  return { ...fault("invalid-request"), id };
}

function noMessage(code: RpcErrorCode, data?: Readonly<Record<string, unknown>>): Message {
  return { kind: "single", call: { ...fault(code, data), id: "null" } };
}

function isDeeperThan(value: unknown, depth: number): boolean {
  let level: readonly unknown[] = [value];
  for (let at = 0; level.length > 0; at++) {
    if (at > depth) return true;
    level = level.flatMap((each) =>
      typeof each === "object" && each !== null ? Object.values(each) : [],
    );
  }
  return false;
}

import type { Hex } from "@mach/core";

/** What a node answers to a method; undefined is the error of a method that it does not have. */
export type Script = Readonly<Record<string, (params: readonly unknown[]) => unknown>>;

/** A block as JSON-RPC gives it. */
export type RawBlock = Readonly<Record<string, unknown>> & {
  readonly number: Hex;
  readonly hash: Hex;
  readonly parentHash: Hex;
  /** Seconds. */
  readonly timestamp: Hex;
  readonly transactions: readonly Hex[];
};

/** A chain that makes its own blocks, and what a node of it answers. */
export interface ReplayedChain {
  readonly script: Script;
  /** Makes the next block, at a time in seconds. */
  advance(timestamp: bigint): RawBlock;
}

/** JSON-RPC 2.0, section 5.1. */
const METHOD_NOT_FOUND = -32_601;

/** An error that a node answers with in place of a result. */
export class Refusal {
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}

/** The response to a request that is parsed already. */
export function answer(script: Script, request: unknown): object {
  const { id, method, params } = request as Readonly<Record<string, unknown>>;
  const isKnown = typeof method === "string" && Object.hasOwn(script, method);
  const result = isKnown ? script[method]?.(Array.isArray(params) ? params : []) : undefined;
  const base = { jsonrpc: "2.0", id };
  if (result instanceof Refusal) return { ...base, error: { code: result.code, message: "no" } };
  if (result !== undefined) return { ...base, result };
  return { ...base, error: { code: METHOD_NOT_FOUND, message: "no such method" } };
}

/** A number as JSON-RPC writes it. */
export function quantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`;
}

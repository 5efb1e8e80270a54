import type { Hex, Stack } from "@mach/core";
import type { HeaderFailure } from "./header.ts";

/** A block whose hash was recomputed from its header and whose roots follow from its stack. */
export interface CheckedBlock {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly parentHash: Hex;
  readonly stateRoot: Hex;
  /** What L1 will confirm for this block; null where the header alone does not give it. */
  readonly outputRoot: Hex | null;
  /** Why outputRoot is null: such a block is never signed. Null where outputRoot stands. */
  readonly unverifiable: "needs-proof" | null;
  /** Seconds. */
  readonly timestamp: bigint;
  /** The bytes that hash to blockHash. */
  readonly headerRlp: Hex;
}

export type BlockFailure =
  | HeaderFailure
  /** Well formed and hashed, but the stack's rules forbid this value. */
  | {
      readonly ok: false;
      readonly code: "invalid-field";
      readonly field: string;
      readonly expected: Hex;
      readonly got: Hex;
    };

export type BlockCheck = { readonly ok: true; readonly block: CheckedBlock } | BlockFailure;

/** What differs between rollup stacks: how a raw block becomes a checked one. */
export interface StackRules {
  readonly stack: Stack;
  /** Checks the result object of `eth_getBlockBy*`. Never throws. */
  checkBlock(rawBlock: unknown): BlockCheck;
}

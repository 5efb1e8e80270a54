import type { Hex, Stack } from "@mach/core";
import type { HeaderFailure } from "./header.ts";
import type { SettledAnswer, SettlementQuery } from "./settlement.ts";

/** A block whose hash was recomputed from its header and whose roots follow from its stack. */
export interface CheckedBlock {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly parentHash: Hex;
  /** The zero hash where the stack's blocks commit to none: such a hash attests order alone. */
  readonly stateRoot: Hex;
  /** What L1 will confirm for this block; null where it is not known, or is not for this block. */
  readonly outputRoot: Hex | null;
  /** Why outputRoot is null: such a block is never signed. Null where nothing is missing. */
  readonly unverifiable: UnverifiableCode | null;
  /** Seconds. */
  readonly timestamp: bigint;
  /** The bytes that hash to blockHash. */
  readonly headerRlp: Hex;
  /** No claim is made about this block: the last block of its L1 batch stands for it. */
  readonly isWithinBatch?: true;
}

export type UnverifiableCode =
  /** The output root takes an account proof, which `completion` asks for. */
  | "needs-proof"
  /** The roots are those of the L1 batch, which `completion` asks for. */
  | "needs-batch"
  /** Nothing that a node tells says what L1 will confirm for this block. */
  | "no-claim";

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

/** One JSON-RPC call to one node. Never rejects, and is bounded in size and time. */
export type NodeCall = (method: string, params: readonly unknown[]) => Promise<NodeAnswer>;

export type NodeAnswer =
  | { readonly ok: true; readonly value: unknown }
  /** The node answered with an error of this number, where it gave one. */
  | { readonly ok: false; readonly code: "refused"; readonly number?: number }
  /** There was no sound answer. */
  | { readonly ok: false; readonly code: "unavailable" };

/** Why a node did not tell what was asked. */
export type NodeFailureCode =
  | "refused"
  | "unavailable"
  /** The node does not have it (yet). */
  | "missing"
  /** The answer is not of the shape that it must have, or contradicts itself. */
  | "malformed"
  /** The answer does not follow from what the block's hash commits to. */
  | "invalid-proof";

export interface NodeFailure {
  readonly ok: false;
  readonly code: NodeFailureCode;
  /** The node's error number, where it refused with one. */
  readonly number?: number;
}

export type Completed = { readonly ok: true; readonly block: CheckedBlock } | NodeFailure;

/** How a block gets its roots where the header alone does not give them. */
export interface Completion {
  /**
   * `proof`: checked against the block's hash, so that one source is enough. `word`: counts as much
   * as the sources that say the same.
   */
  readonly evidence: "proof" | "word";
  /** What asks one node; it may remember what that node said before. */
  connect(call: NodeCall): (block: CheckedBlock) => Promise<Completed>;
}

export type HeadName = "latest" | "safe" | "finalized";

export interface StackNodes {
  /** The rollup's execution node. */
  readonly call: NodeCall;
  /** The op-node beside it, where one is configured. */
  readonly opNode?: NodeCall | undefined;
}

export type HeadAnswer =
  | {
      readonly ok: true;
      /** A block as `eth_getBlockBy*` gives it, still to be checked. */
      readonly value: unknown;
      /** The hash that the block must have, where the head was named by it. */
      readonly blockHash?: Hex | undefined;
    }
  | NodeFailure;

/** What differs between rollup stacks. One file per stack, listed in `stacks.ts`. */
export interface StackAdapter {
  readonly stack: Stack;
  /** Whether each new block is the latest head; false where a whole batch is followed at once. */
  readonly followsBlocks: boolean;
  /** Checks the result object of `eth_getBlockBy*`. Pure; never throws. */
  checkBlock(rawBlock: unknown): BlockCheck;
  /** Null where the header gives every block's roots. */
  readonly completion: Completion | null;
  /** A head in the stack's own terms. Null stands for the block tag of that name. */
  readonly readHead: ((head: HeadName, nodes: StackNodes) => Promise<HeadAnswer>) | null;
  /** What L1 says of the rollup in a range of finalised L1 blocks; null where it says nothing. */
  readonly readSettled: ((l1: NodeCall, query: SettlementQuery) => Promise<SettledAnswer>) | null;
}

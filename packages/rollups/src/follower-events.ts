import type { Hex } from "@mach/core";
import type { DisagreementCode, SourceVerdict } from "./agreement.ts";
import type { RollupHeads } from "./heads.ts";
import type { SourceDescription } from "./source-description.ts";
import type { CheckedBlock, UnverifiableCode } from "./stack.ts";

/** Why a follower vouches for no block. */
export type AbstainCode =
  | DisagreementCode
  /** The block stands, but what L1 will confirm for it is not known. */
  | UnverifiableCode
  /** The sources agree on a block that is older than its parent. */
  | "timestamp-order"
  /** The chain was replaced below every block that the follower still holds. */
  | "reorg-too-deep";

/** A height, or a head, that the follower does not vouch for. */
export interface Abstention {
  readonly code: AbstainCode;
  /** Null while no height is known. */
  readonly blockNumber: bigint | null;
  /** What each source answered, where sources are the reason. */
  readonly sources: readonly SourceVerdict[];
  readonly subject: "block" | "safe" | "finalized";
}

/** A block that enough sources have and that links to the one emitted before it. */
export interface ObservedBlock extends CheckedBlock {
  /** Wall clock in milliseconds when a source first announced it, else when it was taken. */
  readonly observedAtMs: number;
}

/** The chain was replaced above `commonAncestor`. */
export interface Reorg {
  readonly commonAncestor: { readonly blockNumber: bigint; readonly blockHash: Hex };
  /** How many accepted blocks were replaced. */
  readonly depth: number;
  /** The lowest height that was replaced. */
  readonly droppedFrom: bigint;
}

/** Heights that are not emitted: the next block need not link to the last one. */
export interface Skipped {
  /** After `reorg-too-deep` every block emitted before is in doubt. */
  readonly reason: "too-far-behind" | "reorg-too-deep";
  readonly fromBlockNumber: bigint;
  /** Inclusive; below fromBlockNumber where the chain became shorter. */
  readonly toBlockNumber: bigint;
}

/** What a follower tells. All are called from its own loop, one at a time, in order. */
export interface RollupFollowerEvents {
  onBlock(block: ObservedBlock): void;
  /** On every change. */
  onHeads(heads: RollupHeads): void;
  /** Once per height and reason, again when either changes. */
  onAbstain(abstention: Abstention): void;
  /** Comes before the new branch's blocks. */
  onReorg(reorg: Reorg): void;
  onSkipped(skipped: Skipped): void;
  onSourceState(source: SourceDescription): void;
}

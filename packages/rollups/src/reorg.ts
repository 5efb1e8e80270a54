import type { Hex } from "@mach/core";
import {
  type Answered,
  agreeOnBlock,
  type BlockSource,
  collectAnswers,
  type Disagreement,
  explainDisagreement,
  supportedBlocks,
} from "./agreement.ts";
import type { RecentBlocks } from "./recent-blocks.ts";
import type { CheckedBlock } from "./stack.ts";

export type ReorgSearch =
  /** The accepted block still stands with most, or nobody has enough for another. */
  | { readonly kind: "stands"; readonly disagreement: Disagreement }
  /** The new branch, lowest first, links to `commonAncestor`. */
  | {
      readonly kind: "replaced";
      readonly commonAncestor: { readonly blockNumber: bigint; readonly blockHash: Hex };
      readonly branch: readonly CheckedBlock[];
    }
  /** The branches part below every block that is still held. */
  | { readonly kind: "too-deep" }
  /** The new branch could not be followed down. */
  | { readonly kind: "unknown"; readonly disagreement: Disagreement };

/**
 * Asks every source for its block at an accepted height and, where `agree` hosts and more than
 * hold the accepted one have another, follows that one's parents by hash down to the ancestor.
 */
export async function searchReorg(
  sources: readonly BlockSource[],
  request: {
    readonly agree: number;
    readonly recent: RecentBlocks;
    readonly blockNumber: bigint;
  },
): Promise<ReorgSearch> {
  const { agree, recent, blockNumber } = request;
  const accepted = recent.hashAt(blockNumber);
  const answered = await collectAnswers(sources, { by: "number", blockNumber, fresh: true });
  const blocks = supportedBlocks(answered);
  const kept = blocks.find(({ block }) => block.blockHash === accepted)?.hosts ?? 0;
  const [best, second] = blocks.filter(({ block }) => block.blockHash !== accepted);
  const rivals = Math.max(kept, second?.hosts ?? 0);
  if (accepted === undefined || best === undefined || best.hosts < agree || best.hosts <= rivals) {
    if (kept >= agree) {
      for (const { source, answer } of answered) {
        if (answer.ok) source.settle(answer.block.blockHash === accepted ? "agrees" : "disagrees");
      }
    }
    return { kind: "stands", disagreement: explainStanding(answered) };
  }
  return followDown(sources, { agree, recent, from: best.block });
}

/** At most as many steps as `recent` holds blocks. */
async function followDown(
  sources: readonly BlockSource[],
  request: {
    readonly agree: number;
    readonly recent: RecentBlocks;
    readonly from: CheckedBlock;
  },
): Promise<ReorgSearch> {
  const { agree, recent, from } = request;
  const branch = [from];
  for (let lowest = from; ; ) {
    const blockNumber = lowest.blockNumber - 1n;
    const blockHash = recent.hashAt(blockNumber);
    if (blockHash === undefined) return { kind: "too-deep" };
    if (blockHash === lowest.parentHash) {
      return { kind: "replaced", commonAncestor: { blockNumber, blockHash }, branch };
    }
    const selector = { by: "hash", blockHash: lowest.parentHash } as const;
    const agreement = await agreeOnBlock(sources, { agree, selector });
    if (!agreement.ok) return { kind: "unknown", disagreement: agreement };
    // A parent's number is its child's less one in every valid chain; the hash does not say so.
    if (agreement.block.blockNumber !== blockNumber) return { kind: "too-deep" };
    lowest = agreement.block;
    branch.unshift(lowest);
  }
}

/** Enough sound answers and still no link to what comes next: one branch against another. */
function explainStanding(answered: readonly Answered[]): Disagreement {
  const disagreement = explainDisagreement(answered);
  const isSound = answered.some(({ answer }) => answer.ok);
  return isSound ? { ...disagreement, code: "sources-disagree" } : disagreement;
}

import type { Hex } from "@mach/core";
import type { BlockSource, SourceAnswer } from "./agreement.ts";
import type { CheckedBlock } from "./stack.ts";

/** A block by number and hash; timestamp in seconds. */
export interface BlockHead {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly timestamp: bigint;
}

/** The rollup's heads as enough sources have them; null where they do not. */
export interface RollupHeads {
  readonly latest: BlockHead | null;
  readonly safe: BlockHead | null;
  readonly finalized: BlockHead | null;
}

/** A source that also knows the block tags. */
export interface TaggedSource extends BlockSource {
  askTag(tag: "safe" | "finalized"): Promise<SourceAnswer>;
}

export type TagAgreement =
  | { readonly ok: true; readonly head: BlockHead }
  /** `disagree`: enough sources have such a head, on branches that do not contain one another's. */
  | { readonly ok: false; readonly code: "unknown" | "disagree" };

interface Tagged {
  readonly source: TaggedSource;
  readonly block: CheckedBlock;
}

/**
 * The highest block that `agree` hosts hold at or under their tagged head. A source whose head is
 * higher is asked for its block at the lower height, so that one that lags hides no fork.
 */
export async function agreeOnTag(
  sources: readonly TaggedSource[],
  request: { readonly agree: number; readonly tag: "safe" | "finalized" },
): Promise<TagAgreement> {
  const answers = await Promise.all(
    sources.map(async (source) => ({ source, answer: await source.askTag(request.tag) })),
  );
  const tagged: Tagged[] = answers
    .flatMap(({ source, answer }) => (answer.ok ? [{ source, block: answer.block }] : []))
    .sort((left, right) => (left.block.blockNumber < right.block.blockNumber ? 1 : -1));
  if (countHosts(tagged) < request.agree) return { ok: false, code: "unknown" };
  for (const { block } of distinctBlocks(tagged)) {
    const holders = await Promise.all(tagged.map((each) => holds(each, block)));
    if (countHosts(tagged.filter((_, index) => holders[index])) >= request.agree) {
      return { ok: true, head: toHead(block) };
    }
  }
  return { ok: false, code: "disagree" };
}

/** The part of a block that a head shows. */
export function toHead({ blockNumber, blockHash, timestamp }: CheckedBlock): BlockHead {
  return { blockNumber, blockHash, timestamp };
}

async function holds({ source, block }: Tagged, wanted: CheckedBlock): Promise<boolean> {
  if (block.blockNumber < wanted.blockNumber) return false;
  if (block.blockNumber === wanted.blockNumber) return block.blockHash === wanted.blockHash;
  const { blockNumber, blockHash } = wanted;
  const answer = await source.ask({ by: "number", blockNumber, fresh: true });
  return answer.ok && answer.block.blockHash === blockHash;
}

function distinctBlocks(tagged: readonly Tagged[]): readonly Tagged[] {
  return [...new Map(tagged.map((each) => [each.block.blockHash, each])).values()];
}

function countHosts(tagged: readonly Tagged[]): number {
  return new Set(tagged.map(({ source }) => source.host)).size;
}

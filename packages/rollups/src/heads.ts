import type { Hex } from "@mach/core";
import type { BlockSource, SourceAnswer } from "./agreement.ts";
import type { CheckedBlock } from "./stack.ts";

/** A block by number and hash; timestamp in seconds. */
export interface BlockHead {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly timestamp: bigint;
}

/**
 * The rollup's heads as enough sources have them; null where they do not. A finalized head that
 * stood once is kept while sources fail or fall behind.
 */
export interface RollupHeads {
  readonly latest: BlockHead | null;
  readonly safe: BlockHead | null;
  readonly finalized: BlockHead | null;
}

/** A source that also knows the block tags. */
export interface TaggedSource extends BlockSource {
  askTag(tag: "safe" | "finalized"): Promise<SourceAnswer>;
  /** The newest block that it has announced. */
  readonly head: CheckedBlock | null;
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
  request: { readonly agree: number; readonly tag: keyof RollupHeads },
): Promise<TagAgreement> {
  const answers = await Promise.all(
    sources.map(async (source) => ({ source, block: await headOf(source, request.tag) })),
  );
  const tagged: Tagged[] = answers
    .flatMap(({ source, block }) => (block === null ? [] : [{ source, block }]))
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

async function headOf(source: TaggedSource, tag: keyof RollupHeads): Promise<CheckedBlock | null> {
  if (tag === "latest") return source.head;
  const answer = await source.askTag(tag);
  return answer.ok ? answer.block : null;
}

function toHead({ blockNumber, blockHash, timestamp }: CheckedBlock): BlockHead {
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

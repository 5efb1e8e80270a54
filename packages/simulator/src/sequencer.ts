import { ancestorAt, type BlockTree, commonAncestor, type SimBlock } from "./block-tree.ts";
import type { Coverage } from "./coverage.ts";
import type { Fault } from "./fault.ts";
import { isOn } from "./network.ts";
import type { Plan } from "./plan.ts";
import { START_MS } from "./setting.ts";

/** The sequencer of a run, honest or not, and what L1 makes of its blocks. */
export interface Sequencer {
  /** Makes the next block of each branch. */
  produce(atMs: number): void;
  /** Leaves `depth` blocks; false where L1 has finalised too far for that. */
  reorg(depth: number, options: { readonly isLong: boolean; readonly atMs: number }): boolean;
  /** Goes on with one branch: the one that L1 holds, else the one drawn. */
  join(isOther: boolean): void;
  /** Makes blocks until no branch was ever higher. */
  catchUp(atMs: number): void;
  /** Moves L1's finalised head up to a distance behind the tip; it never moves back. */
  finalize(lag: number): void;
  /** The tip that a node is shown. */
  tipFor(node: number, atMs: number): SimBlock;
  canonical(): SimBlock;
  finalized(): SimBlock;
}

/** A sequencer that starts at the tree's first block. */
export function createSequencer(plan: Plan, tree: BlockTree, coverage: Coverage): Sequencer {
  let canonical = tree.genesis;
  let other: SimBlock | null = null;
  let finalized = tree.genesis;
  const splits = plan.faults.filter(({ kind }) => kind === "split-view");
  const warps = plan.faults.filter(({ kind }) => kind === "timestamp-warp");

  function timestampAt(parent: SimBlock, atMs: number): bigint {
    const warp = warps.find((fault) => isOn(fault, atMs));
    if (warp !== undefined) coverage.count("timestamp-warp");
    const ahead = BigInt(warp?.size ?? 0);
    const time = BigInt(Math.floor((START_MS + atMs) / 1_000)) + ahead;
    return time > parent.timestamp ? time : parent.timestamp;
  }
  const extend = (parent: SimBlock, atMs: number): SimBlock =>
    tree.extend(parent, timestampAt(parent, atMs));
  const splitAt = (atMs: number): Fault | undefined => splits.find((fault) => isOn(fault, atMs));

  return {
    produce(atMs) {
      if (splitAt(atMs) !== undefined) {
        coverage.count("split-view");
        other = extend(other ?? canonical, atMs);
      }
      canonical = extend(canonical, atMs);
    },
    reorg(depth, { isLong, atMs }) {
      const from = canonical.blockNumber - BigInt(depth);
      if (from < finalized.blockNumber) return false;
      canonical = ancestorAt(canonical, from);
      for (let i = 0; i < (isLong ? depth : 1); i++) canonical = extend(canonical, atMs);
      return true;
    },
    join(isOther) {
      if (other === null) return;
      const fork = commonAncestor(canonical, other);
      if (isOther && finalized.blockNumber <= fork.blockNumber) canonical = other;
      other = null;
    },
    catchUp(atMs) {
      const highest = tree.blocks.reduce((most, each) => {
        return each.blockNumber > most ? each.blockNumber : most;
      }, 0n);
      while (canonical.blockNumber <= highest) canonical = extend(canonical, atMs);
    },
    finalize(lag) {
      const block = ancestorAt(canonical, canonical.blockNumber - BigInt(lag));
      if (block.blockNumber > finalized.blockNumber) finalized = block;
    },
    tipFor(node, atMs) {
      const split = splitAt(atMs);
      return split?.nodes.includes(node) && other !== null ? other : canonical;
    },
    canonical: () => canonical,
    finalized: () => finalized,
  };
}

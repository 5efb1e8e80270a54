import type { Hex } from "../hex.ts";
import { pruneContradictions } from "./contradiction.ts";
import type { EngineState, RollupState } from "./state.ts";

/** Certificates that wait to be held against L1, for each block that is kept. */
const UNSETTLED_FACTOR = 16;

/** Blocks that are kept while the fork lock holds, for each that is kept otherwise. */
const LOCKED_FACTOR = 16;

/** Blocks of left branches that are kept, for each that is followed: the oldest go first. */
const DROPPED_FACTOR = 4;

/** Keeps a rollup's memory within its bounds: what lies too far below the newest height goes. */
export function prune(state: EngineState, rollup: RollupState): void {
  const { openHeights, chainDepth } = state.options;
  const top = rollup.tip?.blockNumber ?? rollup.newest?.certificate.claim.blockNumber;
  if (top === undefined) return;
  const lowestOpen = top - BigInt(openHeights) + 1n;
  const lowestKept = top - BigInt(chainDepth) + 1n;
  for (const blockNumber of rollup.heights.keys()) {
    if (blockNumber < lowestOpen) rollup.heights.delete(blockNumber);
  }
  pruneCertified(rollup, lowestKept, chainDepth);
  pruneContradictions(rollup, lowestKept);
  for (const [blockHash, { blockNumber }] of rollup.dropped) {
    const isFull = rollup.dropped.size > DROPPED_FACTOR * chainDepth;
    if (isFull || blockNumber < lowestKept) rollup.dropped.delete(blockHash);
  }
  // A release is linked to the newest block by what lies between, and L1 may be far behind.
  const lowestBlock =
    rollup.lock !== null ? top - BigInt(LOCKED_FACTOR * chainDepth) + 1n : lowestKept;
  for (const [blockNumber, block] of rollup.blocks) {
    if (blockNumber >= lowestBlock) continue;
    rollup.blocks.delete(blockNumber);
    rollup.numberByHash.delete(block.blockHash);
  }
  rollup.early = countEarly(rollup);
}

/** How many attestations of each operator are for heights above every block verified here. */
export function countEarly(rollup: RollupState): ReadonlyMap<Hex, number> {
  const tip = rollup.tip?.blockNumber ?? -1n;
  const early = new Map<Hex, number>();
  for (const [blockNumber, height] of rollup.heights) {
    if (blockNumber <= tip) continue;
    for (const pool of height.pools.values()) {
      for (const { operator } of pool.verified.values()) {
        early.set(operator, (early.get(operator) ?? 0) + 1);
      }
    }
  }
  return early;
}

/** Certificates that go from memory are in the store; those that L1 has yet to settle stay short. */
function pruneCertified(rollup: RollupState, lowestKept: bigint, chainDepth: number): void {
  let lowest = lowestKept;
  // They may be ahead of a chain whose blocks are out of reach: then they bound each other.
  if (rollup.certified.size > 2 * chainDepth) {
    const newest = rollup.newest?.certificate.claim.blockNumber ?? lowestKept;
    const belowNewest = newest - BigInt(chainDepth) + 1n;
    if (belowNewest > lowest) lowest = belowNewest;
  }
  for (const [blockNumber, held] of rollup.certified) {
    if (blockNumber < lowest && held !== rollup.newest) rollup.certified.delete(blockNumber);
  }
  for (const blockNumber of rollup.unsettled.keys()) {
    if (rollup.unsettled.size <= UNSETTLED_FACTOR * chainDepth) return;
    rollup.unsettled.delete(blockNumber);
  }
}

import { type EngineState, openContradiction } from "@mach/core";
import type { RollupSettlement } from "./settled-claims-follower.ts";

/**
 * The height below which nothing of a rollup can change any more, so that its certificates may go
 * when they are old: L1 has finalised past it, what L1 settles was compared past it, no
 * contradiction is open there, and no restart reads it. Null where any of it is not known.
 */
export function closedBelow(
  state: EngineState,
  rollupId: bigint,
  about: {
    readonly settlement: RollupSettlement;
    /** How many heights below the newest certificate a restart may read. */
    readonly heights: number;
  },
): bigint | null {
  const rollup = state.rollups.get(rollupId);
  const newest = rollup?.newest?.certificate.claim.blockNumber ?? null;
  if (rollup === undefined || newest === null || rollup.finalized === null) return null;
  const { contract, newest: settled, isDisputed } = about.settlement;
  if (isDisputed) return null;
  const bounds = [rollup.finalized.blockNumber, newest - BigInt(about.heights)];
  if (contract !== null) {
    const through = settled?.blockNumber ?? null;
    if (through === null) return null;
    bounds.push(through);
  }
  const open = openContradiction(rollup);
  if (open !== null) bounds.push(open.fromBlockNumber);
  for (const blockNumber of rollup.unsettled.keys()) bounds.push(blockNumber);
  const lowest = bounds.reduce((least, each) => (each < least ? each : least));
  return lowest > 0n ? lowest : null;
}

/**
 * The epoch that is now, as far as both the clock and L1 say so: a clock that jumps ahead must not
 * make everything look old. Null where either says nothing.
 */
export function agreedEpoch(state: EngineState, byClock: bigint | null): bigint | null {
  let byL1: bigint | null = null;
  for (const epoch of state.epochs.keys()) if (byL1 === null || epoch > byL1) byL1 = epoch;
  if (byClock === null || byL1 === null) return null;
  return byClock < byL1 ? byClock : byL1;
}

import type { EngineState } from "@mach/core";

/** The height after the last one signed, or certified; null where there is neither. */
export function resumeHeight(state: EngineState, rollupId: bigint): bigint | null {
  const rollup = state.rollups.get(rollupId);
  const height =
    rollup?.lastSigned?.blockNumber ?? rollup?.newest?.certificate.claim.blockNumber ?? null;
  return height === null ? null : height + 1n;
}

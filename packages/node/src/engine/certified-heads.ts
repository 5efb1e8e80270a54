import type { EngineState } from "@mach/core";
import type { RollupHead } from "../gossip/handlers.ts";

/**
 * The newest height of each rollup that a certificate is held for, contradicted or not: a peer is
 * told what it can ask for, not what is served as fast-final here.
 */
export function certifiedHeads(state: EngineState): readonly RollupHead[] {
  return [...state.rollups.values()].flatMap(({ rollupId, certified, newest }) => {
    let blockNumber = newest?.certificate.claim.blockNumber ?? -1n;
    for (const height of certified.keys()) if (height > blockNumber) blockNumber = height;
    return blockNumber < 0n ? [] : [{ rollupId, blockNumber }];
  });
}

import type { FollowedRollup } from "@mach/api";
import type { RollupConfig } from "../config.ts";
import type { RollupFollowing } from "../engine/follow-rollups.ts";
import type { SettledClaims } from "../engine/settled-claims.ts";

/** A rollup's sources, how many of them have to agree, and what L1 says of it. */
export type RollupSources = Pick<FollowedRollup, "agree" | "sources" | "settlement">;

/** What readers are told of a rollup's sources: a host each, without the secrets of its URL. */
export function rollupSources(
  rollups: readonly Pick<RollupConfig, "rollupId" | "agree">[],
  following: Pick<RollupFollowing, "sources">,
  settled: Pick<SettledClaims, "status">,
): (rollupId: bigint) => RollupSources {
  const agreeOf = new Map(rollups.map(({ rollupId, agree }) => [rollupId, agree]));
  return (rollupId) => ({
    agree: agreeOf.get(rollupId) ?? 0,
    sources: following.sources(rollupId).map(({ host, sinceMs, ...source }) => ({
      ...source,
      label: host,
      since: BigInt(Math.floor(sinceMs / 1_000)),
    })),
    settlement: settled.status(rollupId),
  });
}

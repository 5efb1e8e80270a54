import type { Hex, RollupParameters } from "@mach/core";
import { createSettledPlaces } from "@mach/rollups";
import type { L1View } from "@mach/settlement";
import type { Alerts } from "../alerts.ts";
import type { RollupConfig, SettlementConfig } from "../config.ts";
import type { Store } from "../store/store.ts";
import { createDispute } from "./settled-claims-dispute.ts";
import {
  createSettledFollower,
  type RollupSettlement,
  type SettledFollower,
  UNREAD_STATUS,
} from "./settled-claims-follower.ts";
import type { EngineShell } from "./shell.ts";

export interface SettledClaimsPorts {
  readonly l1: Pick<L1View, "pinFinalized">;
  readonly engine: Pick<EngineShell, "contradict" | "state">;
  readonly store: Pick<Store, "listCertificates" | "newestCertificate" | "contradictions">;
  readonly alerts: Alerts;
  readonly log: (fields: object, message: string) => void;
  /** The store cannot be read or written. */
  readonly onFatal: (error: unknown) => void;
}

export interface SettledClaimsOptions extends SettlementConfig {
  readonly registry: Hex;
  readonly rollups: readonly RollupConfig[];
}

/** Compares what L1 settles of each rollup with what is certified here. */
export interface SettledClaims {
  /** Starts what is not followed yet; the epoch's entry of the registry names the contracts. */
  onParameters(epoch: bigint, rollups: readonly RollupParameters[]): void;
  status(rollupId: bigint): RollupSettlement;
  /** Whether what the rollup's nodes call finalized may count: not while L1 has settled otherwise. */
  trustsFinalized(rollupId: bigint): boolean;
  stop(): Promise<void>;
}

/** Follows the settlement of the configured rollups, each at its own pace. Never throws. */
export function createSettledClaims(
  ports: SettledClaimsPorts,
  options: SettledClaimsOptions,
): SettledClaims {
  const followers = new Map<bigint, SettledFollower>();

  function start(config: RollupConfig, parameters: RollupParameters): SettledFollower {
    const { rollupId, rpcUrls: urls, agree, timeoutMs, settlementContract } = config;
    const { stack } = parameters;
    const places = createSettledPlaces({ stack, urls, agree, timeoutMs });
    const dispute = createDispute({ ...ports, places }, rollupId);
    const { registry, pollMs, lookbackBlocks, spanBlocks } = options;
    const configured = settlementContract ?? null;
    return createSettledFollower(
      { ...ports, places, dispute },
      { rollupId, stack, registry, configured, pollMs, lookbackBlocks, spanBlocks },
    );
  }

  return {
    onParameters(epoch, rollups) {
      for (const config of options.rollups) {
        const { rollupId } = config;
        const parameters = rollups.find((each) => each.rollupId === rollupId);
        if (parameters === undefined || parameters.stack === "evm") continue;
        const follower = followers.get(rollupId) ?? start(config, parameters);
        followers.set(rollupId, follower);
        follower.onEpoch(epoch);
      }
    },
    status: (rollupId) => followers.get(rollupId)?.status() ?? UNREAD_STATUS,
    trustsFinalized(rollupId) {
      const follower = followers.get(rollupId);
      if (follower === undefined) return true;
      const { isDisputed } = follower.status();
      // What an earlier run found is settled again only when L1 has been read again.
      const rollup = ports.engine.state().rollups.get(rollupId);
      const isOpen = (rollup?.contradictions.length ?? 0) > 0;
      return !isDisputed && (!isOpen || follower.hasCaughtUp());
    },
    async stop() {
      await Promise.all([...followers.values()].map((follower) => follower.stop()));
    },
  };
}

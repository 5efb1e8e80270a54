import type { Hex, RollupParameters } from "@mach/core";
import {
  createRollupFollower,
  createTransactionLookup,
  type RollupFollower,
  type RollupFollowerEvents,
  type SourceDescription,
  type TransactionLookup,
} from "@mach/rollups";
import type { Alerts } from "../alerts.ts";
import type { EngineConfig, RollupConfig } from "../config.ts";
import type { EngineShell } from "./shell.ts";

export interface FollowRollupsPorts {
  readonly engine: Pick<EngineShell, "input">;
  readonly alerts: Alerts;
  readonly onBlock: (rollupId: bigint) => void;
  readonly log: (fields: object, message: string) => void;
}

export interface FollowRollupsOptions {
  readonly rollups: readonly RollupConfig[];
  readonly engine: Pick<EngineConfig, "catchUpBlocks">;
  /** From which height on each rollup is taken up again; null for the newest. */
  readonly resumeFrom: (rollupId: bigint) => bigint | null;
}

/** Follows the configured rollups, each as soon as the registry has told its stack. */
export interface RollupFollowing {
  /** Starts what is not followed yet; a rollup keeps the stack that it was first listed with. */
  onParameters(rollups: readonly RollupParameters[]): void;
  /** Why no newer block of a rollup is trusted now; null where one is. */
  abstention(rollupId: bigint): string | null;
  sources(rollupId: bigint): readonly SourceDescription[];
  blockOfTransaction(rollupId: bigint, hash: Hex): Promise<Hex | null>;
  stop(): Promise<void>;
}

/** How many blocks below the point of resumption are read again, to link to what is known. */
const OVERLAP = 4n;

/** Turns what the followers of `rollups` see into the engine's inputs and the operator's alerts. */
export function followRollups(
  ports: FollowRollupsPorts,
  options: FollowRollupsOptions,
): RollupFollowing {
  const followers = new Map<bigint, RollupFollower>();
  const abstentions = new Map<bigint, string>();
  const lookups = new Map<bigint, TransactionLookup>(
    options.rollups.map(({ rollupId, rpcUrls: urls, agree, timeoutMs }) => [
      rollupId,
      createTransactionLookup({ urls, agree, timeoutMs }),
    ]),
  );

  function start(config: RollupConfig, parameters: RollupParameters): void {
    const { rollupId } = config;
    const follower = createRollupFollower(
      {
        rollupId,
        stack: parameters.stack,
        sources: [...config.wsUrls, ...config.rpcUrls].map((url) => ({ url })),
        agree: config.agree,
        pollMs: config.pollMs,
        timeoutMs: config.timeoutMs,
        maxCatchUp: options.engine.catchUpBlocks,
      },
      eventsOf(rollupId),
    );
    followers.set(rollupId, follower);
    const from = options.resumeFrom(rollupId);
    if (from === null) follower.start();
    else follower.start({ fromBlockNumber: from > OVERLAP ? from - OVERLAP : 0n });
  }

  function eventsOf(rollupId: bigint): RollupFollowerEvents {
    const { engine, alerts, log } = ports;
    return {
      onBlock({ observedAtMs, ...block }) {
        abstentions.delete(rollupId);
        alerts.clear({ code: "blocks-not-trusted", rollupId });
        engine.input({ type: "block-verified", rollupId, block, observedAtMs });
        ports.onBlock(rollupId);
      },
      onHeads({ safe, finalized }) {
        engine.input({ type: "heads", rollupId, safe, finalized });
      },
      onAbstain({ code, blockNumber, subject, sources }) {
        log({ rollupId, blockNumber, subject, code, sources }, "abstained");
        if (subject !== "block" || code === "needs-proof") return;
        abstentions.set(rollupId, code);
        const message = `No newer block of rollup ${rollupId} can be trusted (${code}).`;
        alerts.raise({
          code: "blocks-not-trusted",
          severity: "warning",
          rollupId,
          message: `${message} Check its RPC endpoints.`,
        });
      },
      onReorg({ commonAncestor, depth }) {
        log({ rollupId, commonAncestor, depth }, "reorg");
        const { blockNumber } = commonAncestor;
        engine.input({ type: "reorged", rollupId, commonAncestor: blockNumber });
        const subject = commonAncestor.blockHash;
        const message = `Rollup ${rollupId} left ${depth} blocks above height ${blockNumber}.`;
        alerts.raise({ code: "reorg", severity: "warning", rollupId, subject, message });
      },
      onSkipped({ reason, fromBlockNumber, toBlockNumber }) {
        log({ rollupId, reason, fromBlockNumber, toBlockNumber }, "blocks skipped");
        if (reason === "reorg-too-deep") {
          engine.input({ type: "reorged", rollupId, commonAncestor: -1n });
        }
        const message =
          `Blocks ${fromBlockNumber} to ${toBlockNumber} of rollup ${rollupId} ` +
          `were skipped (${reason}).`;
        const subject = fromBlockNumber.toString();
        alerts.raise({ code: "blocks-skipped", severity: "warning", rollupId, subject, message });
      },
      onSourceState({ host, status, code }) {
        log({ rollupId, host, status, code }, "source");
        const cause = { code: "source-failing", rollupId, subject: host } as const;
        if (status === "ready") alerts.clear(cause);
        if (status !== "down" && status !== "faulty") return;
        const message = `The RPC ${host} of rollup ${rollupId} is ${status} (${code ?? "?"}).`;
        alerts.raise({ ...cause, severity: "warning", message });
      },
    };
  }

  return {
    onParameters(rollups) {
      for (const config of options.rollups) {
        const parameters = rollups.find((each) => each.rollupId === config.rollupId);
        if (parameters !== undefined && !followers.has(config.rollupId)) start(config, parameters);
      }
    },
    abstention: (rollupId) => abstentions.get(rollupId) ?? null,
    sources: (rollupId) => followers.get(rollupId)?.describeSources() ?? [],
    async blockOfTransaction(rollupId, hash) {
      return (await lookups.get(rollupId)?.blockOf(hash)) ?? null;
    },
    async stop() {
      await Promise.all([...followers.values()].map((follower) => follower.stop()));
      await Promise.all([...lookups.values()].map((lookup) => lookup.close()));
    },
  };
}

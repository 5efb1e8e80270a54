import type { RollupParameters } from "@mach/core";
import {
  type Abstention,
  createRollupFollower,
  type RollupFollower,
  type RollupFollowerEvents,
  type Skipped,
  type SourceDescription,
} from "@mach/rollups";
import { type Alerts, CALM_MS, EVENT_LASTS_MS } from "../alerts.ts";
import type { EngineConfig, RollupConfig } from "../config.ts";
import type { EngineShell } from "./shell.ts";
import { createTransactionSources, type TransactionSources } from "./transaction-sources.ts";

export interface FollowRollupsPorts {
  readonly engine: Pick<EngineShell, "input">;
  readonly alerts: Alerts;
  readonly onBlock: (rollupId: bigint) => void;
  /** Whether what a rollup's sources call finalized may count now. */
  readonly trustsFinalized: (rollupId: bigint) => boolean;
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
  readonly transactions: TransactionSources;
  stop(): Promise<void>;
}

/** How many blocks below the point of resumption are read again, to link to what is known. */
const OVERLAP = 4n;

/** A batch comes all at once: its blocks are not skipped as if the node had been away. */
const BATCH_BLOCKS = 16_384;

/** Turns what the followers of `rollups` see into the engine's inputs and the operator's alerts. */
export function followRollups(
  ports: FollowRollupsPorts,
  options: FollowRollupsOptions,
): RollupFollowing {
  return new Following(ports, options);
}

class Following implements RollupFollowing {
  readonly transactions: TransactionSources;
  readonly #ports: FollowRollupsPorts;
  readonly #options: FollowRollupsOptions;
  readonly #followers = new Map<bigint, RollupFollower>();
  readonly #abstentions = new Map<bigint, string>();

  constructor(ports: FollowRollupsPorts, options: FollowRollupsOptions) {
    this.#ports = ports;
    this.#options = options;
    this.transactions = createTransactionSources(options.rollups);
  }

  onParameters(rollups: readonly RollupParameters[]): void {
    for (const config of this.#options.rollups) {
      const parameters = rollups.find((each) => each.rollupId === config.rollupId);
      if (parameters === undefined || this.#followers.has(config.rollupId)) continue;
      this.#start(config, parameters);
    }
  }

  abstention(rollupId: bigint): string | null {
    return this.#abstentions.get(rollupId) ?? null;
  }

  sources(rollupId: bigint): readonly SourceDescription[] {
    return this.#followers.get(rollupId)?.describeSources() ?? [];
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#followers.values()].map((follower) => follower.stop()));
    await this.transactions.close();
  }

  #start(config: RollupConfig, parameters: RollupParameters): void {
    const { rollupId, agree, pollMs, timeoutMs } = config;
    const isBatched = parameters.stack === "zk";
    const follower = createRollupFollower(
      {
        rollupId,
        stack: parameters.stack,
        sources: sourcesOf(config),
        agree,
        pollMs,
        timeoutMs,
        maxCatchUp: Math.max(this.#options.engine.catchUpBlocks, isBatched ? BATCH_BLOCKS : 0),
      },
      this.#eventsOf(rollupId),
    );
    this.#followers.set(rollupId, follower);
    const from = this.#options.resumeFrom(rollupId);
    if (from === null) follower.start();
    else follower.start({ fromBlockNumber: from > OVERLAP ? from - OVERLAP : 0n });
  }

  #eventsOf(rollupId: bigint): RollupFollowerEvents {
    const { engine, alerts, log, onBlock, trustsFinalized } = this.#ports;
    return {
      onBlock: ({ observedAtMs, ...block }) => {
        this.#abstentions.delete(rollupId);
        alerts.clearAfter({ code: "blocks-not-trusted", rollupId }, CALM_MS);
        engine.input({ type: "block-verified", rollupId, block, observedAtMs });
        onBlock(rollupId);
      },
      onHeads: ({ safe, finalized }) => {
        const trusted = trustsFinalized(rollupId) ? finalized : null;
        engine.input({ type: "heads", rollupId, safe, finalized: trusted });
      },
      onAbstain: (abstention) => this.#onAbstain(rollupId, abstention),
      onReorg: ({ commonAncestor, depth }) => {
        log({ rollupId, commonAncestor, depth }, "reorg");
        const { blockNumber } = commonAncestor;
        engine.input({ type: "reorged", rollupId, commonAncestor: blockNumber });
        const message = `Rollup ${rollupId} left ${depth} blocks above height ${blockNumber}.`;
        const cause = { code: "reorg", rollupId, lastsMs: EVENT_LASTS_MS } as const;
        alerts.raise({ ...cause, severity: "warning", message });
      },
      onSkipped: (skipped) => this.#onSkipped(rollupId, skipped),
      onSourceState: ({ host, transport, status, code }) => {
        log({ rollupId, host, transport, status, code }, "source");
        const subject = `${transport} ${host}`;
        const cause = { code: "source-failing", rollupId, subject } as const;
        if (status === "ready") alerts.clearAfter(cause, CALM_MS);
        if (status !== "down" && status !== "faulty") return;
        const message = `The RPC ${host} of rollup ${rollupId} is ${status} (${code ?? "?"}).`;
        alerts.raise({ ...cause, severity: "warning", message });
      },
    };
  }

  #onAbstain(rollupId: bigint, { code, blockNumber, subject, sources }: Abstention): void {
    const { alerts, log } = this.#ports;
    log({ rollupId, blockNumber, subject, code, sources }, "abstained");
    if (subject !== "block" || isOfOneBlock(code)) return;
    this.#abstentions.set(rollupId, code);
    const message = `No newer block of rollup ${rollupId} can be trusted (${code}): check its RPC endpoints.`;
    alerts.raise({ code: "blocks-not-trusted", severity: "warning", rollupId, message });
  }

  #onSkipped(rollupId: bigint, skipped: Skipped): void {
    const { engine, alerts, log } = this.#ports;
    const { reason, fromBlockNumber, toBlockNumber } = skipped;
    log({ rollupId, ...skipped }, "blocks skipped");
    // Every block emitted before is in doubt: none of them is the followed branch any more.
    if (reason === "reorg-too-deep") {
      engine.input({ type: "reorged", rollupId, commonAncestor: -1n });
    }
    const range = `${fromBlockNumber} to ${toBlockNumber}`;
    const message = `Blocks ${range} of rollup ${rollupId} were skipped (${reason}).`;
    const cause = { code: "blocks-skipped", rollupId, subject: reason } as const;
    alerts.raise({ ...cause, severity: "warning", message, lastsMs: EVENT_LASTS_MS });
  }
}

function sourcesOf({
  wsUrls,
  rpcUrls,
  opNodeUrls = [],
}: RollupConfig): readonly { readonly url: string; readonly opNodeUrl?: string | undefined }[] {
  const announcing = wsUrls.map((url) => ({ url }));
  return [...announcing, ...rpcUrls.map((url, at) => ({ url, opNodeUrl: opNodeUrls[at] }))];
}

/** The block itself stands, and the ones above it may be claimed. */
function isOfOneBlock(code: Abstention["code"]): boolean {
  return code === "needs-proof" || code === "needs-batch" || code === "no-claim";
}

import { type EngineState, type Evidence, epochAt } from "@mach/core";
import type { Logger } from "pino";
import type { NodeConfig } from "../config.ts";
import { agreedEpoch, closedBelow } from "../engine/closed-below.ts";
import type { RollupSettlement } from "../engine/settled-claims-follower.ts";
import type { Foundation } from "../foundation.ts";
import { createPruner, type Pruner } from "./pruner.ts";

export interface ConfiguredPrunerPorts {
  readonly foundation: Pick<Foundation, "store" | "schedule">;
  readonly engine: { state(): EngineState; forgetEvidence(evidence: Evidence): void };
  readonly settled: { status(rollupId: bigint): RollupSettlement };
  readonly logger: Pick<Logger, "info" | "error">;
  /** Milliseconds. */
  readonly now: () => number;
}

const PAUSE_MS = 60_000;
/** Of some five milliseconds each: a tenth of the disk's time, and a day's heights in a minute. */
const BATCH_PAUSE_MS = 40;

/** Prunes a node's store as its configuration says, as far as its engine has no more use for it. */
export function pruneStore(config: NodeConfig, ports: ConfiguredPrunerPorts): Pruner {
  const { foundation, engine, settled, logger, now } = ports;
  const { store, schedule } = foundation;
  const { openHeights, catchUpBlocks } = config.engine;
  const heights = Math.max(openHeights, catchUpBlocks);
  return createPruner(
    {
      store,
      currentEpoch: () =>
        agreedEpoch(engine.state(), epochAt(schedule, BigInt(Math.floor(now() / 1_000)))),
      closedBelow: (rollupId) =>
        closedBelow(engine.state(), rollupId, { settlement: settled.status(rollupId), heights }),
      onEvidenceGone: (evidence) => engine.forgetEvidence(evidence),
      logger,
    },
    {
      ...config.retention,
      rollupIds: config.rollups.map(({ rollupId }) => rollupId),
      pauseMs: PAUSE_MS,
      batchPauseMs: BATCH_PAUSE_MS,
    },
  );
}

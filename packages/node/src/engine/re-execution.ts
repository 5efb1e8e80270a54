import { type EngineState, epochAt } from "@mach/core";
import type { Alerts } from "../alerts.ts";
import type { RollupConfig } from "../config.ts";
import { createBlockExecutors } from "./block-executors.ts";
import { createExecutedBranch, type ExecutedBranch } from "./executed-branch.ts";
import { requireExecution } from "./executed-claims.ts";
import { createExecutionGate } from "./execution-gate.ts";
import { createInvalidBlocks } from "./invalid-blocks.ts";
import type { ClaimSigner } from "./ports.ts";
import { isSettled } from "./settled-blocks.ts";

export interface ReExecutionPorts {
  readonly state: () => EngineState;
  readonly alerts: Alerts;
  readonly onFault: (error: unknown) => void;
  /** Waits so many milliseconds. */
  readonly delay: (milliseconds: number) => Promise<void>;
}

/** Level 2 in a node: before anything is signed, and for the alerts of those that sign nothing. */
export interface ReExecution {
  /** The signer, behind the execution. */
  guard(signer: ClaimSigner): ClaimSigner;
  /** Executes the newest block of a rollup at level 2, whether or not it is to be signed. */
  onBlock(rollupId: bigint): void;
  stop(): Promise<void>;
}

/** Executes the blocks of the rollups that have an `execution` in the configuration. */
export function createReExecution(
  ports: ReExecutionPorts,
  config: { readonly dataDir: string; readonly rollups: readonly RollupConfig[] },
): ReExecution {
  const { state, alerts, onFault, delay } = ports;
  const invalidBlocks = createInvalidBlocks(config.dataDir);
  const executors = createBlockExecutors(config.rollups, {
    onInvalid: (rollupId, invalid) => invalidBlocks.keep(rollupId, invalid).catch(onFault),
  });
  const branches = new Map<bigint, ExecutedBranch>();
  for (const { rollupId } of config.rollups) {
    const executor = executors.of(rollupId);
    if (executor === undefined) continue;
    const branch = createExecutedBranch({
      executor,
      finalized: () => state().rollups.get(rollupId)?.finalized ?? null,
      isSettled: (block) => isSettled(state(), rollupId, block),
      delay,
    });
    branches.set(rollupId, branch);
  }
  const gate = createExecutionGate({
    alerts,
    branchOf: (rollupId) => branches.get(rollupId),
    fileOf: (block) => invalidBlocks.fileOf(block),
  });
  return {
    guard: (signer) => requireExecution(signer, gate),
    onBlock(rollupId) {
      const tip = state().rollups.get(rollupId)?.tip ?? null;
      if (tip === null) return;
      const epoch = epochAt(state().options.schedule, tip.timestamp);
      const parameters = epoch === null ? null : state().epochs.get(epoch)?.rollups.get(rollupId);
      if (parameters?.verification === 2) gate.watch(rollupId, tip);
    },
    stop: () => executors.stop(),
  };
}

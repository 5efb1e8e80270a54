import type { Claim } from "@mach/core";
import { type Alerts, EVENT_LASTS_MS } from "../alerts.ts";
import type { BlockId, BranchVerdict, ExecutedBranch } from "./executed-branch.ts";

export interface ExecutionGatePorts {
  readonly alerts: Alerts;
  /** Undefined for a rollup that nothing here can execute. */
  readonly branchOf: (rollupId: bigint) => ExecutedBranch | undefined;
  /** Where an invalid block is kept, from the data folder on; null where it is not. */
  readonly fileOf: (block: BlockId) => string | null;
}

export type ExecutionRefusal = "not-executed" | "block-invalid";

/** Executes the blocks of each rollup one after the other, and says what came of it. */
export interface ExecutionGate {
  /** Null where the claim's block and its ancestors were executed to their hashes. */
  check(
    claim: Pick<Claim, "rollupId" | "blockNumber" | "blockHash">,
    isStillWanted: () => boolean,
  ): Promise<ExecutionRefusal | null>;
  /** Executes a block for nobody's signature, unless another of its rollup is under way. */
  watch(rollupId: bigint, block: BlockId): void;
}

/** A gate whose alerts name what is invalid, and what could not be executed. */
export function createExecutionGate(ports: ExecutionGatePorts): ExecutionGate {
  const { alerts, branchOf } = ports;
  const queues = new Map<bigint, Promise<void>>();

  /** One after the other: claims of a rollup are signed in the order of their heights. */
  function inOrder<T>(rollupId: bigint, work: () => Promise<T>): Promise<T> {
    const before = queues.get(rollupId) ?? Promise.resolve();
    const result = before.then(work, work);
    const leave = (): void => {
      if (queues.get(rollupId) === settled) queues.delete(rollupId);
    };
    const settled: Promise<void> = result.then(leave, leave);
    queues.set(rollupId, settled);
    return result;
  }

  function tell(
    rollupId: bigint,
    { blockNumber }: BlockId,
    verdict: BranchVerdict,
  ): ExecutionRefusal | null {
    switch (verdict.outcome) {
      case "valid":
        alerts.clear({ code: "block-not-executed", rollupId });
        return null;
      case "unverifiable": {
        const { block, why } = verdict;
        raiseNotExecuted({ rollupId, blockNumber }, `block ${block.blockNumber}: ${why}`);
        return "not-executed";
      }
      case "invalid":
        raiseInvalid(rollupId, verdict);
        return "block-invalid";
    }
  }

  function raiseNotExecuted(
    { rollupId, blockNumber }: { readonly rollupId: bigint; readonly blockNumber: bigint },
    why: string,
  ): void {
    alerts.raise({
      code: "block-not-executed",
      severity: "warning",
      rollupId,
      message: `Height ${blockNumber} of rollup ${rollupId} was not executed, nor signed (${why}).`,
      lastsMs: EVENT_LASTS_MS,
    });
  }

  function raiseInvalid(
    rollupId: bigint,
    { block, verdict }: Extract<BranchVerdict, { outcome: "invalid" }>,
  ): void {
    const { field, expected, got } = verdict;
    const file = ports.fileOf(block);
    const reproduce =
      file === null
        ? "It could not be kept to reproduce it."
        : `Reproduce it in the data folder: mach execute ${file}`;
    alerts.raise({
      code: "block-invalid",
      severity: "critical",
      rollupId,
      subject: block.blockHash,
      message:
        `Block ${block.blockNumber} (${block.blockHash}) of rollup ${rollupId} does not follow ` +
        `from its parent (${field}: ${got}; by execution: ${expected}). Nothing above it is ` +
        `signed until L1 has finalised past it, or the rollup has left it. ${reproduce}`,
      // Each refusal makes it last on: it stays for a while after the last one.
      lastsMs: EVENT_LASTS_MS,
    });
  }

  return {
    async check(claim, isStillWanted) {
      const { rollupId, blockNumber, blockHash } = claim;
      return await inOrder(rollupId, async () => {
        const branch = branchOf(rollupId);
        if (branch === undefined) {
          raiseNotExecuted(claim, "no execution is configured for it");
          return "not-executed";
        }
        const block = { blockNumber, blockHash };
        if (!isStillWanted()) return "not-executed";
        return tell(rollupId, block, await branch.check(block, isStillWanted));
      });
    },
    watch(rollupId, block) {
      const branch = branchOf(rollupId);
      if (branch === undefined || queues.has(rollupId)) return;
      void inOrder(rollupId, async () => {
        const verdict = await branch.check(block, () => true);
        if (verdict.outcome === "invalid") tell(rollupId, block, verdict);
      });
    },
  };
}

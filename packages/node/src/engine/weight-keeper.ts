import { type EpochSchedule, epochStart, snapshotTime } from "@mach/core";
import type { EpochFixer, PayerBalance } from "@mach/settlement";
import type { Alerts } from "../alerts.ts";

export interface WeightKeeperPorts {
  readonly fixer: Pick<EpochFixer, "pokeSources">;
  readonly alerts: Alerts;
}

/** Has the weights of sources without a history checkpointed before each snapshot. */
export interface WeightKeeper {
  /** Does what is due, which is seldom anything; the payer's balance where it was asked for. */
  keep(turn: {
    /** The epoch under way. */
    readonly current: bigint;
    readonly nowMs: number;
    /** How long the payers before this one in the order have, in milliseconds. */
    readonly delayMs: number;
    readonly signal: AbortSignal;
  }): Promise<PayerBalance | null>;
}

/** How long nothing is asked after an answer that may change within the epoch. */
const PAUSE_MS = 15_000;
/** The part of an epoch after which a weight that is still unknown wants a person. */
const LATE_PERCENT = 75n;

/**
 * Pokes once in each epoch, for the next snapshot: a source says itself what it would not know then,
 * so that whoever's turn it is pays, and the others find nothing to do.
 */
export function createWeightKeeper(
  { fixer, alerts }: WeightKeeperPorts,
  schedule: EpochSchedule,
): WeightKeeper {
  let kept: bigint | null = null;
  let alerted: bigint | null = null;
  let askAgainAtMs = 0;

  function clearAlert(): void {
    if (alerted !== null) alerts.clear(weightsUnknown(alerted));
    alerted = null;
  }

  return {
    async keep({ current, nowMs, delayMs, signal }) {
      // The next snapshot is taken when the epoch under way ends.
      const epoch = current + 2n;
      const startMs = Number(epochStart(schedule, current)) * 1_000;
      if (alerted !== null && alerted < epoch) clearAlert();
      if (kept === epoch || nowMs < startMs + delayMs || nowMs < askAgainAtMs) return null;
      askAgainAtMs = nowMs + PAUSE_MS;
      const result = await fixer.pokeSources(snapshotTime(schedule, epoch), signal);
      if (result.code === "fresh" || result.code === "poked") {
        kept = epoch;
        clearAlert();
        return result;
      }
      const lateMs = startMs + Number((schedule.epochSeconds * LATE_PERCENT) / 100n) * 1_000;
      if (!signal.aborted && (result.code !== "too-early" || nowMs >= lateMs)) {
        alerted = epoch;
        const message =
          `Weights could not be checkpointed for epoch ${epoch} (${result.code}): where that stays ` +
          "so until its snapshot, the epoch will have no operator set. It is tried again.";
        alerts.raise({ ...weightsUnknown(epoch), severity: "warning", message });
      }
      return result;
    },
  };
}

function weightsUnknown(epoch: bigint): { code: string; rollupId: null; subject: string } {
  return { code: "weights-not-checkpointed", rollupId: null, subject: epoch.toString() };
}

import type { Alert } from "@mach/api";
import type { FixEpochOutcome, ReadOperatorSetResult, RegistryEpoch } from "@mach/settlement";
import { expect, onTestFinished } from "vitest";
import { createAlerts } from "../../src/alerts.ts";
import {
  createEpochWatcher,
  type EpochPayer,
  type EpochWatcher,
  type EpochWatcherPorts,
} from "../../src/engine/epoch-watcher.ts";
import { operatorAt, operatorSetOf, PARAMETERS, SCHEDULE } from "./engine-node.ts";

export const BLOCK = { number: 9n, hash: `0x${"bb".repeat(32)}`, timestamp: 1_000n } as const;
const L1_DOWN = { ok: false, code: "l1-unavailable", answered: 0, required: 1 } as const;
export const STEP_MS = 10_000;

export type FixCode = FixEpochOutcome["code"];

/** An L1 with a registry: what it says, and who asked it what. */
export interface L1 {
  readonly fixed: Set<bigint>;
  readonly refused: Map<bigint, Exclude<ReadOperatorSetResult, { ok: true }>>;
  isDown: boolean;
  /** Of the finalized block that is read at, in seconds; null while it keeps up with the clock. */
  timestamp: bigint | null;
  /** A read waits for it. */
  gate: Promise<void>;
  readonly reads: bigint[];
  probes: number;
  concurrent: number;
  mostConcurrent: number;
}

export interface Setup {
  readonly l1: L1;
  readonly clock: { now: number };
  readonly paid: bigint[];
  /** The snapshots, in seconds, for which weights were asked to be checkpointed. */
  readonly poked: bigint[];
  readonly outcome: { code: FixCode; isBalanceLow: boolean };
  readonly known: RegistryEpoch[];
  readonly absent: bigint[];
  readonly fatal: unknown[];
  readonly failures: string[];
  readonly watcher: EpochWatcher;
  standing(): readonly string[];
  /** Waits until so many further rounds have begun and ended. */
  rounds(count?: number): Promise<void>;
}

/** A watcher in the middle of epoch `epoch`, that has not started; it ends with its test. */
export function create(options: {
  readonly epoch: bigint;
  readonly payer?: number | "outsider";
  readonly known?: readonly bigint[];
  readonly onEpoch?: EpochWatcherPorts["onEpoch"];
}): Setup {
  const begins = SCHEDULE.genesisTime + options.epoch * SCHEDULE.epochSeconds;
  const clock = { now: Number(begins) * 1_000 + 100 };
  const l1: L1 = {
    ...{
      fixed: new Set(),
      refused: new Map(),
      isDown: false,
      timestamp: null,
      gate: Promise.resolve(),
    },
    ...{ reads: [], probes: 0, concurrent: 0, mostConcurrent: 0 },
  };
  const alerts = new Map<string, Alert>();
  const seen = {
    paid: [] as bigint[],
    poked: [] as bigint[],
    known: [] as RegistryEpoch[],
    fatal: [] as unknown[],
    absent: [] as bigint[],
  };
  const failures: string[] = [];
  const outcome = { code: "fixed" as FixCode, isBalanceLow: false };
  let clockReads = 0;
  const payer: EpochPayer = {
    operator: options.payer === "outsider" ? "0x02" : operatorAt(options.payer ?? 0),
    stepMs: STEP_MS,
    fixer: {
      async fixEpoch(epoch) {
        seen.paid.push(epoch);
        if (outcome.code === "fixed") l1.fixed.add(epoch);
        const { code, isBalanceLow } = outcome;
        return { code, isBalanceLow, balanceWei: isBalanceLow ? 1n : 10n } as Awaited<
          ReturnType<EpochPayer["fixer"]["fixEpoch"]>
        >;
      },
      async pokeSources(snapshotTime) {
        seen.poked.push(snapshotTime);
        return { code: "fresh", isBalanceLow: outcome.isBalanceLow, balanceWei: 10n };
      },
    },
  };
  const watcher = createEpochWatcher(
    {
      reader: {
        readOperatorSet: (epoch) => readFrom(l1, epoch, clock.now),
        async readNetwork() {
          l1.probes += 1;
          if (l1.isDown) return L1_DOWN;
          const domain = { chainId: 1n, verifyingContract: operatorAt(0) };
          return { ok: true, network: { domain, schedule: SCHEDULE }, block: BLOCK };
        },
      },
      payer: options.payer === undefined ? null : payer,
      alerts: createAlerts({
        publish: (alert) => alerts.set(alert.alertId, alert),
        now: () => clock.now,
      }),
      onEpoch: async (epoch) => {
        seen.known.push(epoch);
        await options.onEpoch?.(epoch);
      },
      onAbsent: (epoch) => seen.absent.push(epoch),
      onFailure: ({ epoch, result }) => failures.push(`${epoch}: ${result.code}`),
      onFatal: (error) => seen.fatal.push(error),
      now: () => {
        clockReads += 1;
        return clock.now;
      },
    },
    {
      ...{ schedule: SCHEDULE, pollMs: 1, lookback: 4 },
      known: (options.known ?? []).map((epoch) => operatorSetOf(epoch)),
    },
  );
  onTestFinished(() => watcher.stop());
  return {
    ...seen,
    ...{ l1, clock, outcome, failures, watcher },
    standing: () =>
      [...alerts.values()].filter((each) => each.clearedAt === null).map((each) => each.code),
    async rounds(count = 3) {
      const before = clockReads;
      await expect.poll(() => clockReads, { interval: 1 }).toBeGreaterThan(before + 4 * count);
    },
  };
}

async function readFrom(l1: L1, epoch: bigint, now: number): Promise<ReadOperatorSetResult> {
  l1.reads.push(epoch);
  l1.concurrent += 1;
  l1.mostConcurrent = Math.max(l1.mostConcurrent, l1.concurrent);
  await l1.gate;
  l1.concurrent -= 1;
  if (l1.isDown) return L1_DOWN;
  const refused = l1.refused.get(epoch);
  if (refused !== undefined) return refused;
  if (!l1.fixed.has(epoch)) {
    const timestamp = l1.timestamp ?? BigInt(Math.floor(now / 1_000));
    return { ok: false, code: "not-fixed", block: { ...BLOCK, timestamp } };
  }
  const operatorSet = operatorSetOf(epoch);
  return { ok: true, operatorSet, rollups: [PARAMETERS], unsupportedRollups: [], block: BLOCK };
}

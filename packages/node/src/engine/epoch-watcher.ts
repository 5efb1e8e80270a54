import { type EpochSchedule, epochAt, type Hex, type OperatorSet, snapshotTime } from "@mach/core";
import {
  type EpochFixer,
  payerDelayMs,
  type ReadOperatorSetResult,
  type RegistryEpoch,
  type RegistryReader,
} from "@mach/settlement";
import type { Alerts } from "../alerts.ts";

/** Pays for fixing epochs, in turn with the other operators. */
export interface EpochPayer {
  readonly fixer: Pick<EpochFixer, "fixEpoch">;
  /** Whose turn it is follows from this address's place in the newest known set. */
  readonly operator: Hex;
  readonly stepMs: number;
}

export interface EpochWatcherPorts {
  readonly reader: Pick<RegistryReader, "readOperatorSet">;
  readonly payer: EpochPayer | null;
  readonly alerts: Alerts;
  /** An epoch's set was read, rebuilt and found equal to the registry's hash. */
  readonly onEpoch: (epoch: RegistryEpoch) => Promise<void>;
  readonly onFailure: (failure: {
    epoch: bigint;
    result: Exclude<ReadOperatorSetResult, { ok: true }>;
  }) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface EpochWatcherOptions {
  readonly schedule: EpochSchedule;
  readonly pollMs: number;
  /** How many epochs before the current one are read at the start. */
  readonly lookback: number;
  /** Sets that the store had. */
  readonly known: readonly OperatorSet[];
}

export interface EpochWatcher {
  start(): void;
  stop(): Promise<void>;
  /** The last time that L1 answered, in milliseconds; null before the first. */
  l1AnsweredAtMs(): number | null;
}

/** Where no set tells an operator's place, its address does: a collision costs gas, no more. */
const FALLBACK_TURNS = 4n;

/** Keeps the sets of the epochs around now known, and pays for fixing the next when it is due. */
export function createEpochWatcher(
  ports: EpochWatcherPorts,
  options: EpochWatcherOptions,
): EpochWatcher {
  const { schedule, pollMs } = options;
  const known = new Set(options.known.map((set) => set.epoch));
  const dueSinceMs = new Map<bigint, number>();
  const stopping = new AbortController();
  let newest = options.known.at(-1) ?? null;
  let answeredAtMs: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let isFirstRound = true;

  async function read(epoch: bigint): Promise<"known" | "not-fixed" | "failed"> {
    const result = await ports.reader.readOperatorSet(epoch);
    if (result.ok || result.code === "not-fixed") answeredAtMs = ports.now();
    if (!result.ok) {
      ports.onFailure({ epoch, result });
      return result.code === "not-fixed" ? "not-fixed" : "failed";
    }
    known.add(epoch);
    dueSinceMs.delete(epoch);
    if (newest === null || newest.epoch < epoch) newest = result.operatorSet;
    await ports.onEpoch(result);
    ports.alerts.clear({ code: "operator-set-unknown", rollupId: null });
    return "known";
  }

  async function round(): Promise<void> {
    const current = epochAt(schedule, BigInt(Math.floor(ports.now() / 1_000)));
    if (current === null) return;
    const lookback = isFirstRound ? BigInt(options.lookback) : 1n;
    let epoch = current > lookback ? current - lookback : 0n;
    let hasFailed = false;
    for (; epoch <= current + 1n && !stopping.signal.aborted; epoch += 1n) {
      if (known.has(epoch)) continue;
      const outcome = await read(epoch);
      hasFailed ||= outcome === "failed";
      // A past epoch that nobody fixed stays without a set: fixing it now would help nobody.
      if (outcome === "not-fixed" && epoch >= current) await pay(epoch);
    }
    if (!hasFailed) isFirstRound = false;
    if (!known.has(current)) alertUnknown(current);
    for (const old of known) if (old + BigInt(options.lookback) < current) known.delete(old);
  }

  async function pay(epoch: bigint): Promise<void> {
    const { payer, alerts } = ports;
    if (payer === null) return;
    const dueAtMs = Number(snapshotTime(schedule, epoch)) * 1_000;
    if (ports.now() < dueAtMs) return;
    const since = dueSinceMs.get(epoch) ?? ports.now();
    dueSinceMs.set(epoch, since);
    if (ports.now() < since + turnDelayMs(payer, epoch)) return;
    const result = await payer.fixer.fixEpoch(epoch, stopping.signal);
    if (result.isBalanceLow) {
      alerts.raise({
        code: "payer-balance-low",
        severity: "warning",
        rollupId: null,
        message: "The account that pays for fixing epochs runs low: send it more ether.",
      });
    } else if (result.balanceWei !== null) {
      alerts.clear({ code: "payer-balance-low", rollupId: null });
    }
    const cause = { code: "epoch-not-fixed", rollupId: null, subject: epoch.toString() } as const;
    if (result.code === "failed" || result.code === "low-balance") {
      alerts.raise({
        ...cause,
        severity: "warning",
        message: `Epoch ${epoch} could not be fixed on L1 (${result.code}); it is tried again.`,
      });
    } else {
      alerts.clear(cause);
    }
  }

  function turnDelayMs(payer: EpochPayer, epoch: bigint): number {
    const { operator, stepMs } = payer;
    const member = newest?.operators.find((each) => each.operator === operator);
    if (newest === null || member === undefined) {
      return Number(BigInt(operator) % FALLBACK_TURNS) * stepMs;
    }
    const count = newest.operators.length;
    return payerDelayMs({ epoch, index: member.index, count, stepMs });
  }

  function alertUnknown(epoch: bigint): void {
    ports.alerts.raise({
      code: "operator-set-unknown",
      severity: "critical",
      rollupId: null,
      message: `The operator set of epoch ${epoch} is not known here: nothing new becomes final.`,
    });
  }

  function scheduleNext(): void {
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      running = round().finally(scheduleNext);
    }, pollMs);
  }

  return {
    start() {
      running = round().finally(scheduleNext);
    },
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running.catch(() => undefined);
    },
    l1AnsweredAtMs: () => answeredAtMs,
  };
}

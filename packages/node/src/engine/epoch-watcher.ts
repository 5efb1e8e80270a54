import { type EpochSchedule, epochAt, type Hex, type OperatorSet, snapshotTime } from "@mach/core";
import {
  type EpochFixer,
  type PayerBalance,
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
  return new Watcher(ports, options);
}

class Watcher implements EpochWatcher {
  readonly #ports: EpochWatcherPorts;
  readonly #options: EpochWatcherOptions;
  readonly #known: Set<bigint>;
  readonly #dueSinceMs = new Map<bigint, number>();
  readonly #stopping = new AbortController();
  #newest: OperatorSet | null;
  #answeredAtMs: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isFirstRound = true;

  constructor(ports: EpochWatcherPorts, options: EpochWatcherOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#known = new Set(options.known.map((set) => set.epoch));
    this.#newest = options.known.at(-1) ?? null;
  }

  start(): void {
    this.#running = this.#round().finally(() => this.#scheduleNext());
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  l1AnsweredAtMs(): number | null {
    return this.#answeredAtMs;
  }

  #scheduleNext(): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => this.start(), this.#options.pollMs);
  }

  async #round(): Promise<void> {
    const { schedule, lookback } = this.#options;
    const current = epochAt(schedule, BigInt(Math.floor(this.#ports.now() / 1_000)));
    if (current === null) return;
    const before = this.#isFirstRound ? BigInt(lookback) : 1n;
    let hasFailed = false;
    let epoch = current > before ? current - before : 0n;
    for (; epoch <= current + 1n && !this.#stopping.signal.aborted; epoch += 1n) {
      if (this.#known.has(epoch)) continue;
      const outcome = await this.#read(epoch);
      hasFailed ||= outcome === "failed";
      // A past epoch that nobody fixed stays without a set: fixing it now would help nobody.
      if (outcome === "not-fixed" && epoch >= current) await this.#pay(epoch);
    }
    if (!hasFailed) this.#isFirstRound = false;
    if (!this.#known.has(current)) this.#alertUnknown(current);
    for (const old of this.#known) if (old + BigInt(lookback) < current) this.#known.delete(old);
  }

  async #read(epoch: bigint): Promise<"known" | "not-fixed" | "failed"> {
    const { reader, onEpoch, onFailure, alerts, now } = this.#ports;
    const result = await reader.readOperatorSet(epoch);
    if (result.ok || result.code === "not-fixed") this.#answeredAtMs = now();
    if (!result.ok) {
      onFailure({ epoch, result });
      return result.code === "not-fixed" ? "not-fixed" : "failed";
    }
    this.#known.add(epoch);
    this.#dueSinceMs.delete(epoch);
    if (this.#newest === null || this.#newest.epoch < epoch) this.#newest = result.operatorSet;
    await onEpoch(result);
    alerts.clear({ code: "operator-set-unknown", rollupId: null });
    return "known";
  }

  async #pay(epoch: bigint): Promise<void> {
    const { payer, alerts, now } = this.#ports;
    if (payer === null) return;
    if (now() < Number(snapshotTime(this.#options.schedule, epoch)) * 1_000) return;
    const since = this.#dueSinceMs.get(epoch) ?? now();
    this.#dueSinceMs.set(epoch, since);
    if (now() < since + this.#turnDelayMs(payer, epoch)) return;
    const result = await payer.fixer.fixEpoch(epoch, this.#stopping.signal);
    this.#noteBalance(result);
    const cause = { code: "epoch-not-fixed", rollupId: null, subject: epoch.toString() } as const;
    if (result.code === "failed" || result.code === "low-balance") {
      const message = `Epoch ${epoch} could not be fixed on L1 (${result.code}); it is tried again.`;
      alerts.raise({ ...cause, severity: "warning", message });
    } else {
      alerts.clear(cause);
    }
  }

  #noteBalance(balance: PayerBalance): void {
    const cause = { code: "payer-balance-low", rollupId: null } as const;
    const message = "The account that pays for fixing epochs runs low: send it more ether.";
    if (balance.isBalanceLow) this.#ports.alerts.raise({ ...cause, severity: "warning", message });
    else if (balance.balanceWei !== null) this.#ports.alerts.clear(cause);
  }

  #turnDelayMs(payer: EpochPayer, epoch: bigint): number {
    const { operator, stepMs } = payer;
    const newest = this.#newest;
    const member = newest?.operators.find((each) => each.operator === operator);
    if (newest === null || member === undefined) {
      return Number(BigInt(operator) % FALLBACK_TURNS) * stepMs;
    }
    const count = newest.operators.length;
    return payerDelayMs({ epoch, index: member.index, count, stepMs });
  }

  #alertUnknown(epoch: bigint): void {
    this.#ports.alerts.raise({
      code: "operator-set-unknown",
      severity: "critical",
      rollupId: null,
      message: `The operator set of epoch ${epoch} is not known here: nothing new becomes final.`,
    });
  }
}

import { type EpochSchedule, epochAt, epochStart, type Hex, type OperatorSet } from "@mach/core";
import {
  type EpochFixer,
  type PayerBalance,
  payerDelayMs,
  type ReadOperatorSetResult,
  type RegistryEpoch,
  type RegistryReader,
  type RegistryReadFailure,
} from "@mach/settlement";
import type { Alerts } from "../alerts.ts";
import { createWeightKeeper, type WeightKeeper } from "./weight-keeper.ts";

/** Pays for fixing epochs, and for weights to fix them by, in turn with the other operators. */
export interface EpochPayer {
  readonly fixer: Pick<EpochFixer, "fixEpoch" | "pokeSources">;
  /** Whose turn it is follows from this address's place in the newest known set. */
  readonly operator: Hex;
  readonly stepMs: number;
}

export interface EpochWatcherPorts {
  readonly reader: Pick<RegistryReader, "readOperatorSet" | "readNetwork">;
  readonly payer: EpochPayer | null;
  readonly alerts: Alerts;
  /** An epoch's set was read, rebuilt and found equal to the registry's hash. */
  readonly onEpoch: (epoch: RegistryEpoch) => Promise<void>;
  /** A past epoch has no set: finalized L1 state from after its end holds none. */
  readonly onAbsent: (epoch: bigint) => void;
  readonly onFailure: (failure: {
    epoch: bigint;
    result: Exclude<ReadOperatorSetResult, { ok: true }>;
  }) => void;
  /** Told of what `onEpoch` rejects with: the node must not go on. */
  readonly onFatal: (error: unknown) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface EpochWatcherOptions {
  readonly schedule: EpochSchedule;
  readonly pollMs: number;
  /** How many epochs before the current one are read, until each is known or has no set. */
  readonly lookback: number;
  /** Sets that the store had: each is read again, because L1 alone says what stands. */
  readonly known: readonly OperatorSet[];
}

export interface EpochWatcher {
  start(): void;
  /** Does not wait for the L1: what it still answers is dropped. */
  stop(): Promise<void>;
  /** The last time that L1 answered, in milliseconds; null before the first. */
  l1AnsweredAtMs(): number | null;
}

/** Where no set tells an operator's place, its address does: a collision costs gas, no more. */
const FALLBACK_TURNS = 4n;
/** How long nothing may have been asked of L1 before it is asked whether it is still there. */
const PROBE_MS = 10_000;
/** Failures to read L1 at all; the others are about one epoch's set. */
const L1_FAILURES: ReadonlySet<string> = new Set<RegistryReadFailure["code"]>([
  "l1-unavailable",
  "wrong-chain",
  "sources-disagree",
  "registry-not-found",
  "malformed-answer",
]);

/** Keeps the sets of the epochs around now known, and pays for fixing the next when it is due. */
export function createEpochWatcher(
  ports: EpochWatcherPorts,
  options: EpochWatcherOptions,
): EpochWatcher {
  return new Watcher(ports, options);
}

/** How long an epoch may be under way before the operator is told that its set is missing. */
const UNKNOWN_GRACE_MS = 10_000;

class Watcher implements EpochWatcher {
  readonly #ports: EpochWatcherPorts;
  readonly #options: EpochWatcherOptions;
  readonly #known = new Set<bigint>();
  readonly #absent = new Set<bigint>();
  readonly #dueSinceMs = new Map<bigint, number>();
  readonly #refused = new Set<bigint>();
  readonly #stopping = new AbortController();
  readonly #weights: WeightKeeper | null;
  #newest: OperatorSet | null;
  #restored: ReadonlySet<bigint>;
  #answeredAtMs: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #l1Failure: string | null = null;

  constructor(ports: EpochWatcherPorts, options: EpochWatcherOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#restored = new Set(options.known.map((set) => set.epoch));
    this.#newest = options.known.at(-1) ?? null;
    const { payer, alerts } = ports;
    const { schedule } = options;
    this.#weights = payer && createWeightKeeper({ fixer: payer.fixer, alerts }, schedule);
  }

  start(): void {
    if (this.#running !== null || this.#stopping.signal.aborted) return;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  l1AnsweredAtMs(): number | null {
    return this.#answeredAtMs;
  }

  async #run(): Promise<void> {
    try {
      await this.#round();
    } catch (error) {
      this.#stopping.abort();
      this.#ports.onFatal(error);
    }
    this.#running = null;
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => this.start(), this.#options.pollMs);
  }

  async #round(): Promise<void> {
    const { schedule, lookback } = this.#options;
    const current = epochAt(schedule, BigInt(Math.floor(this.#ports.now() / 1_000)));
    if (current === null) {
      // The first two sets are those of the network's genesis, and nobody's epoch comes before it.
      await this.#keepWeights(-1n);
      if (this.#stopping.signal.aborted) return;
      await this.#probe();
      this.#noteL1();
      return;
    }
    const before = BigInt(lookback);
    let epoch = current > before ? current - before : 0n;
    for (; epoch <= current + 1n; epoch += 1n) {
      if (this.#known.has(epoch) || this.#absent.has(epoch)) continue;
      const outcome = await this.#read(epoch);
      if (this.#stopping.signal.aborted) return;
      // A past epoch that nobody fixed stays without a set: fixing it now would help nobody.
      if (outcome === "not-fixed" && epoch >= current) await this.#pay(epoch);
      if (this.#stopping.signal.aborted) return;
    }
    this.#forgetBefore(current);
    this.#noteCurrent(current);
    await this.#keepWeights(current);
    if (this.#stopping.signal.aborted) return;
    await this.#probe();
    this.#noteL1();
  }

  async #read(epoch: bigint): Promise<"known" | "not-fixed" | "failed" | "stopped"> {
    const { reader, onEpoch, onFailure, alerts } = this.#ports;
    const result = await this.#unlessStopped(reader.readOperatorSet(epoch));
    if (result === null) return "stopped";
    this.#noteAnswer(result);
    if (!result.ok) {
      onFailure({ epoch, result });
      if (result.code === "not-fixed") {
        this.#noteAbsent(epoch, result.block.timestamp);
        return "not-fixed";
      }
      if (!L1_FAILURES.has(result.code)) this.#alertRefused(epoch, result.code);
      return "failed";
    }
    await onEpoch(result);
    this.#known.add(epoch);
    this.#dueSinceMs.delete(epoch);
    alerts.clear(notFixed(epoch));
    this.#clearRefused(epoch);
    if (this.#newest === null || this.#newest.epoch < epoch) this.#newest = result.operatorSet;
    return "known";
  }

  /** What is not fixed in a finalized block from before the epoch's end may still be under way. */
  #noteAbsent(epoch: bigint, blockTimestamp: bigint): void {
    const { genesisTime, epochSeconds } = this.#options.schedule;
    if (blockTimestamp < genesisTime + (epoch + 1n) * epochSeconds) return;
    this.#absent.add(epoch);
    this.#clearRefused(epoch);
    this.#ports.onAbsent(epoch);
  }

  async #pay(epoch: bigint): Promise<void> {
    const { payer, alerts, now } = this.#ports;
    if (payer === null) return;
    const since = this.#dueSinceMs.get(epoch) ?? now();
    this.#dueSinceMs.set(epoch, since);
    if (now() < since + this.#turnDelayMs(payer, epoch)) return;
    const { signal } = this.#stopping;
    const result = await this.#unlessStopped(payer.fixer.fixEpoch(epoch, signal));
    if (result === null) return;
    this.#noteBalance(result);
    if (result.code === "failed" || result.code === "low-balance") {
      const message = `Epoch ${epoch} could not be fixed on L1 (${result.code}); it is tried again.`;
      alerts.raise({ ...notFixed(epoch), severity: "warning", message });
    } else {
      alerts.clear(notFixed(epoch));
    }
  }

  async #keepWeights(current: bigint): Promise<void> {
    const { payer, now } = this.#ports;
    const { signal } = this.#stopping;
    if (payer === null || this.#weights === null) return;
    const delayMs = this.#turnDelayMs(payer, current);
    const kept = this.#weights.keep({ current, nowMs: now(), delayMs, signal });
    const balance = await this.#unlessStopped(kept);
    if (balance !== null) this.#noteBalance(balance);
  }

  /** Asks L1 something small where nothing else was asked: that it answers is worth knowing. */
  async #probe(): Promise<void> {
    const { reader, now } = this.#ports;
    if (this.#answeredAtMs !== null && now() < this.#answeredAtMs + PROBE_MS) return;
    const result = await this.#unlessStopped(reader.readNetwork());
    if (result !== null) this.#noteAnswer(result);
  }

  #noteAnswer(result: { readonly ok: true } | { readonly ok: false; readonly code: string }): void {
    if (result.ok || !L1_FAILURES.has(result.code)) this.#answeredAtMs = this.#ports.now();
    else this.#l1Failure ??= result.code;
  }

  /** Once a round, so that an L1 that answers every other question is one alert. */
  #noteL1(): void {
    const { alerts } = this.#ports;
    const cause = { code: "l1-not-readable", rollupId: null } as const;
    const code = this.#l1Failure;
    this.#l1Failure = null;
    if (code === null) {
      alerts.clear(cause);
      return;
    }
    const message = `The registry cannot be read from L1 (${code}): check l1 in the configuration.`;
    alerts.raise({ ...cause, severity: "warning", message });
  }

  #noteBalance(balance: PayerBalance): void {
    const cause = { code: "payer-balance-low", rollupId: null } as const;
    const message = "The account that pays for fixing epochs runs low: send it more ether.";
    if (balance.isBalanceLow) this.#ports.alerts.raise({ ...cause, severity: "warning", message });
    else if (balance.balanceWei !== null) this.#ports.alerts.clear(cause);
  }

  #alertRefused(epoch: bigint, code: string): void {
    const message =
      `What L1 says of the operators of epoch ${epoch} does not make the set that the registry ` +
      `fixed (${code}): nothing of that epoch counts here. Ask another L1 endpoint.`;
    this.#refused.add(epoch);
    this.#ports.alerts.raise({ ...refused(epoch), severity: "critical", message });
  }

  #clearRefused(epoch: bigint): void {
    if (this.#refused.delete(epoch)) this.#ports.alerts.clear(refused(epoch));
  }

  #noteCurrent(epoch: bigint): void {
    const { alerts } = this.#ports;
    const cause = { code: "operator-set-unknown", rollupId: null } as const;
    if (this.#known.has(epoch) || this.#restored.has(epoch)) {
      alerts.clear(cause);
      return;
    }
    // A set that is read a moment after its epoch has begun is no reason to wake anyone.
    const begunAtMs = Number(epochStart(this.#options.schedule, epoch)) * 1_000;
    if (this.#ports.now() < begunAtMs + UNKNOWN_GRACE_MS) return;
    const message = `The operator set of epoch ${epoch} is not known here: nothing new becomes final.`;
    alerts.raise({ ...cause, severity: "critical", message });
  }

  #forgetBefore(current: bigint): void {
    const oldest = current - BigInt(this.#options.lookback);
    for (const settled of [this.#known, this.#absent]) {
      for (const epoch of settled) if (epoch < oldest) settled.delete(epoch);
    }
    for (const epoch of this.#refused) if (epoch < oldest) this.#clearRefused(epoch);
    for (const epoch of this.#dueSinceMs.keys()) {
      if (epoch >= current) continue;
      this.#dueSinceMs.delete(epoch);
      this.#ports.alerts.clear(notFixed(epoch));
    }
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

  /** The answer, or null as soon as the watcher is stopped. */
  async #unlessStopped<T>(answer: Promise<T>): Promise<T | null> {
    const { signal } = this.#stopping;
    if (signal.aborted) return null;
    let onAbort = (): void => undefined;
    const stopped = new Promise<null>((resolve) => {
      onAbort = () => resolve(null);
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      const first = await Promise.race([answer, stopped]);
      return signal.aborted ? null : first;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

function refused(epoch: bigint): { code: string; rollupId: null; subject: string } {
  return { code: "operator-set-refused", rollupId: null, subject: epoch.toString() };
}

function notFixed(epoch: bigint): { code: string; rollupId: null; subject: string } {
  return { code: "epoch-not-fixed", rollupId: null, subject: epoch.toString() };
}

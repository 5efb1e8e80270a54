import type { Alert } from "@mach/api";
import type { FixEpochOutcome, ReadOperatorSetResult, RegistryEpoch } from "@mach/settlement";
import { afterEach, describe, expect, it } from "vitest";
import { createAlerts } from "../../src/alerts.ts";
import {
  createEpochWatcher,
  type EpochPayer,
  type EpochWatcher,
  type EpochWatcherPorts,
} from "../../src/engine/epoch-watcher.ts";
import { operatorAt, operatorSetOf, PARAMETERS, SCHEDULE, WEIGHTS } from "./engine-node.ts";

const BLOCK = { number: 9n, hash: `0x${"bb".repeat(32)}`, timestamp: 1_000n } as const;
const NOT_FIXED = { ok: false, code: "not-fixed", block: BLOCK } as const;
const L1_DOWN = { ok: false, code: "l1-unavailable", answered: 0, required: 1 } as const;
const STEP_MS = 10_000;

type FixCode = FixEpochOutcome["code"];

/** An L1 with a registry: what it says, and who asked it what. */
interface L1 {
  readonly fixed: Set<bigint>;
  readonly refused: Map<bigint, Exclude<ReadOperatorSetResult, { ok: true }>>;
  isDown: boolean;
  /** A read waits for it. */
  gate: Promise<void>;
  readonly reads: bigint[];
  probes: number;
  concurrent: number;
  mostConcurrent: number;
}

interface Setup {
  readonly l1: L1;
  readonly clock: { now: number };
  readonly paid: bigint[];
  readonly outcome: { code: FixCode; isBalanceLow: boolean };
  readonly known: RegistryEpoch[];
  readonly fatal: unknown[];
  readonly failures: string[];
  readonly watcher: EpochWatcher;
  standing(): readonly string[];
  /** Waits until so many further rounds have begun and ended. */
  rounds(count?: number): Promise<void>;
}

const running: EpochWatcher[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((watcher) => watcher.stop()));
});

/** A watcher in the middle of epoch `epoch`, that has not started. */
function create(options: {
  readonly epoch: bigint;
  readonly payer?: number | "outsider";
  readonly known?: readonly bigint[];
  readonly onEpoch?: EpochWatcherPorts["onEpoch"];
}): Setup {
  const begins = SCHEDULE.genesisTime + options.epoch * SCHEDULE.epochSeconds;
  const clock = { now: Number(begins) * 1_000 + 100 };
  const l1: L1 = {
    ...{ fixed: new Set(), refused: new Map(), isDown: false, gate: Promise.resolve() },
    ...{ reads: [], probes: 0, concurrent: 0, mostConcurrent: 0 },
  };
  const alerts = new Map<string, Alert>();
  const seen = { paid: [] as bigint[], known: [] as RegistryEpoch[], fatal: [] as unknown[] };
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
    },
  };
  const watcher = createEpochWatcher(
    {
      reader: {
        readOperatorSet: (epoch) => readFrom(l1, epoch),
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
  running.push(watcher);
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

async function readFrom(l1: L1, epoch: bigint): Promise<ReadOperatorSetResult> {
  l1.reads.push(epoch);
  l1.concurrent += 1;
  l1.mostConcurrent = Math.max(l1.mostConcurrent, l1.concurrent);
  await l1.gate;
  l1.concurrent -= 1;
  if (l1.isDown) return L1_DOWN;
  const refused = l1.refused.get(epoch);
  if (refused !== undefined) return refused;
  if (!l1.fixed.has(epoch)) return NOT_FIXED;
  const operatorSet = operatorSetOf(epoch);
  return { ok: true, operatorSet, rollups: [PARAMETERS], unsupportedRollups: [], block: BLOCK };
}

describe("reading", () => {
  it("looks some epochs back at the start, and then around the current one only", async () => {
    const { l1, watcher, rounds, known } = create({ epoch: 10n });
    for (const epoch of [6n, 8n, 9n, 10n]) l1.fixed.add(epoch);
    watcher.start();
    await rounds();
    expect(known.map((each) => each.operatorSet.epoch)).toEqual([6n, 8n, 9n, 10n]);
    l1.reads.length = 0;
    await rounds();
    expect(new Set(l1.reads)).toEqual(new Set([11n]));
  });

  it("reads what the store had again: L1 alone says what stands", async () => {
    const { l1, watcher, rounds, known } = create({ epoch: 10n, known: [9n, 10n] });
    for (const epoch of [9n, 10n]) l1.fixed.add(epoch);
    watcher.start();
    await rounds();
    expect(known.map((each) => each.operatorSet.epoch)).toEqual([9n, 10n]);
  });

  it("looks back again until L1 has answered once", async () => {
    const { l1, watcher, rounds, known, standing } = create({ epoch: 10n });
    l1.fixed.add(7n);
    l1.isDown = true;
    watcher.start();
    await rounds();
    expect(standing().toSorted()).toEqual(["l1-not-readable", "operator-set-unknown"]);
    expect(watcher.l1AnsweredAtMs()).toBeNull();
    l1.isDown = false;
    await expect.poll(() => known.length).toBe(1);
    await rounds();
    expect(standing()).toEqual(["operator-set-unknown"]);
  });

  it("says that the current set is unknown, until it is known", async () => {
    const { l1, watcher, rounds, standing } = create({ epoch: 10n });
    l1.fixed.add(9n);
    watcher.start();
    await rounds();
    expect(standing()).toEqual(["operator-set-unknown"]);
    l1.fixed.add(10n);
    await expect.poll(() => standing()).toEqual([]);
  });

  it("a set that does not make the registry's hash is refused, and one alert", async () => {
    const { l1, watcher, rounds, standing, failures, known } = create({ epoch: 10n });
    for (const epoch of [9n, 10n]) l1.fixed.add(epoch);
    const hashes = { registryHash: BLOCK.hash, rebuiltHash: BLOCK.hash };
    l1.refused.set(10n, { ok: false, code: "hash-mismatch", ...hashes });
    watcher.start();
    await rounds();
    expect(standing().toSorted()).toEqual(["operator-set-refused", "operator-set-unknown"]);
    expect(failures).toContain("10: hash-mismatch");
    expect(known.map((each) => each.operatorSet.epoch)).toEqual([9n]);
    l1.refused.clear();
    await expect.poll(() => standing()).toEqual([]);
  });

  it("asks L1 whether it is there where all is known, and not at every turn", async () => {
    const { l1, watcher, rounds, clock } = create({ epoch: 10n });
    for (let epoch = 6n; epoch <= 11n; epoch += 1n) l1.fixed.add(epoch);
    watcher.start();
    await rounds();
    expect([l1.probes, watcher.l1AnsweredAtMs()]).toEqual([0, clock.now]);
    clock.now += 10_000;
    await rounds();
    expect([l1.probes, watcher.l1AnsweredAtMs()]).toEqual([1, clock.now]);
    l1.isDown = true;
    clock.now += 10_000;
    await rounds();
    expect(watcher.l1AnsweredAtMs()).toBe(clock.now - 10_000);
  });
});

describe("paying", () => {
  const fixAllBut = (l1: L1, ...missing: readonly bigint[]): void => {
    for (let epoch = 6n; epoch <= 11n; epoch += 1n)
      if (!missing.includes(epoch)) l1.fixed.add(epoch);
  };

  it.each(WEIGHTS.map((_, index) => index))(
    "operator %i pays when its turn has come, and not before",
    async (index) => {
      const { l1, watcher, rounds, paid, clock } = create({ epoch: 10n, payer: index });
      fixAllBut(l1, 11n);
      watcher.start();
      await rounds();
      // Epoch 11 begins with the operator of index 11 mod 4.
      const delay = ((index - 3 + WEIGHTS.length) % WEIGHTS.length) * STEP_MS;
      if (delay > 0) {
        expect(paid).toEqual([]);
        clock.now += delay - 1;
        await rounds();
        expect(paid).toEqual([]);
        clock.now += 1;
      }
      await expect.poll(() => paid).toEqual([11n]);
    },
  );

  it("one that is in no set takes the turn of its address", async () => {
    const { l1, watcher, rounds, paid, clock } = create({ epoch: 10n, payer: "outsider" });
    fixAllBut(l1, 11n);
    watcher.start();
    await rounds();
    expect(paid).toEqual([]);
    clock.now += 2 * STEP_MS;
    await expect.poll(() => paid).toEqual([11n]);
  });

  it("pays for no epoch that has passed", async () => {
    const { l1, watcher, rounds, paid } = create({ epoch: 10n, payer: 3 });
    fixAllBut(l1, 7n, 9n);
    watcher.start();
    await rounds();
    expect(paid).toEqual([]);
  });

  it("pays nothing where there is no payer", async () => {
    const { l1, watcher, rounds, paid } = create({ epoch: 10n });
    fixAllBut(l1, 11n);
    watcher.start();
    await rounds();
    expect(paid).toEqual([]);
  });

  it.each<FixCode>(["failed", "low-balance"])(
    "%s is an alert, cleared when another has fixed the epoch",
    async (code) => {
      const { l1, watcher, standing, outcome } = create({ epoch: 10n, payer: 3 });
      fixAllBut(l1, 11n);
      outcome.code = code;
      outcome.isBalanceLow = code === "low-balance";
      watcher.start();
      const balance = outcome.isBalanceLow ? ["payer-balance-low"] : [];
      await expect.poll(() => standing().toSorted()).toEqual(["epoch-not-fixed", ...balance]);
      l1.fixed.add(11n);
      await expect.poll(() => standing()).toEqual(balance);
    },
  );

  it("an epoch that passed without being fixed is an alert no longer, and paid for no longer", async () => {
    const { l1, watcher, standing, outcome, clock, paid, rounds } = create({
      epoch: 10n,
      payer: 3,
    });
    fixAllBut(l1, 11n);
    outcome.code = "failed";
    watcher.start();
    await expect.poll(() => standing()).toEqual(["epoch-not-fixed"]);
    l1.fixed.add(12n).add(13n);
    clock.now += 2 * Number(SCHEDULE.epochSeconds) * 1_000;
    await expect.poll(() => standing()).toEqual([]);
    paid.length = 0;
    await rounds();
    expect(paid).toEqual([]);
  });

  it("an account that was filled up is an alert no longer", async () => {
    const { l1, watcher, standing, outcome } = create({ epoch: 10n, payer: 3 });
    fixAllBut(l1, 11n);
    Object.assign(outcome, { code: "too-early", isBalanceLow: true });
    watcher.start();
    await expect.poll(() => standing()).toEqual(["payer-balance-low"]);
    outcome.isBalanceLow = false;
    await expect.poll(() => standing()).toEqual([]);
  });
});

describe("running", () => {
  it("stops at once while L1 is silent, and what it still answers is dropped", async () => {
    const { l1, watcher, known } = create({ epoch: 10n });
    let open = (): void => undefined;
    l1.gate = new Promise((resolve) => {
      open = resolve;
    });
    l1.fixed.add(6n);
    watcher.start();
    await watcher.stop();
    expect(l1.reads).toEqual([6n]);
    open();
    await new Promise((resolve) => setImmediate(resolve));
    expect([known, l1.reads]).toEqual([[], [6n]]);
  });

  it("never has two rounds at once, however often it is started", async () => {
    const { l1, watcher, rounds } = create({ epoch: 10n });
    watcher.start();
    watcher.start();
    await rounds();
    watcher.start();
    await rounds();
    expect(l1.mostConcurrent).toBe(1);
  });

  it("a set that cannot be kept ends the node", async () => {
    const failure = new Error("another set is kept");
    const setup = create({
      epoch: 10n,
      onEpoch: async () => {
        throw failure;
      },
    });
    setup.l1.fixed.add(10n);
    setup.watcher.start();
    await expect.poll(() => setup.fatal).toEqual([failure]);
    const reads = setup.l1.reads.length;
    await setup.watcher.stop();
    expect(setup.l1.reads.length).toBe(reads);
  });

  it("before genesis it waits, and knows whether L1 is there", async () => {
    const { l1, watcher, clock, rounds } = create({ epoch: 0n });
    clock.now = 900_000;
    watcher.start();
    await rounds(1);
    expect([l1.reads, l1.probes]).toEqual([[], 1]);
  });
});

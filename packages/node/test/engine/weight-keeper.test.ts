import type { Alert } from "@mach/api";
import type { PokeOutcome } from "@mach/settlement";
import { describe, expect, it } from "vitest";
import { createAlerts } from "../../src/alerts.ts";
import { createWeightKeeper } from "../../src/engine/weight-keeper.ts";

const SCHEDULE = { genesisTime: 1_000n, epochSeconds: 100n };
/** Epoch 5 begins here, and the snapshot of epoch 7 is taken a hundred seconds later. */
const START_MS = 1_500_000;
const BALANCE = { balanceWei: 10n, isBalanceLow: false };

interface Setup {
  readonly asked: bigint[];
  readonly outcome: { now: PokeOutcome };
  standing(): readonly string[];
  keep(atMs: number, options?: { current?: bigint; delayMs?: number }): Promise<unknown>;
}

function create(): Setup {
  const asked: bigint[] = [];
  const outcome: { now: PokeOutcome } = { now: { code: "fresh" } };
  const published = new Map<string, Alert>();
  const alerts = createAlerts({
    publish: (alert) => published.set(alert.alertId, alert),
    now: () => 0,
  });
  const fixer = {
    async pokeSources(snapshotTime: bigint) {
      asked.push(snapshotTime);
      return { ...outcome.now, ...BALANCE };
    },
  };
  const keeper = createWeightKeeper({ fixer, alerts }, SCHEDULE);
  const { signal } = new AbortController();
  return {
    asked,
    outcome,
    standing: () =>
      [...published.values()].filter((each) => each.clearedAt === null).map((each) => each.code),
    keep: (nowMs, { current = 5n, delayMs = 0 } = {}) =>
      keeper.keep({ current, nowMs, delayMs, signal }),
  };
}

describe("the weights of the next snapshot", () => {
  it("are asked for once in each epoch, and the balance is told", async () => {
    const { keep, asked } = create();
    expect(await keep(START_MS)).toMatchObject(BALANCE);
    expect(await keep(START_MS + 50_000)).toBeNull();
    await keep(START_MS + 100_000, { current: 6n });
    expect(asked).toEqual([1_600n, 1_700n]);
  });

  it("are another's to pay for until its turn is over", async () => {
    const { keep, asked } = create();
    expect(await keep(START_MS + 3_999, { delayMs: 4_000 })).toBeNull();
    await keep(START_MS + 4_000, { delayMs: 4_000 });
    expect(asked).toEqual([1_600n]);
  });

  it("are asked for again, now and then, while it is too early", async () => {
    const { keep, asked, outcome, standing } = create();
    outcome.now = { code: "too-early" };
    await keep(START_MS);
    await keep(START_MS + 14_999);
    expect(asked).toHaveLength(1);
    await keep(START_MS + 15_000);
    expect(asked).toHaveLength(2);
    expect(standing()).toEqual([]);
    await keep(START_MS + 75_000);
    expect(standing()).toEqual(["weights-not-checkpointed"]);
    outcome.now = { code: "poked", transactionHashes: [] };
    await keep(START_MS + 90_000);
    expect(standing()).toEqual([]);
  });

  it.each<PokeOutcome>([{ code: "low-balance" }, { code: "failed", cause: null }])(
    "that cannot be had are an alert at once, until their epoch is past: $code",
    async (now) => {
      const { keep, outcome, standing } = create();
      outcome.now = now;
      await keep(START_MS);
      expect(standing()).toEqual(["weights-not-checkpointed"]);
      outcome.now = { code: "fresh" };
      await keep(START_MS + 100_000, { current: 6n });
      expect(standing()).toEqual([]);
    },
  );
});

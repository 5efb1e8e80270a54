import { describe, expect, it } from "vitest";
import { SCHEDULE, WEIGHTS } from "./engine-node.ts";
import { BLOCK, create, type FixCode, type L1, STEP_MS } from "./watched-l1.ts";

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

  it("reads an epoch that L1 was down for again, until it is known", async () => {
    const { l1, watcher, rounds, known, clock } = create({ epoch: 10n });
    for (let epoch = 6n; epoch <= 10n; epoch += 1n) l1.fixed.add(epoch);
    watcher.start();
    await rounds();
    l1.isDown = true;
    clock.now += 3 * Number(SCHEDULE.epochSeconds) * 1_000;
    await rounds();
    for (let epoch = 11n; epoch <= 14n; epoch += 1n) l1.fixed.add(epoch);
    known.length = 0;
    l1.isDown = false;
    await expect
      .poll(() => known.map((each) => each.operatorSet.epoch))
      .toEqual([...[11n, 12n, 13n, 14n]]);
  });

  it("says of a past epoch, once, that it has no set", async () => {
    const { l1, watcher, rounds, absent } = create({ epoch: 10n });
    for (const epoch of [6n, 8n, 9n]) l1.fixed.add(epoch);
    watcher.start();
    await rounds();
    // Epoch 10 has not passed: it can still be fixed in time.
    expect(absent).toEqual([7n]);
    expect(l1.reads.filter((epoch) => epoch === 7n)).toHaveLength(1);
  });

  it("takes an epoch for absent only from finalized state from after its end", async () => {
    const { l1, watcher, rounds, absent } = create({ epoch: 10n });
    for (const epoch of [6n, 7n, 8n]) l1.fixed.add(epoch);
    const end = SCHEDULE.genesisTime + 10n * SCHEDULE.epochSeconds;
    l1.timestamp = end - 1n;
    watcher.start();
    await rounds();
    expect(absent).toEqual([]);
    l1.timestamp = end;
    await expect.poll(() => absent).toEqual([9n]);
  });

  it("reads what the store had again: L1 alone says what stands", async () => {
    const { l1, watcher, rounds, known } = create({ epoch: 10n, known: [9n, 10n] });
    for (const epoch of [9n, 10n]) l1.fixed.add(epoch);
    watcher.start();
    await rounds();
    expect(known.map((each) => each.operatorSet.epoch)).toEqual([9n, 10n]);
  });

  it("looks back again until L1 has answered once", async () => {
    const { l1, watcher, rounds, known, standing, clock } = create({ epoch: 10n });
    clock.now += 10_000;
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

  it("says that the current set is unknown, until it is known, and not in the first moment", async () => {
    const { l1, watcher, rounds, standing, clock } = create({ epoch: 10n });
    l1.fixed.add(9n);
    watcher.start();
    await rounds();
    expect(standing()).toEqual([]);
    clock.now += 10_000;
    await rounds();
    expect(standing()).toEqual(["operator-set-unknown"]);
    l1.fixed.add(10n);
    await expect.poll(() => standing()).toEqual([]);
  });

  it("a set that does not make the registry's hash is refused, and one alert", async () => {
    const { l1, watcher, rounds, standing, failures, known, clock } = create({ epoch: 10n });
    clock.now += 10_000;
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

  it("has weights checkpointed for the next snapshot when its turn has come", async () => {
    const { l1, watcher, rounds, poked, clock } = create({ epoch: 10n, payer: 3 });
    fixAllBut(l1);
    watcher.start();
    await rounds();
    // Epoch 10 begins with the operator of index 10 mod 4.
    expect(poked).toEqual([]);
    clock.now += STEP_MS;
    const end = SCHEDULE.genesisTime + 11n * SCHEDULE.epochSeconds;
    await expect.poll(() => poked).toEqual([end]);
    await rounds();
    expect(poked).toEqual([end]);
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

  it("before genesis it has the weights checkpointed by which the first epochs are fixed", async () => {
    const { watcher, clock, rounds, poked } = create({ epoch: 0n, payer: "outsider" });
    const { genesisTime, epochSeconds } = SCHEDULE;
    clock.now = Number(genesisTime - epochSeconds) * 1_000 - 1;
    watcher.start();
    await rounds();
    expect(poked).toEqual([]);
    clock.now += 2 * STEP_MS + 1;
    await expect.poll(() => poked).toEqual([genesisTime]);
  });
});

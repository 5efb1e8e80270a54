import { expect, it } from "vitest";
import type { Fault } from "../src/fault.ts";
import { createPlan, type Plan } from "../src/plan.ts";
import { shrink } from "../src/shrink.ts";
import type { Outcome } from "../src/simulate.ts";

const fault = (kind: Fault["kind"], size: number): Fault => ({
  kind,
  fromMs: 0,
  untilMs: 100,
  nodes: [1, 2],
  size,
});
const plan: Plan = {
  ...createPlan(1, { without: [] }),
  stormBlocks: 100,
  blockMs: 1_000,
  faults: [
    fault("loss", 100),
    fault("crash", 3),
    fault("lie", 1),
    fault("reorg-after-attest", 40),
    fault("hoard", 1),
  ],
};

/** A run that fails whenever a crash meets a reorg of two blocks or more. */
function run(tried: Plan): Outcome {
  const isBroken =
    tried.faults.some(({ kind }) => kind === "crash") &&
    tried.faults.some(({ kind, size }) => kind === "reorg-after-attest" && size >= 2);
  const failure = isBroken
    ? ({ code: "fork-lock-broken", message: "", atMs: 9_500 } as const)
    : null;
  const counts = { steps: 1, certificates: 0, signatures: 0, coverage: {}, lines: [] };
  return { seed: tried.seed, failure, ...counts };
}

it("only the faults that the failure needs are left, smaller and in a shorter storm", () => {
  const shrunk = shrink(plan, run(plan), { run, maxRuns: 100, lines: 0 });
  expect(shrunk.plan.faults.map(({ kind }) => kind)).toEqual(["crash", "reorg-after-attest"]);
  expect(shrunk.plan.faults.map(({ size }) => size)).toEqual([1, 20]);
  expect(shrunk.plan.stormBlocks).toBe(11);
  expect(shrunk.outcome.failure?.code).toBe("fork-lock-broken");
});

it("no more runs are spent than are allowed, and the plan that fails is kept", () => {
  const shrunk = shrink(plan, run(plan), { run, maxRuns: 1, lines: 0 });
  expect(shrunk.runs).toBe(1);
  expect(shrunk.outcome.failure?.code).toBe("fork-lock-broken");
});

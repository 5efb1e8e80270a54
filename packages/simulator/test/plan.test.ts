import fc from "fast-check";
import { expect, it } from "vitest";
import { FAULT_KINDS } from "../src/fault.ts";
import { createPlan, type Plan } from "../src/plan.ts";

const seeds = fc.nat({ max: 1_000_000 });

function byzantineShares(plan: Plan): readonly { byzantine: bigint; total: bigint }[] {
  return plan.weights.map((weights) => ({
    byzantine: plan.byzantine.reduce((sum, index) => sum + (weights[index] ?? 0n), 0n),
    total: weights.reduce((sum, weight) => sum + weight, 0n),
  }));
}

it("a seed always means the same plan", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      expect(createPlan(seed, { without: [] })).toEqual(createPlan(seed, { without: [] }));
    }),
    { numRuns: 30 },
  );
});

it("the Byzantine operators have less than a third in every epoch, or are meant to have it", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const plan = createPlan(seed, { without: [] });
      for (const { byzantine, total } of byzantineShares(plan)) {
        expect(total > 0n).toBe(true);
        expect(byzantine * 3n < total).toBe(!plan.isBreach);
        expect(byzantine * 3n < total * 2n).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

it("kinds that are left out are not in the plan, and the others are what they were", () => {
  fc.assert(
    fc.property(seeds, fc.constantFrom(...FAULT_KINDS), (seed, kind) => {
      const plan = createPlan(seed, { without: [kind] });
      expect(plan.faults.map((fault) => fault.kind)).not.toContain(kind);
      if (["third-or-more", "weight-move"].includes(kind)) return;
      const all = createPlan(seed, { without: [] });
      expect(plan.faults).toEqual(all.faults.filter((fault) => fault.kind !== kind));
    }),
    { numRuns: 100 },
  );
});

it("a hundred seeds have every kind of fault among them", () => {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 100; seed++) {
    const plan = createPlan(seed, { without: [] });
    for (const { kind } of plan.faults) kinds.add(kind);
    if (plan.weights.some((weights) => `${weights}` !== `${plan.weights[0]}`)) {
      kinds.add("weight-move");
    }
  }
  expect([...kinds].toSorted()).toEqual([...FAULT_KINDS].toSorted());
});

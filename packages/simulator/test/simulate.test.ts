import { describe, expect, it } from "vitest";
import { simulate } from "../src/simulate.ts";

it("a seed always makes the same run", () => {
  const first = simulate(2, { without: [] });
  expect(simulate(2, { without: [] })).toEqual(first);
  expect(first.steps).toBeGreaterThan(1_000);
  expect(first.certificates).toBeGreaterThan(5);
});

describe("no promise is broken", () => {
  it.each([1, 2, 3, 4, 5, 6])("by seed %i", (seed) => {
    expect(simulate(seed, { without: [] }).failure).toBeNull();
  });

  it("by a certificate above a finalised head that is of another branch (seed 3022)", () => {
    expect(simulate(3022, { without: [] }).failure).toBeNull();
  });

  it("by a certificate of a branch that is left for what L1 has finalised (seed 51)", () => {
    expect(simulate(51, { without: [] }).failure).toBeNull();
  });
});

import { expect, it } from "vitest";
import { quantilesOf } from "../../src/explorer/quantiles.ts";

const samples = (latencies: readonly number[]) =>
  latencies.map((latencyMs, index) => ({ blockNumber: BigInt(index), latencyMs }));

it("gives quantiles that were measured, in any order of measuring", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => ((index * 37) % 100) + 1);
  expect(quantilesOf(samples(hundred))).toEqual({ p50: 50, p95: 95, max: 100 });
  expect(quantilesOf(samples([7]))).toEqual({ p50: 7, p95: 7, max: 7 });
});

it("gives none of nothing", () => {
  expect(quantilesOf([])).toBeNull();
});

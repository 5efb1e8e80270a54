import fc from "fast-check";
import { expect, it } from "vitest";
import { hasQuorum, isThresholdBps, MIN_THRESHOLD_BPS, requiredWeight } from "../src/quorum.ts";

const weights = fc.bigInt({ min: 1n, max: 2n ** 128n - 1n });
const thresholds = fc.integer({ min: MIN_THRESHOLD_BPS, max: 10_000 });

it("the threshold is met from exactly the required weight on", () => {
  fc.assert(
    fc.property(weights, thresholds, (totalWeight, thresholdBps) => {
      const required = requiredWeight(totalWeight, thresholdBps);
      expect(hasQuorum({ signedWeight: required, totalWeight, thresholdBps })).toBe(true);
      expect(hasQuorum({ signedWeight: required - 1n, totalWeight, thresholdBps })).toBe(false);
    }),
  );
});

it("two quorums of one set overlap in more than a third of its weight", () => {
  fc.assert(
    fc.property(weights, thresholds, (totalWeight, thresholdBps) => {
      const overlap = 2n * requiredWeight(totalWeight, thresholdBps) - totalWeight;
      expect(overlap * 3n > totalWeight).toBe(true);
    }),
  );
});

it("nothing has a quorum without weight, or by a threshold that is not more than two thirds", () => {
  expect(hasQuorum({ signedWeight: 0n, totalWeight: 0n, thresholdBps: 6667 })).toBe(false);
  expect(hasQuorum({ signedWeight: 0n, totalWeight: 10n, thresholdBps: 6667 })).toBe(false);
  expect(hasQuorum({ signedWeight: 10n, totalWeight: 10n, thresholdBps: 6666 })).toBe(false);
  expect(hasQuorum({ signedWeight: 10n, totalWeight: 10n, thresholdBps: 10_001 })).toBe(false);
  expect([6666, 6667, 10_000, 10_001, 7000.5, Number.NaN].map(isThresholdBps)).toEqual([
    false,
    true,
    true,
    false,
    false,
    false,
  ]);
});

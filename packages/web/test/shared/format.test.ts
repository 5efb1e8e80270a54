import { expect, it } from "vitest";
import {
  describeRule,
  formatInteger,
  formatLatency,
  formatShare,
  formatSpan,
  shortHex,
} from "../../src/shared/format.ts";

it.each([
  [-5, "0.0 s"],
  [420, "0.4 s"],
  [12_900, "12 s"],
  [89_999, "89 s"],
  [90_000, "1 min"],
  [5_400_000, "1 h"],
  [172_800_000, "2 d"],
])("%i ms is %s", (ms, words) => {
  expect(formatSpan(ms)).toBe(words);
});

it("rounds a share down, so that nothing looks like more than it is", () => {
  expect(formatShare(2n, 3n)).toBe("66.6 %");
  expect(formatShare(9_999n, 10_000n)).toBe("99.9 %");
  expect(formatShare(1n, 1n)).toBe("100 %");
  expect(formatShare(0n, 0n)).toBe("0 %");
});

it("says the rule, and whether it is met, to the last unit of weight", () => {
  const rule = { totalWeight: 10_000n, thresholdBps: 6667 };
  expect(describeRule({ ...rule, signedWeight: 6_667n })).toBe(
    "6\u202f667 of 10\u202f000 weight signed: at least two thirds",
  );
  expect(describeRule({ ...rule, signedWeight: 6_666n })).toBe(
    "6\u202f666 of 10\u202f000 weight signed: at least two thirds is needed",
  );
  expect(describeRule({ signedWeight: null, totalWeight: null, thresholdBps: null })).toBe(
    "no weight is known",
  );
});

it("keeps short what is read by people", () => {
  expect(formatInteger(1_234_567n)).toBe("1\u202f234\u202f567");
  expect(formatLatency(107.6)).toBe("108 ms");
  expect(formatLatency(1_250)).toBe("1.3 s");
  expect(shortHex(`0x${"ab".repeat(32)}`)).toBe("0xababab…abab");
});

import { expect, it } from "vitest";
import { elapsedMs } from "../../src/explorer/clock.ts";

const FROM = { monotonicMs: 1_000, wallMs: 50_000 };

it("counts the time that a device slept, in which one of its clocks stood still", () => {
  expect(elapsedMs(FROM, { monotonicMs: 1_500, wallMs: 650_000 })).toBe(600_000);
});

it("makes nothing newer where the clock on the wall was set back", () => {
  expect(elapsedMs(FROM, { monotonicMs: 31_000, wallMs: 20_000 })).toBe(30_000);
});

it("is never negative", () => {
  expect(elapsedMs(FROM, { monotonicMs: 900, wallMs: 40_000 })).toBe(0);
});

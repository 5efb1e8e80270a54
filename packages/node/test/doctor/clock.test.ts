import { expect, it } from "vitest";
import { type ClockReading, judgeClock } from "../../src/doctor/clock.ts";
import { judgeSync } from "../../src/doctor/disk.ts";

const NOW_MS = 1_790_000_000_000;

/** A server whose clock this one is so far ahead of, and that answered within so long. */
function reading(aheadMs: number, change: Partial<ClockReading> = {}): ClockReading {
  const dateMs = Math.floor((NOW_MS - aheadMs) / 1_000) * 1_000;
  const host = "192.0.2.1";
  return {
    ...{ dateMs, askedAtMs: NOW_MS, answeredAtMs: NOW_MS + 40 },
    ...{ host, isElsewhere: true },
    ...change,
  };
}

function judge(readings: readonly ClockReading[], headAgeMs: number | null = 6_000): unknown {
  const headMs = headAgeMs === null ? null : NOW_MS - headAgeMs;
  const { level, code } = judgeClock({ readings, headMs, nowMs: NOW_MS });
  return code ?? level;
}

const HERE = { isElsewhere: false } as const;

type Case = readonly [string, string, readonly ClockReading[], (number | null)?];
const CASES: readonly Case[] = [
  ["is well beside another machine's", "ok", [reading(0)]],
  ["is well within what a Date leaves out", "ok", [reading(900)]],
  ["is well while an answer takes long", "ok", [reading(0, { answeredAtMs: NOW_MS + 20_000 })]],
  ["is off where it is two minutes ahead", "clock-off", [reading(120_000)]],
  ["is off where it is two minutes behind", "clock-off", [reading(-120_000)]],
  ["is doubtful where it is ten seconds off", "clocks-differ", [reading(10_000)]],
  ["is doubtful where one of two servers says so", "clocks-differ", [reading(0), reading(120_000)]],
  ["is off where most servers say so", "clock-off", [reading(0), reading(90_000), reading(90_000)]],
  ["is behind a block of the L1 that is of its future", "clock-behind", [reading(0)], -40_000],
  ["is well by a fresh block where only this machine was asked", "ok", [reading(0, HERE)]],
  ["is not known by an old block", "clock-not-known", [reading(0, HERE)], 40_000],
  ["is not known by nothing", "clock-not-known", [], null],
];

it.each(CASES.map(([name, expected, readings, ageMs]) => ({ name, expected, readings, ageMs })))(
  "the clock $name",
  ({ expected, readings, ageMs }) => {
    expect(judge(readings, ageMs)).toBe(expected);
  },
);

it.each([
  ["ok", [1, 2, 900]],
  ["warn", [30, 40, 50]],
  ["fail", [1_500, 2_000, 2_500]],
])("a disk is %s by the median of %j", (level, times) => {
  expect(judgeSync(times).level).toBe(level);
});

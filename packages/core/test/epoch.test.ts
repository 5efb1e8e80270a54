import { expect, it } from "vitest";
import { epochAt, epochStart, snapshotTime } from "../src/epoch.ts";

const schedule = { genesisTime: 1_000n, epochSeconds: 60n };

it("an epoch begins with its first second, and there is none before genesis", () => {
  expect([999n, 1_000n, 1_059n, 1_060n].map((time) => epochAt(schedule, time))).toEqual([
    null,
    0n,
    0n,
    1n,
  ]);
  expect(epochStart(schedule, 2n)).toBe(1_120n);
});

it("a set is taken one epoch ahead; epochs 0 and 1 share the one before genesis", () => {
  expect([0n, 1n, 2n, 3n].map((epoch) => snapshotTime(schedule, epoch))).toEqual([
    1_000n,
    1_000n,
    1_060n,
    1_120n,
  ]);
});

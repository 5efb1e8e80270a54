import { epochStart } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { effectAt } from "../src/operator-plan.ts";

const schedule = { genesisTime: 1_000n, epochSeconds: 60n };

describe("a change counts", () => {
  it.each([
    ["before genesisTime", 1n, 0n, 1_000n],
    ["a second before genesisTime", 999n, 0n, 1_000n],
    ["at genesisTime", 1_000n, 2n, 1_060n],
    ["in the last second of epoch 0", 1_059n, 2n, 1_060n],
    ["in the first second of epoch 1", 1_060n, 3n, 1_120n],
  ])("where it is in a block %s", (_, time, epoch, ifBefore) => {
    expect(effectAt(schedule, time)).toEqual({
      ...{ epoch, ifBefore },
      beginsAt: epochStart(schedule, epoch),
    });
  });

  it("from the epoch after the next on, in any epoch", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 6n), fc.bigInt(0n, 59n), (epoch, second) => {
        const effect = effectAt(schedule, epochStart(schedule, epoch) + second);
        expect(effect.epoch).toBe(epoch + 2n);
        expect(effect.ifBefore).toBe(epochStart(schedule, epoch + 1n));
      }),
    );
  });
});

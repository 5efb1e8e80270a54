import { expect, it } from "vitest";
import { elapsedMs } from "../../src/badge/clock.ts";

it("neither a machine that slept nor a clock that was set back makes an answer young", () => {
  const since = { steadyMs: 1_000, wallMs: 1_800_000_000_000 };
  const at = (steadyMs: number, wallMs: number) =>
    elapsedMs(since, { steadyMs: since.steadyMs + steadyMs, wallMs: since.wallMs + wallMs });
  expect(at(50, 50)).toBe(50);
  expect(at(50, 3_600_000)).toBe(3_600_000);
  expect(at(60_000, -3_600_000)).toBe(60_000);
  expect(at(-1, -1)).toBe(0);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLoopDelay } from "../../src/http/loop-delay.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});

afterEach(() => {
  vi.useRealTimers();
});

function createDelay() {
  const clock = { at: 0 };
  const loop = createLoopDelay({ now: () => clock.at }, { maxDelayMs: 250 });
  loop.start();
  /** The next timer fires so much later than it should. */
  const fire = (lateMs: number): void => {
    clock.at += 100 + lateMs;
    vi.advanceTimersByTime(100);
  };
  return { loop, fire };
}

test("one long task is no overload, and neither are four of them in a second", () => {
  const { loop, fire } = createDelay();
  for (let i = 0; i < 40; i++) {
    fire(i % 9 < 4 ? 3_000 : 0);
    expect(loop.isLate()).toBe(false);
  }
});

test("a loop that is late again and again is, until most of a second was not", () => {
  const { loop, fire } = createDelay();
  for (let i = 0; i < 9; i++) fire(251);
  expect(loop.isLate()).toBe(true);
  for (let i = 0; i < 4; i++) fire(1);
  expect(loop.isLate()).toBe(true);
  fire(1);
  expect(loop.isLate()).toBe(false);
});

test("one that has stopped is not late", () => {
  const { loop, fire } = createDelay();
  for (let i = 0; i < 9; i++) fire(9_999);
  loop.stop();
  fire(9_999);
  expect(loop.isLate()).toBe(false);
});

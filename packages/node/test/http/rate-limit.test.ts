import fc from "fast-check";
import { expect, test } from "vitest";
import { createRateLimit } from "../../src/http/rate-limit.ts";

function createLimit(options: Partial<Parameters<typeof createRateLimit>[1]> = {}) {
  const clock = { at: 1_000 };
  const now = () => clock.at;
  const limit = createRateLimit({ now }, { perSecond: 10, burst: 5, maxClients: 100, ...options });
  return { clock, limit };
}

test("a burst is let in, and then as many as the rate says", () => {
  const { clock, limit } = createLimit();
  expect(Array.from({ length: 6 }, () => limit.take("a", 1))).toEqual([0, 0, 0, 0, 0, 100]);
  clock.at += 99;
  expect(limit.take("a", 1)).toBeCloseTo(1);
  clock.at += 1;
  expect([limit.take("a", 1), limit.take("a", 1)]).toEqual([0, 100]);
  expect(limit.take("b", 5)).toBe(0);
});

test("what is refused is not owed", () => {
  const { clock, limit } = createLimit();
  limit.take("a", 5);
  for (let i = 0; i < 1_000; i++) limit.take("a", 1);
  clock.at += 100;
  expect(limit.take("a", 1)).toBe(0);
});

test("what is charged is owed, for as long as two bursts take at most", () => {
  const { clock, limit } = createLimit();
  expect(limit.charge("a", 5)).toBe(0);
  expect(limit.charge("a", 2)).toBe(200);
  expect(limit.charge("a", 1_000_000)).toBe(500);
  clock.at += 600;
  expect(limit.take("a", 1)).toBe(0);
});

test("in no second does one get more than a burst and a second's rate", () => {
  const step = fc.record({ pauseMs: fc.nat(400), cost: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { clock, limit } = createLimit();
      const taken: { readonly at: number; readonly cost: number }[] = [];
      for (const { pauseMs, cost } of steps) {
        clock.at += pauseMs;
        if (limit.take("a", cost) === 0) taken.push({ at: clock.at, cost });
        const lastSecond = taken.filter(({ at }) => at > clock.at - 1_000);
        expect(lastSecond.reduce((sum, each) => sum + each.cost, 0)).toBeLessThanOrEqual(15);
      }
    }),
  );
});

test("no more clients are remembered than the bound, and those that owe nothing go first", () => {
  const { clock, limit } = createLimit({ maxClients: 3 });
  limit.take("owes", 5);
  clock.at += 10;
  for (let i = 0; i < 10; i++) {
    limit.take(`once ${i}`, 1);
    clock.at += 100;
    limit.charge("owes", 5);
    expect(limit.size()).toBeLessThanOrEqual(3);
  }
  expect(limit.take("owes", 1)).toBeGreaterThan(0);
});

import { describe, expect, it } from "vitest";
import { createRateLimit } from "../../src/gossip/rate-limit.ts";
import { createStrikes } from "../../src/gossip/strikes.ts";

const OPTIONS = { limit: 3, forgivenMs: 1_000, banMs: 10_000, maxPeers: 2 };

describe("strikes", () => {
  it("ban at the limit, for a while", () => {
    let now = 0;
    const strikes = createStrikes(OPTIONS, () => now);
    expect([strikes.add("a"), strikes.add("a"), strikes.add("a")]).toEqual([false, false, true]);
    expect(strikes.isBanned("a")).toBe(true);
    expect(strikes.isBanned("b")).toBe(false);
    now = 10_000;
    expect(strikes.isBanned("a")).toBe(false);
  });

  it("are forgiven one by one", () => {
    let now = 0;
    const strikes = createStrikes(OPTIONS, () => now);
    strikes.add("a");
    strikes.add("a");
    now = 1_500;
    expect(strikes.count("a")).toBe(1);
    now = 2_000;
    expect(strikes.count("a")).toBe(0);
    expect(strikes.add("a")).toBe(false);
  });

  it("forget the peer that was struck longest ago beyond the bound", () => {
    const strikes = createStrikes(OPTIONS, () => 0);
    for (const peer of ["a", "b", "a", "c"]) strikes.add(peer);
    expect([strikes.count("a"), strikes.count("b"), strikes.count("c")]).toEqual([2, 0, 1]);
  });
});

describe("a rate limit", () => {
  it("lets a burst through, then the rate, also after the clock was set back", () => {
    let now = 5_000;
    const isWithin = createRateLimit({ perSecond: 2, burst: 3 }, () => now);
    const take = (count: number): boolean[] => Array.from({ length: count }, () => isWithin());
    expect(take(4)).toEqual([true, true, true, false]);
    now = 5_500;
    expect(take(2)).toEqual([true, false]);
    now = 0;
    expect(take(1)).toEqual([false]);
    now = 500;
    expect(take(2)).toEqual([true, false]);
  });
});

import type { Stack } from "@mach/core";
import { describe, expect, it } from "vitest";
import { followerSettings } from "../src/follower-options.ts";

const sources = [{ url: "https://a.example/key" }, { url: "wss://b.example" }];
const good = { rollupId: 901n, stack: "op", sources, agree: 2 } as const;

describe("the options of a follower", () => {
  it("have defaults", () => {
    expect(followerSettings(good)).toMatchObject({ pollMs: 250, timeoutMs: 2000, agree: 2 });
  });

  it.each([
    [{ agree: 0 }],
    [{ agree: 3 }],
    [{ agree: 1.5 }],
    [{ sources: [] }],
    [{ sources: [{ url: "ftp://a.example" }] }],
    [{ sources: [{ url: "a.example" }] }],
    [{ sources: [sources[0], { url: "wss://b.example/#x" }] }],
    [{ sources: [sources[0], { url: "https://a.example/other" }] }],
    [{ rollupId: 0n }],
    [{ rollupId: 2n ** 64n }],
    [{ stack: "solana" as Stack }],
    [{ pollMs: 0 }],
    [{ timeoutMs: Number.POSITIVE_INFINITY }],
    [{ maxReorgDepth: -1 }],
  ])("are refused: %o", (bad) => {
    expect(() => followerSettings({ ...good, ...bad } as typeof good)).toThrow(RangeError);
  });
});

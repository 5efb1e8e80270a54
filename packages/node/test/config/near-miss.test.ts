import { expect, it } from "vitest";
import { nearMiss } from "../../src/config/near-miss.ts";

const NAMES = ["rpcUrls", "wsUrls", "agree", "pollMs", "timeoutMs", "port"];

it.each([
  ["rpcurls", "rpcUrls"],
  ["rpc_urls", "rpcUrls"],
  ["rpc-url", "rpcUrls"],
  ["prot", "port"],
  ["pollms", "pollMs"],
  ["timeoutS", "timeoutMs"],
  ["agre", "agree"],
])("takes %s for %s", (word, meant) => {
  expect(nearMiss(word, NAMES)).toBe(meant);
});

it("suggests nothing for a word that is like none, however long", () => {
  expect(nearMiss("speed", NAMES)).toBeUndefined();
  expect(nearMiss("", NAMES)).toBeUndefined();
  expect(nearMiss("port".repeat(100_000), NAMES)).toBeUndefined();
  expect(nearMiss("port", [])).toBeUndefined();
});

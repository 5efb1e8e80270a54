import { expect, it } from "vitest";
import { readSearch } from "../../src/explorer/search.ts";

const HASH = "ab".repeat(32);
const ADDRESS = "cd".repeat(20);

it.each([
  ["42", { kind: "height", blockNumber: 42n, rollupId: null }],
  [" #1,234 ", { kind: "height", blockNumber: 1234n, rollupId: null }],
  ["1 234 567", { kind: "height", blockNumber: 1_234_567n, rollupId: null }],
  ["901/42", { kind: "height", blockNumber: 42n, rollupId: 901n }],
  ["901 : 42", { kind: "height", blockNumber: 42n, rollupId: 901n }],
  [`0x${HASH}`, { kind: "hash", hash: `0x${HASH}` }],
  [HASH.toUpperCase(), { kind: "hash", hash: `0x${HASH}` }],
  [`0X${ADDRESS}`, { kind: "operator", operator: `0x${ADDRESS}` }],
  ["0x12", { kind: "not-understood" }],
  ["18446744073709551616", { kind: "not-understood" }],
  ["latest", { kind: "not-understood" }],
  ["", { kind: "not-understood" }],
])("%j is read as what it can be", (text, question) => {
  expect(readSearch(text)).toEqual(question);
});

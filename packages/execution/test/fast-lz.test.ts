import { expect, it } from "vitest";
import { fastLzLength } from "../src/fast-lz.ts";

it.each([
  ["nothing", new Uint8Array(), 0],
  ["three bytes", Uint8Array.of(0xfa, 0xca, 0xde), 4],
  ["a thousand zeros", new Uint8Array(1000), 21],
  ["a thousand times the same byte", new Uint8Array(1000).fill(42), 21],
])("%s compress to the length that other clients have", (_name, input, length) => {
  expect(fastLzLength(input)).toBe(length);
});

it("bytes that never repeat only grow", () => {
  let before = 0;
  for (let length = 1; length <= 256; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => index);
    const compressed = fastLzLength(bytes);
    expect(compressed).toBeGreaterThan(before);
    before = compressed;
  }
});

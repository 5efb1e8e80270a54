import fc from "fast-check";
import { expect, test } from "vitest";
import { toBody } from "../../src/http/answer.ts";
import { createBodyCache } from "../../src/http/body-cache.ts";

const bodyOf = (bytes: number) => toBody("x".repeat(bytes));

test("the body that was not asked for the longest goes first", () => {
  const cache = createBodyCache({ maxBytes: 4_000 });
  cache.set("a", bodyOf(700));
  cache.set("b", bodyOf(700));
  cache.set("c", bodyOf(700));
  expect(cache.get("a")?.byteLength).toBe(700);
  cache.set("d", bodyOf(700));
  cache.set("e", bodyOf(700));
  expect(["a", "b", "c", "d", "e"].filter((key) => cache.get(key))).toEqual(["a", "c", "d", "e"]);
});

test("a body of more than a quarter of the bound is not kept", () => {
  const cache = createBodyCache({ maxBytes: 4_000 });
  cache.set("small", bodyOf(100));
  cache.set("large", bodyOf(1_001));
  expect(cache.get("large")).toBeUndefined();
  expect(cache.get("small")).toBeDefined();
});

test("whatever is kept, replaced and asked for, the bytes stay within the bound", () => {
  const key = fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h");
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat(1_200))), (steps) => {
      const cache = createBodyCache({ maxBytes: 4_000 });
      for (const [each, bytes] of steps) cache.set(each, bodyOf(bytes));
      const kept = [..."abcdefgh"].map((each) => cache.get(each)?.byteLength ?? 0);
      expect(kept.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(4_000);
    }),
  );
});

import { expect, test } from "vitest";
import { canonicalJson } from "../../src/store/canonical-json.ts";

test("canonical JSON has its keys in order, at every depth, and no spaces", () => {
  const value = { b: [{ z: 1, a: null }, "x y"], a: { d: true, c: '"' } };
  expect(canonicalJson(value)).toBe('{"a":{"c":"\\"","d":true},"b":[{"a":null,"z":1},"x y"]}');
});

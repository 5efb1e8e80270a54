import type { Hex } from "@mach/core";
import { expect, it } from "vitest";
import { createTwinBls } from "../src/twin-bls.ts";

const bls = createTwinBls();
const keys = ["11", "22", "33"].map((byte): Hex => `0x${byte.repeat(48)}`);
const message: Hex = `0x${"ab".repeat(32)}`;
const signatures = keys.map((key) => bls.sign(key, message));

it("a sum verifies under the keys of its signers, and under no others", () => {
  const signature = bls.sum(signatures);
  expect(bls.verifyAggregate({ publicKeys: keys, message, signature })).toBe(true);
  expect(bls.verifyAggregate({ publicKeys: keys.slice(1), message, signature })).toBe(false);
  expect(bls.verifyAggregate({ publicKeys: [], message, signature })).toBe(false);
  const other: Hex = `0x${"ac".repeat(32)}`;
  expect(bls.verifyAggregate({ publicKeys: keys, message: other, signature })).toBe(false);
});

it("a signature of another length, or with any byte changed, does not verify", () => {
  const [key = "0x"] = keys;
  const signature = bls.sign(key, message);
  expect(bls.verify(key, message, signature)).toBe(true);
  expect(bls.verify(key, message, signature.slice(1))).toBe(false);
  for (const at of [0, 15, 16, 95]) {
    const changed = signature.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(bls.verify(key, message, changed)).toBe(false);
  }
});

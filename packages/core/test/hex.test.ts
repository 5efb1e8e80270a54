import fc from "fast-check";
import { expect, it } from "vitest";
import { byteLength, fromHex, isHex, toHex } from "../src/hex.ts";

it("bytes come back from their hex", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const hex = toHex(bytes);
      expect(hex).toBe(`0x${Buffer.from(bytes).toString("hex")}`);
      expect(fromHex(hex)).toEqual(bytes);
      expect(byteLength(hex)).toBe(bytes.length);
    }),
  );
});

it("only lower-case hex of whole bytes with 0x is hex", () => {
  expect(["0x", "0x00ff"].every((value) => isHex(value))).toBe(true);
  for (const value of ["", "00", "0x0", "0xAB", "0x0g", "0x00 ", "0x00\n"]) {
    expect(isHex(value)).toBe(false);
    expect(() => fromHex(value)).toThrow(RangeError);
  }
  expect(isHex("0x00ff", 2)).toBe(true);
  expect(isHex("0x00ff", 3)).toBe(false);
});

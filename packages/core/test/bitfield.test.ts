import fc from "fast-check";
import { expect, it } from "vitest";
import { bitfieldFromIndices, bitfieldIndices, isBitfieldOf } from "../src/bitfield.ts";

it("a bitfield gives back its indices in ascending order", () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 300 })
        .chain((count) =>
          fc.tuple(fc.constant(count), fc.uniqueArray(fc.integer({ min: 0, max: count - 1 }))),
        ),
      ([count, indices]) => {
        const bitfield = bitfieldFromIndices(indices, count);
        expect(bitfieldIndices(bitfield)).toEqual(indices.sort((a, b) => a - b));
        expect(isBitfieldOf(bitfield, count)).toBe(true);
      },
    ),
  );
});

it("the lowest bit of the first byte is index 0", () => {
  expect(bitfieldFromIndices([0, 9], 13)).toBe("0x0102");
});

it("a bitfield of another length, or with an unused bit set, is not one of the set", () => {
  expect(isBitfieldOf("0x1f", 5)).toBe(true);
  expect(isBitfieldOf("0x3f", 5)).toBe(false);
  expect(isBitfieldOf("0x1f00", 5)).toBe(false);
  expect(isBitfieldOf("0x", 5)).toBe(false);
});

it("an index outside of the set is refused", () => {
  expect(() => bitfieldFromIndices([5], 5)).toThrow(RangeError);
});

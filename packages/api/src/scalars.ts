import type { Hex } from "@mach/core";
import * as z from "zod/mini";

/** The JSON form of a core value: every protocol integer a decimal string, the rest as it is. */
export type Document<T> = T extends bigint
  ? string
  : T extends readonly (infer Element)[]
    ? readonly Document<Element>[]
    : T extends object
      ? { readonly [Key in keyof T]: Document<T[Key]> }
      : T;

/** A schema that reads the JSON form and gives the core value. */
export type DocumentSchema<T> = z.ZodMiniType<T, Document<T>>;

/** Lower-case hex with 0x of exactly so many bytes. */
export function hexSchema(byteLength: number): z.ZodMiniType<Hex, Hex> {
  const pattern = new RegExp(`^0x[0-9a-f]{${2 * byteLength}}$`);
  return asHexSchema(
    z
      .string()
      .check(z.maxLength(2 + 2 * byteLength))
      .check(z.regex(pattern)),
  );
}

/** Lower-case hex with 0x of whole bytes, `least` to `most` of them. */
export function hexRangeSchema(least: number, most: number): z.ZodMiniType<Hex, Hex> {
  const pattern = new RegExp(`^0x(?:[0-9a-f]{2}){${least},${most}}$`);
  // The length comes first and aborts, so that no pattern ever runs over an oversized text.
  return asHexSchema(
    z
      .string()
      .check(z.maxLength(2 + 2 * most, { abort: true }))
      .check(z.regex(pattern)),
  );
}

/** An unsigned integer of so many bits as a decimal string without leading zeros. */
export function decimalSchema(bits: 64 | 128 | 256): z.ZodMiniType<bigint, string> {
  const largest = ((1n << BigInt(bits)) - 1n).toString();
  return (
    z
      .string()
      .check(z.maxLength(largest.length, { abort: true }))
      .check(z.regex(/^(?:0|[1-9][0-9]*)$/, { abort: true }))
      // Of two numbers with equally many digits the larger one is the larger text.
      .check(z.refine((text) => text.length < largest.length || text <= largest))
      .apply((text) =>
        z.pipe(
          text,
          z.transform((digits: string) => BigInt(digits)),
        ),
      )
  );
}

export const hash: z.ZodMiniType<Hex, Hex> = hexSchema(32).check(
  z.meta({ description: "32 bytes" }),
);
export const address: z.ZodMiniType<Hex, Hex> = hexSchema(20).check(
  z.meta({ description: "An address" }),
);
export const publicKey: z.ZodMiniType<Hex, Hex> = hexSchema(48).check(
  z.meta({
    description: "A BLS12-381 key in G1, compressed",
  }),
);
export const signature: z.ZodMiniType<Hex, Hex> = hexSchema(96).check(
  z.meta({
    description: "A BLS12-381 signature in G2, compressed",
  }),
);
export const uint64: z.ZodMiniType<bigint, string> = decimalSchema(64);
export const uint128: z.ZodMiniType<bigint, string> = decimalSchema(128);
export const uint256: z.ZodMiniType<bigint, string> = decimalSchema(256);
/** A count, an age or a time in milliseconds that fits a JSON number. */
export const count: z.ZodMiniType<number, number> = z.int().check(z.minimum(0));
/** The name of a reason or a state: words in lower case with hyphens between them. */
export const code: z.ZodMiniType<string, string> = z
  .string()
  .check(z.maxLength(64))
  .check(z.regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/));

function asHexSchema(schema: z.ZodMiniType<string, string>): z.ZodMiniType<Hex, Hex> {
  return schema as z.ZodMiniType<string, string> as z.ZodMiniType<Hex, Hex>;
}

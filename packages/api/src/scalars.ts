import type { Hex } from "@mach/core";
import { z } from "zod";

/** The JSON form of a core value: every protocol integer a decimal string, the rest as it is. */
export type Document<T> = T extends bigint
  ? string
  : T extends readonly (infer Element)[]
    ? readonly Document<Element>[]
    : T extends object
      ? { readonly [Key in keyof T]: Document<T[Key]> }
      : T;

/** A schema that reads the JSON form and gives the core value. */
export type DocumentSchema<T> = z.ZodType<T, Document<T>>;

/** Lower-case hex with 0x of exactly so many bytes. */
export function hexSchema(byteLength: number): z.ZodType<Hex, Hex> {
  const pattern = new RegExp(`^0x[0-9a-f]{${2 * byteLength}}$`);
  return asHexSchema(
    z
      .string()
      .max(2 + 2 * byteLength)
      .regex(pattern),
  );
}

/** Lower-case hex with 0x of whole bytes, `least` to `most` of them. */
export function hexRangeSchema(least: number, most: number): z.ZodType<Hex, Hex> {
  const pattern = new RegExp(`^0x(?:[0-9a-f]{2}){${least},${most}}$`);
  // The length comes first and aborts, so that no pattern ever runs over an oversized text.
  return asHexSchema(
    z
      .string()
      .max(2 + 2 * most, { abort: true })
      .regex(pattern),
  );
}

/** An unsigned integer of so many bits as a decimal string without leading zeros. */
export function decimalSchema(bits: 64 | 128 | 256): z.ZodType<bigint, string> {
  const largest = ((1n << BigInt(bits)) - 1n).toString();
  return (
    z
      .string()
      .max(largest.length, { abort: true })
      .regex(/^(?:0|[1-9][0-9]*)$/, { abort: true })
      // Of two numbers with equally many digits the larger one is the larger text.
      .refine((text) => text.length < largest.length || text <= largest)
      .transform(BigInt)
  );
}

export const hash: z.ZodType<Hex, Hex> = hexSchema(32).meta({ description: "32 bytes" });
export const address: z.ZodType<Hex, Hex> = hexSchema(20).meta({ description: "An address" });
export const publicKey: z.ZodType<Hex, Hex> = hexSchema(48).meta({
  description: "A BLS12-381 key in G1, compressed",
});
export const signature: z.ZodType<Hex, Hex> = hexSchema(96).meta({
  description: "A BLS12-381 signature in G2, compressed",
});
export const uint64: z.ZodType<bigint, string> = decimalSchema(64);
export const uint128: z.ZodType<bigint, string> = decimalSchema(128);
export const uint256: z.ZodType<bigint, string> = decimalSchema(256);
/** A count, an age or a time in milliseconds that fits a JSON number. */
export const count: z.ZodType<number, number> = z.int().min(0);

function asHexSchema(schema: z.ZodType<string, string>): z.ZodType<Hex, Hex> {
  return schema as z.ZodType<string, string> as z.ZodType<Hex, Hex>;
}

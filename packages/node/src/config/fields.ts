import { isHex } from "@mach/core";
import { z } from "zod";

/*
 * Scalars reach the schema as strings (a YAML file, the environment and flags all give text), so
 * that a 20-byte address is never read as a number and a chain id never loses digits.
 */

/** A whole number within limits, decimal. The sentence names the unit. */
export function integer(
  sentence: string,
  limits: { readonly min: number; readonly max: number },
): z.ZodType<number, unknown> {
  const range = `expected a whole number from ${limits.min} to ${limits.max}`;
  return z
    .union([z.number(), z.string().regex(/^\d{1,16}$/, range)], { error: range })
    .transform(Number)
    .pipe(z.number().int(range).min(limits.min, range).max(limits.max, range))
    .describe(`${sentence} From ${limits.min} to ${limits.max}.`);
}

/** A whole number of the protocol, decimal, below 2^`bits`. */
export function bigInteger(sentence: string, bits: 64 | 256): z.ZodType<bigint, unknown> {
  const range = `expected a decimal whole number below 2^${bits}`;
  return z
    .union([z.bigint(), z.number().int().nonnegative(), z.string().regex(/^\d{1,78}$/, range)], {
      error: range,
    })
    .transform((value) => BigInt(value))
    .refine((value) => value >= 0n && value < 2n ** BigInt(bits), range)
    .describe(sentence);
}

/** An address: 20 bytes of hex. Checksummed capitals are accepted and lowered. */
export function address(sentence: string): z.ZodType<`0x${string}`, unknown> {
  const shape = "expected an address: 0x and 40 hexadecimal digits";
  return z
    .string({ error: shape })
    .transform((value, context) => {
      const lowered = value.toLowerCase();
      if (isHex(lowered, 20)) return lowered;
      context.addIssue({ code: "custom", message: shape });
      return z.NEVER;
    })
    .describe(sentence);
}

/** Non-empty text, at most 4096 characters. */
export function text(sentence: string): z.ZodType<string, unknown> {
  return z
    .string({ error: "expected text" })
    .min(1, "expected text that is not empty")
    .max(4096, "expected at most 4096 characters")
    .describe(sentence);
}

/** A list of URLs of the given schemes; a comma separates them where the list is one text. */
export function urls(
  sentence: string,
  limits: { readonly schemes: readonly string[]; readonly min: number; readonly max: number },
): z.ZodType<readonly string[], unknown> {
  const shape = `expected a URL that begins with ${limits.schemes.map((s) => `${s}//`).join(" or ")}`;
  const count = `expected ${limits.min} to ${limits.max} URLs`;
  const url = z
    .string({ error: shape })
    .refine((value) => URL.canParse(value) && limits.schemes.includes(new URL(value).protocol), {
      error: shape,
    });
  return z
    .preprocess(
      splitList,
      z.array(url, { error: count }).min(limits.min, count).max(limits.max, count),
    )
    .describe(sentence);
}

/** A list of texts; a comma separates them where the list is one text. */
export function texts(
  sentence: string,
  limits: { readonly shape: RegExp; readonly expected: string; readonly max: number },
): z.ZodType<readonly string[], unknown> {
  const item = z.string({ error: limits.expected }).regex(limits.shape, limits.expected);
  const count = `expected at most ${limits.max} entries`;
  return z
    .preprocess(splitList, z.array(item, { error: "expected a list" }).max(limits.max, count))
    .describe(sentence);
}

function splitList(value: unknown): unknown {
  if (typeof value !== "string") return value;
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

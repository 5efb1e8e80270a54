import { isHex } from "@mach/core";
import { z } from "zod";

/*
 * Scalars reach the schema as strings (a YAML file, the environment and flags all give text), so
 * that a 20-byte address is never read as a number and a chain id never loses digits.
 */

/**
 * Of a rule of several fields: it is asked of a section with other faults too, so that all of them
 * are named at once.
 */
export const ALWAYS: { when(): boolean } = { when: () => true };

/** What the reference and the JSON schema tell of a field. */
interface FieldDocument {
  readonly sentence: string;
  /** What may be written, as it follows "expected". */
  readonly takes: string;
  /** The JSON schema of what may be written, with an example where there is no default. */
  readonly shape: Readonly<Record<string, unknown>>;
}

/** A field without a default is shown by its example, in a new configuration file for one. */
interface Example {
  readonly example?: string;
}

function documented<T>(
  schema: z.ZodType<T, unknown>,
  { sentence, takes, shape }: FieldDocument,
): z.ZodType<T, unknown> {
  return schema.meta({ description: sentence, takes, shape });
}

/** A whole number within limits, decimal. The sentence names the unit. */
export function integer(
  sentence: string,
  limits: {
    readonly min: number;
    readonly max: number;
    /** Why no fewer, where the field's sentence does not say it. */
    readonly because?: string;
  },
): z.ZodType<number, unknown> {
  const takes = `a whole number from ${limits.min} to ${limits.max}`;
  const range = `expected ${takes}${limits.because === undefined ? "" : `: ${limits.because}`}`;
  const shape = { type: "integer", minimum: limits.min, maximum: limits.max };
  const schema = z
    .union([z.number(), z.string().regex(/^\d{1,16}$/, range)], { error: range })
    .transform(Number)
    // Not by `int`: where that refuses, zod asks no rule of the section any more.
    .refine((value) => isWithin(value, limits), range);
  return documented(schema, { sentence, takes, shape: { ...shape, examples: [limits.min] } });
}

function isWithin(value: number, limits: { readonly min: number; readonly max: number }): boolean {
  return Number.isSafeInteger(value) && value >= limits.min && value <= limits.max;
}

/** A whole number of the protocol, decimal, below 2^`bits`. */
export function bigInteger(
  sentence: string,
  bits: 64 | 256,
  { example = "0" }: Example = {},
): z.ZodType<bigint, unknown> {
  const takes = `a decimal whole number below 2^${bits}`;
  const range = `expected ${takes}`;
  const schema = z
    .union([z.bigint(), z.number().int().nonnegative(), z.string().regex(/^\d{1,78}$/, range)], {
      error: range,
    })
    .transform((value) => BigInt(value))
    .refine((value) => value >= 0n && value < 2n ** BigInt(bits), range);
  // An editor reads a number of more than 53 bits as another one; as text it keeps its digits.
  const shape = { type: ["integer", "string"], minimum: 0, pattern: "^\\d{1,78}$" };
  return documented(schema, {
    sentence,
    takes,
    shape: { ...shape, examples: [Number(example)] },
  });
}

/** An address: 20 bytes of hex. Checksummed capitals are accepted and lowered. */
export function address(sentence: string): z.ZodType<`0x${string}`, unknown> {
  const takes = "an address: 0x and 40 hexadecimal digits";
  const schema = z.string({ error: `expected ${takes}` }).transform((value, context) => {
    const lowered = value.toLowerCase();
    if (isHex(lowered, 20)) return lowered;
    context.addIssue({ code: "custom", message: `expected ${takes}` });
    return z.NEVER;
  });
  const shape = { type: "string", pattern: "^0[xX][0-9a-fA-F]{40}$" };
  return documented(schema, {
    ...{ sentence, takes },
    shape: { ...shape, examples: [`0x${"a1".repeat(20)}`] },
  });
}

/** Non-empty text, at most 4096 characters. */
export function text(sentence: string, { example = "text" }: Example = {}): TextField {
  const schema = z
    .string({ error: "expected text; a number or a word such as true goes in quotes" })
    .min(1, "expected text that is not empty")
    .max(4096, "expected at most 4096 characters");
  const shape = { type: "string", minLength: 1, maxLength: 4096, examples: [example] };
  return documented(schema, { sentence, takes: "text", shape });
}

type TextField = z.ZodType<string, unknown>;

/** One URL of the given schemes. */
export function url(
  sentence: string,
  { schemes, example }: { readonly schemes: readonly string[]; readonly example: string },
): z.ZodType<string, unknown> {
  const takes = describeUrl(schemes);
  return documented(urlOf(schemes), {
    ...{ sentence, takes },
    shape: { type: "string", pattern: urlPattern(schemes), examples: [example] },
  });
}

/** A list of URLs of the given schemes; a comma separates them where the list is one text. */
export function urls(
  sentence: string,
  limits: { readonly schemes: readonly string[]; readonly min: number; readonly max: number },
): z.ZodType<readonly string[], unknown> {
  const { schemes, min, max } = limits;
  const number = max === 1 ? "a list of one URL" : `${min} to ${max} URLs`;
  const takes = `${number}, each ${describeUrl(schemes)}`;
  const count = `expected ${takes}`;
  const schema = z.preprocess(
    splitList,
    z.array(urlOf(schemes), { error: count }).min(min, count).max(max, count),
  );
  const items = { type: "string", pattern: urlPattern(schemes) };
  const list = { type: "array", items, minItems: min, maxItems: max };
  const example = `${schemes[0] ?? "http:"}//127.0.0.1:8545`;
  return documented(schema, {
    ...{ sentence, takes },
    shape: { anyOf: [list, { type: "string" }], examples: [[example]] },
  });
}

/** A list of texts; a comma separates them where the list is one text. */
export function texts(
  sentence: string,
  limits: {
    readonly shape: RegExp;
    /** What the shape alone does not tell. */
    readonly accepts?: (text: string) => boolean;
    /** What each of them is, as it follows "expected". */
    readonly takes: string;
    readonly max: number;
  },
): z.ZodType<readonly string[], unknown> {
  const { shape, accepts = () => true, max } = limits;
  const item = z
    .string({ error: `expected ${limits.takes}` })
    .regex(shape, `expected ${limits.takes}`)
    .refine(accepts, `expected ${limits.takes}`);
  const count = `expected at most ${max} entries`;
  const schema = z.preprocess(
    splitList,
    z.array(item, { error: "expected a list" }).max(max, count),
  );
  const list = { type: "array", items: { type: "string", pattern: shape.source }, maxItems: max };
  return documented(schema, {
    sentence,
    takes: `at most ${max} entries, each ${limits.takes}`,
    shape: { anyOf: [list, { type: "string" }], examples: [[]] },
  });
}

function urlOf(schemes: readonly string[]): z.ZodType<string, unknown> {
  const error = `expected ${describeUrl(schemes)}`;
  return z
    .string({ error })
    .refine((value) => URL.canParse(value) && schemes.includes(new URL(value).protocol), { error });
}

function describeUrl(schemes: readonly string[]): string {
  return `a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(" or ")}`;
}

function urlPattern(schemes: readonly string[]): string {
  return `^(${schemes.join("|")})`;
}

function splitList(value: unknown): unknown {
  if (typeof value !== "string") return value;
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

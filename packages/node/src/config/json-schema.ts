import { z } from "zod";
import { configSchema } from "./schema.ts";

/** As much of JSON Schema as the configuration needs, and two words of this project's own. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly title?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  /** What may be written, as it follows "expected". */
  readonly takes?: string;
  /** A section that one text may stand for: what that text is. */
  readonly orText?: string;
}

/** What may be written into a configuration file, with `takes` and `orText`. */
export function annotatedSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const { shape, description, takes } = jsonSchema as Record<string, unknown>;
      if (isRecord(shape)) {
        // What zod makes of a union of text and number says nothing to a reader.
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
        Object.assign(jsonSchema, { description, takes }, shape);
      }
      // zod leaves out the default of what it transforms, and one that is a bigint.
      const fallback = defaultOf(zodSchema);
      if (fallback === undefined) return;
      Object.assign(jsonSchema, { default: fallback });
      delete jsonSchema.examples;
    },
  });
  return schema as JsonSchema;
}

/** The JSON Schema of a configuration file, for editors. */
export function configJsonSchema(): JsonSchema {
  const { properties = {}, ...schema } = annotatedSchema();
  // A JSON file has no comment to name its schema in.
  const named = { $schema: { type: "string" }, ...properties };
  const title = "The configuration of a MACH node";
  return published({ ...schema, title, properties: named });
}

function published(schema: JsonSchema): JsonSchema {
  const { takes: _takes, orText, properties, items, additionalProperties, ...rest } = schema;
  const own: JsonSchema = {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, value]) => [key, published(value)]),
      ),
    }),
    ...(items && { items: published(items) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === "boolean"
          ? additionalProperties
          : published(additionalProperties),
    }),
  };
  if (orText === undefined) return own;
  const { description, ...section } = own;
  const text = { type: "string", description: orText };
  return { ...(description !== undefined && { description }), anyOf: [text, section] };
}

function defaultOf(schema: unknown): unknown {
  const { def } = (schema as z.core.$ZodType)._zod;
  if (def.type !== "default") return undefined;
  const value = (def as z.core.$ZodDefaultDef).defaultValue;
  return typeof value === "bigint" ? Number(value) : value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

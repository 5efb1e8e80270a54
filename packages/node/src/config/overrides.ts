import { parse } from "yaml";
import { z } from "zod";
import { configSchema } from "./schema.ts";

/** One field of the configuration that the environment and flags can set. */
export interface ConfigField {
  readonly path: readonly string[];
  /** `MACH_` and the path in capitals: `gossip.maxMessageBytes` is MACH_GOSSIP_MAX_MESSAGE_BYTES. */
  readonly variable: string;
  readonly description: string;
  readonly fallback: string | undefined;
}

interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

export interface EnvironmentOverrides {
  readonly overrides: readonly (readonly [path: readonly string[], value: unknown])[];
  /** Variables MACH_* that stand for no field: a misspelt one must not be passed over. */
  readonly unknown: readonly string[];
}

/** Every field that one variable or flag can set, in the order of the schema. */
export function configFields(): readonly ConfigField[] {
  const schema = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" });
  return collectFields(schema as JsonSchema, []);
}

/** What the environment sets, by the names of `configFields`. */
export function overridesFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): EnvironmentOverrides {
  const fields = new Map(configFields().map((field) => [field.variable, field]));
  const overrides: (readonly [readonly string[], unknown])[] = [];
  const unknown: string[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith("MACH_") || value === undefined) continue;
    const field = fields.get(variable);
    if (field === undefined) unknown.push(variable);
    else overrides.push([field.path, overrideValue(value)]);
  }
  return { overrides, unknown };
}

/** The values with one replaced; sections on the way to it are made where they are missing. */
export function withOverride(values: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(values)) {
    const items: readonly unknown[] = values;
    return items.map((item, i) => (String(i) === key ? withOverride(item, rest, value) : item));
  }
  const section = typeof values === "object" && values !== null ? values : {};
  const entries = new Map<string, unknown>(Object.entries(section));
  entries.set(key, withOverride(entries.get(key), rest, value));
  return Object.fromEntries(entries);
}

/** A text as it stands; one that begins like a YAML list or map (`[`, `{`) as what it holds. */
export function overrideValue(value: string): unknown {
  if (!/^\s*[[{]/.test(value)) return value;
  try {
    return parse(value, { schema: "failsafe", maxAliasCount: 0 }) as unknown;
  } catch {
    // Left as text, which the schema then refuses at the field's own path.
    return value;
  }
}

function collectFields(schema: JsonSchema, path: readonly string[]): readonly ConfigField[] {
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([key, value]) =>
      collectFields(value, [...path, key]),
    );
  }
  const name = path.map((part) => part.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase());
  return [
    {
      path,
      variable: `MACH_${name.join("_")}`,
      description: schema.description ?? "",
      fallback: schema.default === undefined ? undefined : String(schema.default),
    },
  ];
}

import { parse } from "yaml";
import { nearMiss } from "./near-miss.ts";
import { type ConfigField, flatten } from "./reference.ts";

/** One value that goes over the file's. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  /** Where it is set: `MACH_API_PORT`, `--set api.port`. */
  readonly from: string;
}

export interface EnvironmentOverrides {
  readonly overrides: readonly Override[];
  /** Variables MACH_* that stand for no field: a misspelt one must not be passed over. */
  readonly unknown: readonly { readonly variable: string; readonly meant: string | undefined }[];
}

/** What the environment sets, by the variables of the fields. */
export function overridesFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  fields: readonly ConfigField[],
): EnvironmentOverrides {
  const paths = new Map(
    flatten(fields).flatMap(({ variable, path }) => (variable ? [[variable, path] as const] : [])),
  );
  const overrides: Override[] = [];
  const unknown: { variable: string; meant: string | undefined }[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith("MACH_") || value === undefined) continue;
    const path = paths.get(variable);
    if (path !== undefined) overrides.push({ path, value: overrideValue(value), from: variable });
    else unknown.push({ variable, meant: nearMiss(variable, [...paths.keys()]) });
  }
  // A whole list goes before what changes one of its entries, in whatever order they are set.
  return { overrides: overrides.toSorted((a, b) => a.path.length - b.path.length), unknown };
}

/** What `--set` sets. */
export function overridesFromFlags(flags: Readonly<Record<string, string>>): readonly Override[] {
  return Object.entries(flags).map(([path, value]) => ({
    path: path.split("."),
    value: overrideValue(value),
    from: `--set ${path}`,
  }));
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
function overrideValue(value: string): unknown {
  if (!/^\s*[[{]/.test(value)) return value;
  try {
    return parse(value, { schema: "failsafe", maxAliasCount: 0 }) as unknown;
  } catch {
    // Left as text, which the schema then refuses at the field's own path.
    return value;
  }
}

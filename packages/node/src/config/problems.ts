import type { z } from "zod";
import { type Layers, valueAt } from "./layers.ts";
import { nearMiss } from "./near-miss.ts";
import { type ConfigField, dotted, fieldAt, flatten } from "./reference.ts";

/** One wrong field. */
export interface ConfigProblem {
  /** Its path, dotted. */
  readonly path: string;
  /** What is wrong there, and what is expected instead. */
  readonly message: string;
  /** Where it is written: `node.yaml:12`, `MACH_API_PORT`; absent where it is not. */
  readonly at?: string;
}

/** What the schema found, each field with what to write instead and where. */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  layers: Layers,
  fields: readonly ConfigField[],
): readonly ConfigProblem[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => {
        const path = [...issue.path, key];
        return locate({ path, message: describeUnknown(path, fields) }, layers);
      });
    }
    return [locate({ path: issue.path, message: describe(issue, { layers, fields }) }, layers)];
  });
}

function locate(
  { path, message }: { readonly path: readonly PropertyKey[]; readonly message: string },
  layers: Layers,
): ConfigProblem {
  const at = nearestOrigin(path, layers);
  const where = path.length === 0 ? "(root)" : dotted(path);
  return { path: where, message, ...(at !== undefined && { at }) };
}

/** Where it is written; where it is not, the section that it is missing in. */
function nearestOrigin(path: readonly PropertyKey[], layers: Layers): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = layers.originOf(path.slice(0, length));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

function describe(
  issue: z.core.$ZodIssue,
  { layers, fields }: { readonly layers: Layers; readonly fields: readonly ConfigField[] },
): string {
  const value = valueAt(layers.values, issue.path);
  const field = fieldAt(fields, issue.path);
  // Its own words are about types, where a reader thinks of what is indented below a name.
  const isSection = issue.code === "invalid_type" && issue.expected === "object";
  const expected = isSection ? `expected ${sectionOf(field)}` : issue.message;
  // A rule of several fields speaks of what all of them come to.
  if (value === undefined && issue.code !== "custom") return `is missing: ${expected}`;
  if (value === null) return `is empty: ${expected}, or leave it out`;
  return expected;
}

function sectionOf(field: ConfigField | undefined): string {
  if (field === undefined || field.fields.length === 0) return "fields, each with its value";
  const names = field.fields.map(({ path }) => path.at(-1) ?? "");
  const shown = `${names.slice(0, 4).join(", ")}${names.length > 4 ? ", ..." : ""}`;
  return `${field.orText === undefined ? "" : `${field.orText}, or `}the fields ${shown}`;
}

/** A misspelt field, one that belongs elsewhere, or neither: then those that there are. */
function describeUnknown(path: readonly PropertyKey[], fields: readonly ConfigField[]): string {
  const key = String(path.at(-1));
  const section = path.length === 1 ? undefined : fieldAt(fields, path.slice(0, -1));
  const siblings = path.length === 1 ? fields : entriesOf(fields, { path, section });
  const names = siblings.map((field) => field.path.at(-1) ?? "");
  const meant = nearMiss(key, names);
  const elsewhere = flatten(fields).filter((field) => field.path.at(-1) === key);
  const exact = names.some((name) => name.toLowerCase() === key.toLowerCase());
  if (elsewhere.length > 0 && !exact) {
    const places = elsewhere.map((field) => dotted(field.path)).slice(0, 3);
    return `is not a field here; there is ${places.join(" and ")}`;
  }
  if (meant !== undefined) return `is not a field; did you mean ${meant}?`;
  return `is not a field; there are ${names.join(", ")}`;
}

/** The fields beside an unknown one: those of its section, or of an entry of its list. */
function entriesOf(
  fields: readonly ConfigField[],
  { path, section }: { path: readonly PropertyKey[]; section: ConfigField | undefined },
): readonly ConfigField[] {
  return (section ?? fieldAt(fields, path.slice(0, -2)))?.fields ?? [];
}

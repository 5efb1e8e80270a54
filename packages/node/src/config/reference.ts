import { annotatedSchema, type JsonSchema } from "./json-schema.ts";

/** One field of the configuration, as the reference, `mach config` and the environment know it. */
export interface ConfigField {
  /** The keys to it; `[]` stands for the place in a list: `["rollups", "[]", "rpcUrls"]`. */
  readonly path: readonly string[];
  /** A sentence, or some. */
  readonly description: string;
  /** What may be written, as it follows "expected". */
  readonly takes: string;
  /** A section that one text may stand for: what that text is. */
  readonly orText?: string;
  readonly fallback?: unknown;
  /** Shown where there is no default. */
  readonly example?: unknown;
  /** Without it, or in a section that is there without it, the configuration is wrong. */
  readonly isRequired: boolean;
  /** `MACH_` and the path in capitals: `gossip.maxMessageBytes` is MACH_GOSSIP_MAX_MESSAGE_BYTES. */
  readonly variable?: string;
  readonly kind: "value" | "section" | "list";
  /** Of a section, or of each entry of a list of sections. */
  readonly fields: readonly ConfigField[];
}

/** Stands in a path for the place in a list. */
export const ENTRY = "[]";

/** Every field, in the order of the schema: sections with the fields in them. */
export function configFields(): readonly ConfigField[] {
  return fieldsOf(annotatedSchema(), []);
}

/** The fields and sections, each before the fields in it. */
export function flatten(fields: readonly ConfigField[]): readonly ConfigField[] {
  return fields.flatMap((field) => [field, ...flatten(field.fields)]);
}

/** A path as it is written: `rollups[].rpcUrls`, `rollups.0.rpcUrls`. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".").replaceAll(`.${ENTRY}`, ENTRY);
}

/** The field at a path of a configuration, in which a number is the place in a list. */
export function fieldAt(
  fields: readonly ConfigField[],
  path: readonly PropertyKey[],
): ConfigField | undefined {
  const wanted = path.map(String);
  return flatten(fields).find((field) => {
    if (field.path.length !== wanted.length) return false;
    return field.path.every((key, i) => {
      const part = wanted[i] ?? "";
      return key === part || (key === ENTRY && /^\d+$/.test(part));
    });
  });
}

function fieldsOf(schema: JsonSchema, path: readonly string[]): readonly ConfigField[] {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).map(([key, value]) =>
    describeField(value, { path: [...path, key], isRequired: required.includes(key) }),
  );
}

function describeField(
  schema: JsonSchema,
  place: Pick<ConfigField, "path" | "isRequired">,
): ConfigField {
  const { path } = place;
  const own = {
    ...place,
    description: schema.description ?? "",
    ...(!path.includes(ENTRY) && { variable: variableOf(path) }),
  };
  if (schema.properties !== undefined) {
    const { orText } = schema;
    const takes = orText === undefined ? "a section" : `${orText}, or a section`;
    const fields = fieldsOf(schema, path);
    if (orText !== undefined) return { ...own, takes, orText, kind: "section", fields };
    // A section is set field by field; the variable of one would only be a second way.
    const { variable: _variable, ...rest } = own;
    return { ...rest, takes, kind: "section", fields };
  }
  if (schema.items?.properties !== undefined) {
    const fields = fieldsOf(schema.items, [...path, ENTRY]);
    return { ...own, takes: "a list of sections", kind: "list", fields };
  }
  return {
    ...own,
    takes: takesOf(schema),
    ...(schema.default !== undefined && { fallback: schema.default }),
    ...(schema.examples?.[0] !== undefined && { example: schema.examples[0] }),
    kind: "value",
    fields: [],
  };
}

function takesOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(", ")}`;
  return schema.takes ?? "a section of names, each with its value";
}

function variableOf(path: readonly string[]): string {
  const name = path.map((part) => part.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase());
  return `MACH_${name.join("_")}`;
}

import type { JsonObject } from "@mach/api";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";

/** One operation of the published document. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly PublishedParameter[];
  readonly responses: Readonly<Record<string, unknown>>;
}

interface PublishedParameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly schema: JsonObject;
}

/** The published document, as a client that knows nothing else reads it. */
export interface PublishedApi {
  readonly operations: readonly Operation[];
  /** Why a value is not what a schema of the document says, or null. */
  refuse(pointer: string, value: unknown): string | null;
  /** Values that a parameter's schema takes, and texts that it does not. */
  validValue(parameter: PublishedParameter): fc.Arbitrary<string>;
  invalidValue(parameter: PublishedParameter): fc.Arbitrary<string>;
}

/** Reads an OpenAPI document, and compiles its schemas (JSON Schema, draft 2020-12). */
export function readPublished(
  document: JsonObject,
  known: Readonly<Record<string, readonly string[]>>,
): PublishedApi {
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  ajv.addSchema(document, "api");
  const refuse = (pointer: string, value: unknown): string | null => {
    const key = `api#${pointer}`;
    const validate = ajv.getSchema(key);
    if (validate === undefined) return `no schema at ${pointer}`;
    return validate(value) ? null : `${pointer}: ${ajv.errorsText(validate.errors)}`;
  };
  // Compiled once for each schema: ajv remembers them by identity.
  const takes = ({ schema }: PublishedParameter, value: string): boolean =>
    ajv.validate(schema, value);
  const paths = document["paths"] as Record<string, Record<string, JsonObject>>;
  return {
    operations: Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({
        id: String(operation["operationId"]),
        method: method.toUpperCase(),
        path,
        parameters: operation["parameters"] as readonly PublishedParameter[],
        responses: operation["responses"] as Readonly<Record<string, unknown>>,
      })),
    ),
    refuse,
    validValue(parameter) {
      const { name, schema } = parameter;
      const seeds = (known[name] ?? []).filter((each) => takes(parameter, each));
      const any = arbitraryOf(schema).filter((each) => takes(parameter, each));
      return seeds.length === 0
        ? any
        : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...seeds) }, any);
    },
    invalidValue: (parameter) =>
      fc
        .oneof(
          fc.constantFrom("", "-1", "01", "0x", "1e3", " 1", "null", "%", "..x", "'", "\u0000"),
          fc.string({ minLength: 1, maxLength: 40, unit: "binary" }),
          arbitraryOf(parameter.schema).map((each) => `${each} `),
          arbitraryOf(parameter.schema).map((each) => `0${each}`),
        )
        .filter((each) => isText(each) && !isSegment(each) && !takes(parameter, each)),
  };
}

/** What a URL would take for something else than a part of a path. */
function isSegment(text: string): boolean {
  return text === "" || text === "." || text === "..";
}

/** The largest number of so many digits that a field of the protocol holds. */
const LARGEST: Readonly<Record<number, bigint>> = {
  20: 2n ** 64n - 1n,
  39: 2n ** 128n - 1n,
  78: 2n ** 256n - 1n,
};

function arbitraryOf(schema: JsonObject): fc.Arbitrary<string> {
  const { anyOf, enum: names, const: constant, pattern, maxLength } = schema;
  if (Array.isArray(anyOf))
    return fc.oneof(...anyOf.map((each) => arbitraryOf(each as JsonObject)));
  if (Array.isArray(names)) return fc.constantFrom(...names.map(String));
  if (constant !== undefined) return fc.constant(String(constant));
  const largest = LARGEST[Number(maxLength)];
  if (largest !== undefined) return fc.bigInt({ min: 0n, max: largest }).map(String);
  if (typeof pattern !== "string") throw new Error(`no pattern: ${JSON.stringify(schema)}`);
  return fc.stringMatching(new RegExp(pattern));
}

/** Half of a surrogate pair has no place in an address. */
function isText(text: string): boolean {
  try {
    encodeURIComponent(text);
    return true;
  } catch {
    // Not well formed.
    return false;
  }
}

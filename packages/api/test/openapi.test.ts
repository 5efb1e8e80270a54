import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { renderDocsPage } from "../src/docs-page.ts";
import { ERROR_CODES, ERRORS } from "../src/errors.ts";
import { TOPIC_NAMES } from "../src/events.ts";
import { REASONS } from "../src/meanings.ts";
import { buildOpenApi, type JsonObject } from "../src/openapi.ts";
import { ROUTE_IDS, ROUTES } from "../src/routes.ts";

const document = buildOpenApi({ software: "1.2.3" });
const paths = document["paths"] as Record<string, Record<string, JsonObject>>;

/** The one operation of a path. */
function operationAt(path: string): JsonObject {
  const [operation, ...others] = Object.values(paths[path] ?? {});
  if (operation === undefined || others.length > 0) throw new Error(`operations of ${path}`);
  return operation;
}

/** Every object within a document, with the path that leads to it. */
function walk(value: unknown, path = "#"): readonly (readonly [string, JsonObject])[] {
  if (typeof value !== "object" || value === null) return [];
  const children = Object.entries(value).flatMap(([key, child]) => walk(child, `${path}/${key}`));
  return Array.isArray(value) ? children : [[path, value as JsonObject], ...children];
}

function resolve(reference: string): unknown {
  const keys = reference.replace(/^#\//, "").split("/");
  return keys.reduce<unknown>((at, key) => (at as JsonObject | undefined)?.[key], document);
}

test("every route of the table is a path, and nothing else is", () => {
  expect(Object.keys(paths)).toEqual(ROUTE_IDS.map((id) => ROUTES[id].path));
  for (const id of ROUTE_IDS) {
    expect(Object.keys(paths[ROUTES[id].path] ?? {})).toEqual([ROUTES[id].method.toLowerCase()]);
    expect(operationAt(ROUTES[id].path)).toMatchObject({ operationId: id });
  }
});

test("every reference leads to a schema of the document", () => {
  const references = walk(document).flatMap(([path, each]) =>
    typeof each["$ref"] === "string" ? [[path, each["$ref"]] as const] : [],
  );
  expect(references.length).toBeGreaterThan(50);
  for (const [path, reference] of references) {
    expect(resolve(reference), `${reference} at ${path}`).toBeTypeOf("object");
  }
});

test("no schema keeps what only JSON Schema on its own may have", () => {
  for (const [path, each] of walk((document["components"] as JsonObject)["schemas"])) {
    expect(Object.keys(each), path).not.toContain("$defs");
    expect(Object.keys(each), path).not.toContain("$schema");
  }
});

test("every part of a path in braces is a required parameter, and the other way round", () => {
  for (const path of Object.keys(paths)) {
    const parameters = operationAt(path)["parameters"] as readonly JsonObject[];
    const inPath = parameters.filter((each) => each["in"] === "path");
    expect(inPath.map((each) => `{${each["name"]}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    expect(inPath.every((each) => each["required"])).toBe(true);
    for (const each of parameters) expect(each["schema"]).toBeTypeOf("object");
  }
});

test("every operation has its success and its errors", () => {
  for (const id of ROUTE_IDS) {
    const responses = operationAt(ROUTES[id].path)["responses"] as JsonObject;
    expect(Object.keys(responses)).toContain("200");
    for (const code of ROUTES[id].errors) {
      const response = responses[String(ERRORS[code].status)] as JsonObject;
      expect(response["description"]).toContain(`\`${code}\``);
    }
  }
});

test("a protocol integer is documented as the string that goes over the wire", () => {
  expect(resolve("#/components/schemas/Claim/properties/blockNumber")).toEqual({
    type: "string",
    maxLength: 20,
    pattern: "^(?:0|[1-9][0-9]*)$",
  });
  expect(resolve("#/components/schemas/Claim/additionalProperties")).toBe(false);
});

test("the page names every route, error, topic, reason and document", () => {
  const page = renderDocsPage({ software: "1.2.3" });
  for (const id of ROUTE_IDS) {
    expect(page).toContain(`<section id="${id}">`);
    expect(page).toContain(`<code>${ROUTES[id].method} ${ROUTES[id].path}</code>`);
  }
  const schemas = Object.keys((document["components"] as { schemas: object }).schemas);
  for (const name of schemas) expect(page).toContain(`id="schema-${name}"`);
  for (const code of [...ERROR_CODES, ...TOPIC_NAMES, ...Object.keys(REASONS)]) {
    expect(page).toContain(`<code>${code}</code>`);
  }
});

test("every link within the page leads somewhere, and every tag is closed", () => {
  const page = renderDocsPage({ software: "1.2.3" });
  const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
  for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
  for (const tag of ["section", "table", "tbody", "tr", "td", "code", "a", "ul", "main"]) {
    const opened = page.match(new RegExp(`<${tag}[ >]`, "g"))?.length;
    expect(page.match(new RegExp(`</${tag}>`, "g"))?.length, tag).toBe(opened);
  }
});

test("a version with markup in it stays text", () => {
  const page = renderDocsPage({ software: '1<script>alert("x")</script>' });
  expect(page).not.toContain("<script");
});

test("the package imports no Node module and no other package of the project", () => {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  expect(Object.keys((manifest as { dependencies: object }).dependencies)).toEqual([
    "@mach/core",
    "zod",
  ]);
});

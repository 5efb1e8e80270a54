import { createConfig, lintFromString } from "@redocly/openapi-core";
import { expect, test } from "vitest";
import { buildOpenApi, type JsonObject } from "../src/openapi.ts";

/** What a public linter says of a document, by its recommended rules and without a network. */
async function lint(document: JsonObject): Promise<readonly string[]> {
  const config = await createConfig({ extends: ["recommended-strict"] });
  const source = JSON.stringify(document);
  const problems = await lintFromString({ source, absoluteRef: "openapi.json", config });
  return problems.map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer ?? ""}`);
}

test("a public linter of OpenAPI documents has nothing to say", async () => {
  expect(await lint(buildOpenApi({ software: "1.2.3" }))).toEqual([]);
});

test("the linter reads the document: it finds what is taken out of it", async () => {
  const { security: _, ...open } = buildOpenApi({ software: "1.2.3" });
  const found = await lint(open);
  expect(found).toContain("security-defined #/paths/~1v1~1network/get");
});

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const DOCUMENT = readFileSync(new URL("../../../docs/consumers.md", import.meta.url), "utf8");
/** Where the codes of answers are declared, each in a line of a union. */
const SOURCES = [
  "../src/answers.ts",
  "../src/errors.ts",
  "../src/header-chain.ts",
  "../src/inclusion.ts",
  "../src/policy.ts",
  "../src/trust.ts",
  "../src/verdict.ts",
];

it("docs/consumers.md says what to do at every code of an answer", () => {
  const declared = SOURCES.flatMap((source) => {
    const text = readFileSync(new URL(source, import.meta.url), "utf8");
    return [...text.matchAll(/^ {2}\| (?:Exclude<.*)?"([a-z][a-z0-9-]+)";?$/gm)].map(
      ([, code]) => code,
    );
  });
  expect(declared.length).toBeGreaterThan(30);
  // A misuse, which no answer has.
  const missing = declared.filter(
    (code) => code !== "bad-option" && !DOCUMENT.includes(`\`${code}\``),
  );
  expect(missing).toEqual([]);
});

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const IMPORT = /from "([^"]+)"|import\("([^"]+)"\)|import "([^"]+)"/g;

/** Everything that a file imports, through its relative imports. */
function importsOf(file: URL, seen: Map<string, readonly string[]> = new Map()): Set<string> {
  if (!seen.has(file.href)) {
    const text = readFileSync(file, "utf8");
    const names = [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
    seen.set(file.href, names);
    for (const name of names) if (name.startsWith(".")) importsOf(new URL(name, file), seen);
  }
  return new Set([...seen.values()].flat().filter((name) => !name.startsWith(".")));
}

it("the portable entry needs nothing of Node and nothing native", () => {
  const portable = importsOf(new URL("../src/portable.ts", import.meta.url));
  expect([...portable].sort()).toEqual(["@mach/core", "@noble/curves/bls12-381.js"]);
  const native = importsOf(new URL("../src/index.ts", import.meta.url));
  expect(native).toContain("node:worker_threads");
  expect(native).toContain("@chainsafe/bls");
});

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const NOT_OURS = new Set([".git", ".local", "node_modules", "dist", "coverage", "out", "cache"]);

/** Which packages each package may import; what is not here may not be. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  bls: ["core"],
  rpc: [],
  rollups: ["core", "rpc"],
  execution: ["core", "rollups", "rpc"],
  settlement: ["core", "rpc"],
  api: ["core"],
  sdk: ["core", "bls", "rpc", "api"],
  web: ["sdk"],
  node: ["core", "bls", "rpc", "rollups", "execution", "settlement", "api", "web"],
  simulator: ["core"],
};

const files = listFiles(ROOT);
const sources = files.filter((file) => /\.(ts|mjs|sol)$/.test(file));
const documents = files.filter((file) => file.endsWith(".md"));
const packages = readdirSync(join(ROOT, "packages")).filter(
  (name) => !NOT_OURS.has(name) && existsSync(join(ROOT, "packages", name, "package.json")),
);

describe("imports", () => {
  it("lists every package in the table", () => {
    expect(packages.toSorted()).toEqual(Object.keys(ALLOWED).toSorted());
  });

  it.each(packages)("of %s are those that the table allows", (name) => {
    const used = new Set<string>();
    for (const file of filesUnder(`packages/${name}/src`)) {
      for (const specifier of importsOf(file)) {
        const match = /^@mach\/([^/]+)/.exec(specifier);
        if (match?.[1] !== undefined) used.add(match[1]);
      }
    }
    expect([...used].filter((each) => !ALLOWED[name]?.includes(each))).toEqual([]);
    expect(declaredPackages(name)).toEqual([...used].toSorted());
  });

  it("of core are pure: no Node, and no package but hashes and RLP", () => {
    const external = filesUnder("packages/core/src")
      .flatMap(importsOf)
      .filter((specifier) => !specifier.startsWith("."))
      .map((specifier) => specifier.split("/").slice(0, 2).join("/"));
    expect([...new Set(external)].toSorted()).toEqual(["@ethereumjs/rlp", "@noble/hashes"]);
  });

  it("of the BLS library are in the package bls alone", () => {
    const importers = sources.filter(
      (file) =>
        file.startsWith("packages/") &&
        file.includes("/src/") &&
        importsOf(file).some((specifier) => specifier.startsWith("@chainsafe/bls")),
    );
    expect(importers.filter((file) => !file.startsWith("packages/bls/"))).toEqual([]);
  });

  it("give JSON-RPC one client: no other source writes a request", () => {
    const writers = sources
      .filter((file) => file.startsWith("scripts/") || /^packages\/[^/]+\/src\//.test(file))
      .filter((file) => /jsonrpc: "2\.0"[^}]*\bmethod\b/.test(readText(file)));
    expect(writers).toEqual(["packages/rpc/src/json-rpc.ts"]);
  });

  it("of what only checks a block load no network code", () => {
    const entry = "packages/rollups/src/stacks.ts";
    expect(importsBelow(entry).toSorted()).toEqual(["@ethereumjs/rlp", "@mach/core"]);
    const command = importsBelow("packages/node/src/cli/claim.ts");
    expect(command.filter((specifier) => specifier.startsWith("@mach/")).toSorted()).toEqual([
      "@mach/core",
      "@mach/rollups/stacks",
    ]);
  });

  it("stay inside of their package when they are relative", () => {
    const strays = packages.flatMap((name) =>
      filesUnder(`packages/${name}/src`).filter((file) =>
        importsOf(file)
          .filter((specifier) => specifier.startsWith("."))
          .some((specifier) => {
            const target = relative(ROOT, resolve(ROOT, dirname(file), specifier));
            return !target.startsWith(`packages/${name}/src/`);
          }),
      ),
    );
    expect(strays).toEqual([]);
  });
});

describe("documents", () => {
  it("are there for every package and for the contracts", () => {
    const missing = [...packages.map((name) => `packages/${name}`), "contracts", "."].filter(
      (folder) => !documents.includes(join(folder, "README.md")),
    );
    expect(missing).toEqual([]);
  });

  it("link only to what exists", () => {
    const broken = documents.flatMap((file) =>
      [...readText(file).matchAll(/\]\(([^)\s]+)\)/g)]
        .map((match) => (match[1] ?? "").replace(/#.*$/, ""))
        .filter((link) => link !== "" && !/^[a-z]+:/.test(link))
        .filter((link) => !existsSync(resolve(ROOT, dirname(file), link)))
        .map((link) => `${file}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  it("name only npm scripts that package.json has", () => {
    const { scripts } = readJson("package.json") as { scripts: Readonly<Record<string, string>> };
    const unknown = documents.flatMap((file) =>
      [...readText(file).matchAll(/\bnpm (?:run (?:--silent )?([\w:-]+)|(start|test)\b)/g)]
        .map((match) => match[1] ?? match[2] ?? "")
        .filter((script) => !(script in scripts))
        .map((script) => `${file}: ${script}`),
    );
    expect(unknown).toEqual([]);
  });

  it("keep CONTRIBUTING.md to a page", () => {
    expect(readText("CONTRIBUTING.md").trimEnd().split("\n").length).toBeLessThanOrEqual(60);
  });
});

describe("the threats", () => {
  const threats = readText("docs/threats.md").split(/^### /m).slice(1);

  it("are each answered by a defence that is there, and say what remains", () => {
    expect(threats.length).toBeGreaterThanOrEqual(33);
    const unanswered = threats.flatMap((threat) => {
      const links = linksOf(partOf(threat, "Defence"));
      const missing = links.filter((link) => !existsSync(resolve(ROOT, "docs", link)));
      const remains = partOf(threat, "Remains").trim();
      return links.length === 0 || missing.length > 0 || remains === ""
        ? [`${titleOf(threat)}: ${missing.join(", ")}`]
        : [];
    });
    expect(unanswered).toEqual([]);
  });

  it("are each shown by tests of that name", () => {
    const unshown = threats.flatMap((threat) => {
      const shown = partOf(threat, "Shown by").replace(/\s+/g, " ");
      const tests = [...shown.matchAll(/\]\(([^)]+)\): "([^"]+)"/g)];
      const missing = tests.filter(([, link = "", name = ""]) => {
        const file = join("docs", link);
        const isTest = /\.(test\.ts|t\.sol)$/.test(file) && existsSync(join(ROOT, file));
        return !isTest || !readText(file).includes(name);
      });
      // Each line of the list has to have been read as a test.
      const isWhole = tests.length > 0 && tests.length === linksOf(shown).length;
      const names = missing.map(([, , name]) => name);
      return isWhole && names.length === 0 ? [] : [`${titleOf(threat)}: ${names.join(", ")}`];
    });
    expect(unshown).toEqual([]);
  });
});

describe("files", () => {
  it("are fewer than 20 at the root", () => {
    const entries = readdirSync(ROOT).filter((name) => !NOT_OURS.has(name));
    expect(entries.length).toBeLessThan(20);
  });

  it("have names that say what is in them", () => {
    const banned = /^(utils?|helpers?|common|misc|managers?|types)(\.|$)/;
    const named = sources.filter((file) => file.split("/").some((part) => banned.test(part)));
    expect(named).toEqual([]);
  });

  it("have at most 400 lines", () => {
    const long = sources
      .filter((file) => !file.startsWith("packages/settlement/src/abi/"))
      .filter((file) => readText(file).split("\n").length > 401);
    expect(long).toEqual([]);
  });

  it("leave nothing open and no test out", () => {
    const open = new RegExp(
      ["TO" + "DO", "FIX" + "ME", "X" + "XX", "place" + "holder", "not " + "implemented"].join("|"),
    );
    const skipped = new RegExp("\\b(it|test|describe)\\.(" + "skip|only|todo|skipIf)\\b");
    const found = [...sources, ...documents].filter(
      (file) => open.test(readText(file)) || skipped.test(readText(file)),
    );
    expect(found).toEqual([]);
  });

  it("are not what npm, a build or an editor leaves behind", () => {
    const left = files.filter((file) => /(^|\/)(package-lock\.json|\.env|\.DS_Store)$/.test(file));
    expect(left).toEqual([]);
  });
});

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    if (NOT_OURS.has(name)) return [];
    const path = join(folder, name);
    return statSync(path).isDirectory() ? listFiles(path) : [relative(ROOT, path)];
  });
}

function filesUnder(folder: string): readonly string[] {
  return sources.filter((file) => file.startsWith(`${folder}/`));
}

/** A part of a threat, by the word that it begins with. */
function partOf(threat: string, label: string): string {
  const after = threat.split(new RegExp(`^- \\*\\*${label}\\.?\\*\\*`, "m"))[1] ?? "";
  return after.split(/^(?:- \*\*|## )/m)[0] ?? "";
}

function titleOf(threat: string): string {
  return threat.split("\n")[0] ?? "";
}

function linksOf(text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
}

/** What a file imports, re-exports or loads later. */
function importsOf(file: string): readonly string[] {
  const later = [...readText(file).matchAll(/\bimport\("([^"]+)"\)/g)];
  return [...staticImportsOf(file), ...later.map((match) => match[1] ?? "")];
}

function staticImportsOf(file: string): readonly string[] {
  const text = readText(file);
  const found = [...text.matchAll(/\bfrom "([^"]+)"/g), ...text.matchAll(/\bimport "([^"]+)"/g)];
  return found.map((match) => match[1] ?? "");
}

/** The packages that a file loads with itself: its imports' imports too, what it loads later not. */
function importsBelow(file: string): readonly string[] {
  const reached = new Set([file]);
  const packages = new Set<string>();
  for (const each of reached) {
    for (const specifier of staticImportsOf(each)) {
      if (specifier.startsWith(".")) reached.add(join(dirname(each), specifier));
      else packages.add(specifier);
    }
  }
  return [...packages];
}

function declaredPackages(name: string): readonly string[] {
  const { dependencies = {} } = readJson(`packages/${name}/package.json`) as {
    dependencies?: Readonly<Record<string, string>>;
  };
  return Object.keys(dependencies)
    .filter((dependency) => dependency.startsWith("@mach/"))
    .map((dependency) => basename(dependency))
    .toSorted();
}

function readText(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

function readJson(file: string): unknown {
  return JSON.parse(readText(file));
}

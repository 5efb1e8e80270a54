import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startNode } from "../packages/sdk/test/replayed-node.ts";
import {
  certify,
  chainTo,
  claimOf,
  NETWORK,
  NOW,
  setOf,
} from "../packages/sdk/test/signed-network.ts";
import { type PackedPackage, packPublished } from "../scripts/pack.ts";
import { type InstalledRegistry, startInstalledRegistry } from "./installed-registry.ts";
import type { Settings } from "./packed-consumer.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");
/** npm and the compiler on a machine that is busy with others. */
const TIMEOUT_MS = 240_000;
const PUBLISHED = ["@mach/api", "@mach/bls", "@mach/core", "@mach/rpc", "@mach/sdk", "@mach/web"];
/** The oldest Node that the packages are said to run on. */
const OLDEST = [20, 19, 0] as const;
const RESOLUTIONS = [
  ["nodenext", { module: "nodenext", moduleResolution: "nodenext" }],
  ["bundler", { module: "esnext", moduleResolution: "bundler" }],
] as const;

const run = promisify(execFile);
let folder: string;
let packed: readonly PackedPackage[];
let registry: InstalledRegistry;
/** A project with nothing in it but the SDK and the badge. */
let project: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mach-pack-test-"));
  packed = await packPublished(join(folder, "tarballs"));
  registry = await startInstalledRegistry(packed);
  project = await startProject("empty", {});
  await install(project, ["@mach/sdk", "@mach/web"]);
  cpSync(join(ROOT, "test/packed-consumer.ts"), join(project, "packed-consumer.ts"));
}, TIMEOUT_MS);

afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function startProject(name: string, manifest: object): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  const text = JSON.stringify({ name, version: "1.0.0", type: "module", ...manifest });
  writeFileSync(join(path, "package.json"), text);
  return path;
}

async function install(path: string, names: readonly string[]): Promise<void> {
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--cache", join(folder, "cache")];
  const args = ["install", ...options, "--registry", registry.url, ...names];
  await run("npm", args, { cwd: path, env: cleanEnvironment() });
}

/** Without what the npm that may have started these tests has set for its own children. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS)/i.test(name));
  return Object.fromEntries(kept);
}

/** Compiles files of a project; what the compiler says, which is nothing where all is well. */
async function compile(path: string, files: readonly string[], options: object): Promise<string> {
  const compilerOptions = {
    ...{ target: "es2022", strict: true, skipLibCheck: false, types: [], outDir: "built" },
    ...options,
  };
  writeFileSync(join(path, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  return await run(process.execPath, [TSC, "-p", path], { cwd: path }).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout || String(error),
  );
}

/** Every entry that the packages export, as imports. */
function everyEntry(isWanted: (specifier: string) => boolean): string {
  return packed
    .flatMap(({ manifest }) =>
      Object.keys(manifest.exports).map((entry) => manifest.name + entry.slice(1)),
    )
    .filter(isWanted)
    .map((specifier, index) => `export * as entry${index} from "${specifier}";`)
    .join("\n");
}

/** Entries for whoever has the optional peers, too: ethers, viem, native BLS, the types of React. */
const NEED_PEERS = ["@mach/bls", "@mach/sdk/ethers", "@mach/sdk/viem", "@mach/web/react"];
/** What no source file alone becomes. */
const BUNDLED = /\/@mach\/web\/dist\/(?:badge-script|site)\//;
const NATIVE = { "@chainsafe/bls": "8.2.0", "@chainsafe/blst": "2.2.0" };

describe("the published packages", () => {
  it("are the SDK, what it stands on and the badge, linked by version", () => {
    expect(packed.map(({ manifest }) => manifest.name).toSorted()).toEqual(PUBLISHED);
    const ranges = packed.flatMap(({ manifest }) => Object.values(manifest.dependencies ?? {}));
    expect(ranges.filter((range) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([]);
  });

  it("install into an empty project without anything native, or any that runs", () => {
    const installed = readdirSync(join(project, "node_modules"), {
      recursive: true,
      encoding: "utf8",
    });
    const manifests = installed.filter((path) => /^(@[^/]+\/)?[^/]+\/package\.json$/.test(path));
    expect(manifests.map(dirname).toSorted()).toEqual([
      "@ethereumjs/rlp",
      ...PUBLISHED,
      "@noble/curves",
      "@noble/hashes",
      "ws",
      "zod",
    ]);
    expect(installed.filter((path) => /\.(node|wasm)$/.test(path))).toEqual([]);
  });

  it.each(RESOLUTIONS)(
    "type-check in full by %s, and verify a block under plain Node",
    async (_, options) => {
      writeFileSync(
        join(project, "entries.ts"),
        everyEntry((each) => !NEED_PEERS.includes(each)),
      );
      expect(await compile(project, ["entries.ts", "packed-consumer.ts"], options)).toBe("");
      const chain = chainTo(6);
      const node = await startNode();
      try {
        const block = chain[5] ?? { blockNumber: 0n, blockHash: "0x", header: "0x" };
        node.putChain(chain, certify(claimOf(block)));
        const said = await runModule(
          project,
          `await import("./built/entries.js");
          const { askForBlock } = await import("./built/packed-consumer.js");
          console.log(await askForBlock(${JSON.stringify(settingsFor(node.url))}, 3));`,
        );
        expect(said).toBe(`fast-final ${chain[3]?.blockHash}\n`);
      } finally {
        await node.stop();
      }
    },
    TIMEOUT_MS,
  );

  it(
    "have every entry with the optional peers, the examples, the documents, and native BLS on its threads",
    async () => {
      // What npm needs to be told: the library's own peer range has no release.
      const overrides = { "@chainsafe/bls": { "@chainsafe/blst": "$@chainsafe/blst" } };
      const full = await startProject("full", { dependencies: NATIVE, overrides });
      await install(full, ["@mach/sdk", "@mach/bls", "@mach/web"]);
      await mkdir(join(full, "node_modules/@types"), { recursive: true });
      const peers = ["ethers", "viem", "@types/node"].map((name) => [".", name] as const);
      for (const [owner, name] of [...peers, ["packages/web", "@types/react"] as const]) {
        symlinkSync(
          realpathSync(join(ROOT, owner, "node_modules", name)),
          join(full, "node_modules", name),
        );
      }
      writeFileSync(
        join(full, "entries.ts"),
        everyEntry(() => true),
      );
      const options = { ...RESOLUTIONS[0][1], types: ["node"] };
      cpSync(join(ROOT, "packages/sdk/examples"), join(full, "examples"), { recursive: true });
      const examples = readdirSync(join(full, "examples")).map((file) => `examples/${file}`);
      const documents = DOCUMENTS.map((document, index) => {
        writeFileSync(join(full, `document${index}.ts`), codeOf(document));
        return `document${index}.ts`;
      });
      const files = ["entries.ts", ...examples, ...documents];
      expect(await compile(full, files, options)).toBe("");
      const said = await runModule(
        full,
        `await import("./built/entries.js");
        const { createBatchVerifier, createNativeBls } = await import("@mach/bls");
        const bls = createNativeBls();
        const verifier = await createBatchVerifier({ workers: 1 });
        const secretKey = bls.generateSecretKey();
        const publicKey = bls.publicKeyOf(secretKey);
        const message = "0x" + "07".repeat(32);
        const { uncompressed: signature } = bls.sign(secretKey, message);
        console.log((await verifier.verify({ message, publicKey, signature })).ok);
        await verifier.close();`,
      );
      expect(said).toBe("true\n");
    },
    TIMEOUT_MS,
  );

  it.each(PUBLISHED)("%s has maps of all that is built, to sources that are in it", (name) => {
    const inside = join(project, "node_modules", name);
    const built = filesIn(join(inside, "dist")).filter(
      (file) => !file.endsWith(".map") && !BUNDLED.test(file),
    );
    expect(built.length).toBeGreaterThan(0);
    for (const file of built) {
      const map = JSON.parse(readFileSync(`${file}.map`, "utf8")) as { sources: readonly string[] };
      const sources = map.sources.map((source) => join(dirname(file), source));
      expect(sources.filter((source) => !existsSync(source) || isOutside(inside, source))).toEqual(
        [],
      );
      expect(sources).toHaveLength(1);
    }
    const published = ["LICENSE", "README.md", "dist", "package.json", "src"];
    expect(readdirSync(inside).toSorted()).toEqual(published);
  });

  it("have the badge for a script tag and the explorer as files, without the explorer's parts", () => {
    const inside = join(project, "node_modules/@mach/web");
    expect(readdirSync(join(inside, "dist/site"))).toContain("index.html");
    expect(existsSync(join(inside, "dist/site/LICENSES.md"))).toBe(true);
    const [licenses, ...script] = readdirSync(join(inside, "dist/badge-script")).toSorted();
    expect([licenses, ...script]).toEqual([
      "LICENSES.md",
      expect.stringMatching(/^mach-finality-verifier-[\w-]+\.js$/),
      "mach-finality.js",
    ]);
    const imports = script.flatMap((name) => {
      const text = readFileSync(join(inside, "dist/badge-script", name), "utf8");
      return [...text.matchAll(/\b(?:from|import\()\s*["'`]([^"'`]+)/g)].map(([, from]) => from);
    });
    expect(new Set(imports)).toEqual(new Set(script.map((name) => `./${name}`)));
    const folders = ["dist", "src"].map((name) => join(inside, name, "explorer"));
    expect(folders.filter(existsSync)).toEqual([]);
  });

  it("run on the oldest Node that they name, and so does all that they need", () => {
    for (const { manifest } of packed) expect(manifest.engines.node).toBe(">=20.19");
    const installed = filesIn(join(project, "node_modules"))
      .filter((file) => /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(file))
      .map((file) => JSON.parse(readFileSync(file, "utf8")) as Partial<PackedPackage["manifest"]>);
    const refusing = installed.filter(({ engines }) => !runsOnOldest(engines?.node ?? "*"));
    expect(refusing.map(({ name }) => name)).toEqual([]);
    // The sources are compiled against what that Node has, and nothing newer.
    const { version } = JSON.parse(
      readFileSync(join(ROOT, "node_modules/@types/node/package.json"), "utf8"),
    ) as { version: string };
    expect(version).toMatch(/^20\.19\./);
    for (const { manifest } of packed) {
      const [language, ...others] = libraryOf(manifest.name) ?? [];
      expect([language, others]).toEqual(["es2023", manifest.name === "@mach/web" ? ["dom"] : []]);
    }
  });
});

const DOCUMENTS = ["docs/consumers.md", "packages/sdk/README.md", "packages/web/README.md"];

/** What the documents' readers have of their own. */
const OF_THE_READER = `
  import type { Contradiction, MachNetwork } from "@mach/sdk";
  import type {} from "@mach/web";
  declare const endpoints: readonly string[];
  declare const rpcUrls: readonly string[];
  declare const network: MachNetwork;
  declare const largeWei: bigint;
  declare const l1FinalizedBlockNumber: bigint;
  declare const rollupRpcUrl: string;
  declare function stopReleases(contradiction: Contradiction | null): Promise<void>;
  declare const badge: HTMLElementTagNameMap["mach-finality"];
  declare const spend: HTMLButtonElement;
  declare global {
    interface Window {
      ethereum: { request(request: { method: string; params?: unknown }): Promise<unknown> };
    }
  }`;

/** All code of a document as one module. */
function codeOf(document: string): string {
  const text = readFileSync(join(ROOT, document), "utf8");
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  if (blocks.length === 0) throw new Error(`${document} has no code`);
  return [OF_THE_READER, ...blocks].join("\n");
}

function settingsFor(endpoint: string): Settings {
  return {
    endpoints: [endpoint],
    chainId: Number(NETWORK.chainId),
    registry: NETWORK.registry,
    genesisTime: Number(NETWORK.genesisTime),
    epochSeconds: Number(NETWORK.epochSeconds),
    trustedEpoch: 2,
    trustedHash: setOf(2n).operatorSetHash,
    nowMs: NOW,
  };
}

function filesIn(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function isOutside(path: string, file: string): boolean {
  return relative(path, file).startsWith("..");
}

/** Whether one of a range's alternatives, each with a lower bound alone, takes the oldest Node. */
function runsOnOldest(range: string): boolean {
  if (range === "*") return true;
  return range.split("||").some((alternative) => {
    const [, operator, version = ""] = /^(>=|\^)\s*([\d.]+)$/.exec(alternative.trim()) ?? [];
    const least = version.split(".").map(Number);
    if (operator === undefined || (operator === "^" && least[0] !== OLDEST[0])) return false;
    const at = OLDEST.findIndex((part, index) => part !== (least[index] ?? 0));
    return at < 0 || (OLDEST[at] ?? 0) > (least[at] ?? 0);
  });
}

/** The JavaScript library that a package is compiled against. */
function libraryOf(name: string): readonly string[] | undefined {
  const own = join(ROOT, "packages", name.replace("@mach/", ""), "tsconfig.json");
  for (const file of [own, join(ROOT, "tsconfig.base.json")]) {
    const { compilerOptions } = JSON.parse(readFileSync(file, "utf8")) as {
      readonly compilerOptions?: { readonly lib?: readonly string[] };
    };
    if (compilerOptions?.lib !== undefined) return compilerOptions.lib;
  }
  return undefined;
}

async function runModule(path: string, source: string): Promise<string> {
  const args = ["--input-type=module", "--eval", source];
  const { stdout } = await run(process.execPath, args, { cwd: path, env: cleanEnvironment() });
  return stdout;
}

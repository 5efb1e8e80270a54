import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { configFields, dotted, ENTRY, flatten } from "../../src/config/reference.ts";
import { loadConfig } from "../../src/config.ts";
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const folder = documentFolder();
const REGISTRY = `0x${"5f".repeat(20)}`;
const OPERATOR = `0x${"a1".repeat(20)}`;
const NETWORK = {
  chainId: "31337",
  registry: REGISTRY,
  l1: { rpcUrl: "http://127.0.0.1:8545" },
  rollups: [
    {
      ...{ rollupId: "901", stack: "op", rpcUrl: "http://127.0.0.1:9545" },
      ...{ wsUrl: "ws://127.0.0.1:9545", execution: { by: "proofs", forks: { isthmus: 0 } } },
    },
    { rollupId: "902", stack: "evm", rpcUrl: "http://127.0.0.1:9546" },
  ],
  bootNodes: ["/ip4/127.0.0.1/tcp/4601"],
};
const network = folder.write("network.json", NETWORK);

let count = 0;
let out: string;
beforeEach(() => {
  count += 1;
  out = join(folder.path, `node-${count}.yaml`);
});

async function init(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout } = await mach("config", "init", "--network", network, ...args);
  expect(exitCode).toBe(0);
  return stdout;
}

/** The file with each comment that is a field made one, as an operator would. */
function uncommented(text: string): string {
  const keys = new Set(flatten(configFields()).map(({ path }) => path.at(-1)));
  const bare = (line: string): string => line.replace(/^((?: {2})*)# (?=(?: {2})*(#|\w+:))/, "$1");
  return text
    .split("\n")
    .map((line) => bare(bare(bare(line))))
    .filter((line) => keys.has(/^ *(?:- )?(\w+):(?: |$)/.exec(line)?.[1] ?? ""))
    .join("\n");
}

describe("mach config init", () => {
  it("writes a configuration of a network that is complete, and nobody else's to read", async () => {
    const said = await init("--out", out, "--operator", OPERATOR, "--set", "api.port=4501");
    expect(said).toContain("complete");
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const loaded = loadConfig({ file: out });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    expect(loaded.config).toMatchObject({
      network: { chainId: 31_337n, registry: REGISTRY },
      operator: { address: OPERATOR, keystoreFile: join(folder.path, "keys/operator.json") },
      l1: { rpcUrls: ["http://127.0.0.1:8545"] },
      rollups: [{ rollupId: 901n, execution: { by: "proofs", forks: { isthmus: 0n } } }, {}],
      gossip: { bootNodes: NETWORK.bootNodes },
      api: { port: 4501 },
    });
    // What it does not say holds as if nothing had been written.
    const [, second] = loaded.config.rollups;
    const rollups = JSON.stringify([{ rollupId: 902, rpcUrls: ["http://127.0.0.1:9546"] }]);
    const bare = loadConfig({ file: out, flags: { rollups } });
    expect(bare.ok && bare.config.rollups).toEqual([second]);
  });

  it("shows every field, with a default that is the default", async () => {
    const bare = folder.write("bare.json", { chainId: 1, registry: REGISTRY });
    const { stdout } = await mach("config", "init", "--network", bare);
    const shown: unknown = parse(uncommented(stdout));
    for (const field of flatten(configFields())) {
      const [first, ...rest] = field.path;
      // Of launchers alone; and what a network's name stands for.
      if (first === "lifelinePort" || (first === "network" && rest.length > 0)) continue;
      const value = field.path.reduce<unknown>(
        (at, key) => (at as Record<string, unknown>)?.[key === ENTRY ? "0" : key],
        shown,
      );
      expect(value, dotted(field.path)).toBeDefined();
      if (field.fallback !== undefined) expect(value, dotted(field.path)).toEqual(field.fallback);
    }
  });

  it("shows no field that would be refused if it were no comment any more", async () => {
    const file = folder.write("all.yaml", uncommented(await init()));
    const all = loadConfig({ file });
    // One way to sign excludes the others, and everything else can hold at once.
    expect(all.ok ? [] : all.problems.map(({ path }) => path)).toEqual([
      "operator.nextKey.keystoreFile",
      "operator.keystoreFile",
      "operator.nextKey",
    ]);
    const flags = { operator: `{ address: "${OPERATOR}", secretKeyFile: k }` };
    expect(loadConfig({ file, flags })).toMatchObject({ ok: true });
  });

  it("leaves empty, and names, what a network does not say", async () => {
    const bare = folder.write("bare.json", { chainId: 1, registry: REGISTRY });
    const answer = await machJson("config", "init", "--network", bare, "--out", out);
    expect(answer).toMatchObject({
      exitCode: 0,
      left: [{ path: "l1.rpcUrls" }, { path: "rollups.0.rollupId" }, { path: "rollups.0.rpcUrls" }],
    });
    expect(await machJson("config", "check", "--config", out)).toMatchObject({ exitCode: 1 });
  });

  it("makes the folder, and writes what is set as an author would", async () => {
    const file = join(folder.path, `new-${count}`, "node.yaml");
    const urls = "http://a.example, http://b.example";
    await init("--out", file, "--set", "api.port=4501", "--set", `l1.rpcUrls=${urls}`);
    const written = parse(readFileSync(file, "utf8")) as object;
    expect(written).toMatchObject({
      network: "../network.json",
      l1: { rpcUrls: urls.split(", ") },
      api: { port: 4501 },
    });
    expect(loadConfig({ file })).toMatchObject({ ok: true });
  });

  it("overwrites nothing, and takes no network or field that is not there", async () => {
    await init("--out", out);
    const before = readFileSync(out, "utf8");
    const again = await machJson("config", "init", "--network", network, "--out", out);
    expect(again).toMatchObject({ exitCode: 1, code: "file-exists" });
    expect(readFileSync(out, "utf8")).toBe(before);
    const unknown = await machJson("config", "init", "--network", "nowhere");
    expect(unknown).toMatchObject({ exitCode: 1, code: "no-network" });
    for (const setting of ["api.prot=1", "rollups.0.agree=1", "api={}"]) {
      const wrong = await mach("config", "init", "--network", network, "--set", setting);
      expect(wrong.exitCode).toBe(2);
    }
  });

  it("names the JSON schema in its first line", async () => {
    await init("--out", out);
    const [, schema = ""] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(
      readFileSync(out, "utf8"),
    ) ?? [""];
    expect(JSON.parse(readFileSync(join(folder.path, schema), "utf8"))).toMatchObject({
      title: "The configuration of a MACH node",
    });
  });
});

describe("mach config check, print and explain", () => {
  it("say with exit code 1 what is wrong, where, and what to write", async () => {
    const file = folder.write("wrong.yaml", "dataDir: 5\nl1: { rpcUrls: [], agre: 1 }\n");
    const { exitCode, stdout } = await mach("config", "check", "--config", file);
    expect(exitCode).toBe(1);
    expect(stdout.replaceAll(file, "wrong.yaml")).toMatchInlineSnapshot(`
      "the configuration is wrong in 5 places:
        dataDir: expected text; a number or a word such as true goes in quotes (wrong.yaml:1)
        network: is missing: expected a network's name, or the path of its file, or the fields chainId, registry
        l1.rpcUrls: expected 1 to 16 URLs, each a URL that begins with http:// or https:// (wrong.yaml:2)
        l1.agre: is not a field; did you mean agree? (wrong.yaml:2)
        rollups: is missing: expected a list of rollups
      "
    `);
    expect(await machJson("config", "print", "--config", file)).toMatchObject({ exitCode: 1 });
  });

  it("print YAML that means the same, with the source of each value", async () => {
    await init("--out", out, "--operator", OPERATOR, "--set", "database=postgres://u@h/n");
    const { exitCode, stdout } = await mach(
      "config",
      "print",
      "--config",
      out,
      "--set",
      "api.port=1",
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain("  port: 1 # --set api.port\n");
    expect(stdout).toContain("logLevel: info # default\n");
    expect(stdout).toContain(`registry: "${REGISTRY}" # network ${network}\n`);
    const printed = loadConfig({ file: folder.write("printed.yaml", stdout) });
    const given = loadConfig({ file: out, flags: { "api.port": "1" } });
    if (!printed.ok || !given.ok) throw new Error(stdout);
    expect(printed.config).toEqual(given.config);
  });

  it("print no key of a provider and no password", async () => {
    await init("--out", out);
    const sources = [
      ...["--set", "l1.rpcUrls=https://user:s3cret@a.example/s3cret?k=s3cret,http://b.example"],
      ...[
        "--set",
        "database=postgres://mach:s3cret@h/n",
        "--set",
        "rollups.0.rpcUrls=http://c/s3cret",
      ],
    ];
    const { stdout } = await mach("config", "print", "--config", out, ...sources);
    expect(stdout).toContain("a.example");
    const json = await machJson("config", "print", "--config", out, ...sources);
    expect(`${stdout}${JSON.stringify(json)}`).not.toContain("s3cret");
    const check = await mach("config", "check", "--config", out, ...sources, "--set", "l1.agree=9");
    expect(check.stdout).not.toContain("s3cret");
  });

  it("explain a field by any way to write its path", async () => {
    const of = (path: string) => machJson("config", "explain", path);
    const agree = { exitCode: 0, path: "rollups[].agree", fallback: 1 };
    for (const path of [
      "rollups.agree",
      "rollups[].agree",
      "rollups.3.agree",
      "rollups[3].agree",
    ]) {
      expect(await of(path)).toMatchObject(agree);
    }
    expect(await of("gossip.port")).toMatchObject({ variable: "MACH_GOSSIP_PORT", fallback: 4600 });
    expect(await of("operator")).toMatchObject({
      fields: expect.arrayContaining(["operator.signer"]),
    });
    for (const field of flatten(configFields())) {
      expect((await mach("config", "explain", dotted(field.path))).exitCode).toBe(0);
    }
    const unknown = await mach("config", "explain", "gossip.prot");
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toContain("did you mean gossip.port?");
  });
});

it("mach run and mach api without a configuration say in one line what to do", async () => {
  for (const name of ["run", "api"]) {
    const { exitCode, stdout, stderr } = await mach(name);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^mach: no configuration is named: .*`mach config init .*`.*\n$/);
  }
  // Whoever says something in another way is told what is missing.
  const { exitCode, stderr } = await mach("run", "--set", "dataDir=x");
  expect([exitCode, stderr.includes("rollups: is missing")]).toEqual([2, true]);
});

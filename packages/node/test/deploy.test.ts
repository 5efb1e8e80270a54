import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { loadConfig } from "../src/config.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const DEPLOY = join(ROOT, "packages/node/deploy");
const BUILD_MS = 1_800_000;

/** What a machine may have, and this project does not install. */
const TOOLS = { docker: "docker", systemd: "systemd-analyze" } as const;

const read = (file: string): string => readFileSync(join(DEPLOY, file), "utf8");

/** What a node of these files is configured with, beside the variables that they set. */
const MINIMAL = {
  "network.chainId": "31337",
  "network.registry": `0x${"5f".repeat(20)}`,
  "l1.rpcUrls": "http://192.0.2.1:8545",
  rollups: '[{ rollupId: "901", rpcUrls: "http://192.0.2.1:9545" }]',
};

function problemsOf(env: Readonly<Record<string, string>>): unknown {
  const loaded = loadConfig({ env, flags: MINIMAL });
  return loaded.ok ? [] : loaded.problems;
}

interface Instruction {
  readonly name: string;
  readonly text: string;
}

function instructionsOf(file: string): readonly Instruction[] {
  const lines = read(file)
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
    .split("\n");
  return lines.flatMap((line) => {
    const [, name, text] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    return name === undefined || text === undefined ? [] : [{ name, text }];
  });
}

describe("the image", () => {
  const instructions = instructionsOf("Dockerfile");
  const all = (name: string): readonly string[] =>
    instructions.filter((each) => each.name === name).map(({ text }) => text);
  const lastFrom = instructions.findLastIndex(({ name }) => name === "FROM");
  const stage = instructions.slice(lastFrom + 1);

  it("has every line read as an instruction", () => {
    const lines = read("Dockerfile").replace(/\\\n/g, "").split("\n");
    const written = lines.filter((line) => line.trim() !== "" && !line.startsWith("#"));
    expect(instructions).toHaveLength(written.length);
  });

  it("is built in a stage of its own, on one named version of a Node that packages run on", () => {
    const [first, second, ...more] = all("FROM");
    expect(more).toEqual([]);
    expect(first).toBe(`${second} AS build`);
    const version = /^node:(\d+)\.(\d+)\.\d+-bookworm-slim$/.exec(second ?? "");
    expect(Number(version?.[1])).toBe(20);
    expect(Number(version?.[2])).toBeGreaterThanOrEqual(19);
  });

  it("takes nothing from the network but by the package manager, with a lockfile", () => {
    expect(all("ADD")).toEqual([]);
    expect(all("RUN").join("\n")).not.toMatch(/curl|wget|git clone/);
    expect(all("RUN").join("\n")).toContain("install --frozen-lockfile");
    expect(existsSync(join(ROOT, "pnpm-lock.yaml"))).toBe(true);
  });

  it("ends with what was built alone, run by nobody's root", () => {
    const copies = stage.filter(({ name }) => name === "COPY").map(({ text }) => text);
    expect(copies).toEqual(["--from=build /app /app"]);
    expect(stage.filter(({ name }) => name === "USER")).toEqual([
      { name: "USER", text: "1000:1000" },
    ]);
    expect(all("ENTRYPOINT")).toEqual(['["node", "/app/dist/cli.js"]']);
    expect(existsSync(join(ROOT, "packages/node/src/cli.ts"))).toBe(true);
  });

  it("sets variables that the configuration knows", () => {
    const pairs = all("ENV").join(" ").split(" ");
    const env = Object.fromEntries(pairs.map((pair) => pair.split("=") as [string, string]));
    expect(problemsOf(env)).toEqual([]);
  });

  it("is built without what was installed or built elsewhere", () => {
    const ignored = read("Dockerfile.dockerignore").trim().split("\n");
    expect(ignored).toEqual(expect.arrayContaining([".git", "**/node_modules", "**/dist"]));
  });

  it("builds, and answers", { timeout: BUILD_MS }, ({ skip }) => {
    if (process.env["MACH_LONG"] !== "1") skip("only with MACH_LONG=1");
    if (spawnSync(TOOLS.docker, ["info"]).status !== 0) skip("no Docker engine answers here");
    const file = join(DEPLOY, "Dockerfile");
    const built = spawnSync(TOOLS.docker, ["build", "--quiet", "--file", file, ROOT]);
    expect(built.status, built.stderr.toString()).toBe(0);
    const image = built.stdout.toString().trim();
    const hardened = ["--rm", "--read-only", "--cap-drop", "ALL", "--network", "none"];
    const ran = spawnSync(TOOLS.docker, ["run", ...hardened, image, "--help"]);
    expect([ran.status, ran.stdout.toString()]).toEqual([0, expect.stringContaining("mach run")]);
  });
});

const service = z.object({
  image: z.string(),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal("ALL")]),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()),
  ports: z.array(z.string()).default([]),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
});
const composeSchema = z.object({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
});

describe("the compose file", () => {
  const compose = composeSchema.parse(parse(read("compose.yaml"), { merge: true }));
  const services = Object.entries(compose.services);

  it("has an operator, Prometheus and Grafana, hardened and of named versions", () => {
    expect(Object.keys(compose.services)).toEqual(["operator", "prometheus", "grafana"]);
    for (const [, { image }] of services) expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
  });

  it("names folders that exist, and volumes that it declares", () => {
    for (const [, { volumes }] of services) {
      for (const volume of volumes) {
        const [from = ""] = volume.replace(/\$\{[^}]+\}/, "CONFIG").split(":");
        if (from.startsWith("./")) expect(existsSync(join(DEPLOY, from)), from).toBe(true);
        else if (from !== "CONFIG") expect(Object.keys(compose.volumes)).toContain(from);
      }
    }
    const build = compose.services["operator"]?.build;
    expect(relative(ROOT, resolve(DEPLOY, build?.context ?? ""))).toBe("");
    expect(existsSync(join(ROOT, build?.dockerfile ?? ""))).toBe(true);
  });

  it("shows nothing but gossip to other machines", () => {
    const open = services.flatMap(([, { ports }]) =>
      ports.filter((port) => !port.startsWith("127.0.0.1:")),
    );
    expect(open).toEqual(["4600:4600"]);
  });

  it("sets variables that the configuration knows", () => {
    const env = compose.services["operator"]?.environment ?? {};
    expect(Object.keys(env).length).toBeGreaterThan(0);
    expect(problemsOf(env)).toEqual([]);
  });
});

describe("Prometheus and Grafana", () => {
  it("scrape the job that the rules count on, and read rules that exist", () => {
    const config = parse(read("prometheus/prometheus.yaml")) as {
      readonly rule_files: readonly string[];
      readonly scrape_configs: readonly { readonly job_name: string }[];
    };
    expect(config.scrape_configs.map((each) => each.job_name)).toEqual(["mach"]);
    for (const file of config.rule_files)
      expect(existsSync(join(DEPLOY, "prometheus", file))).toBe(true);
  });

  it("find the dashboards where the compose file puts them", () => {
    const provider = parse(read("grafana/provisioning/dashboards/mach.yaml")) as {
      readonly providers: readonly { readonly options: { readonly path: string } }[];
    };
    expect(provider.providers[0]?.options.path).toBe("/var/lib/dashboards");
    expect(read("compose.yaml")).toContain("./grafana:/var/lib/dashboards:ro");
    const dashboards = readdirSync(join(DEPLOY, "grafana")).filter((file) => /\.json$/.test(file));
    expect(dashboards.length).toBeGreaterThan(0);
    const source = parse(read("grafana/provisioning/datasources/prometheus.yaml")) as object;
    expect(source).toMatchObject({ datasources: [{ type: "prometheus" }] });
  });
});

describe("the systemd unit", () => {
  const unit = read("systemd/mach.service");
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1];

  it("sets variables that the configuration knows, and runs what a deployment has", () => {
    const pairs = (value("Environment") ?? "").split(" ");
    const env = Object.fromEntries(pairs.map((pair) => pair.split("=") as [string, string]));
    expect(problemsOf(env)).toEqual([]);
    expect(env["MACH_DATA_DIR"]).toBe(`/var/lib/${value("StateDirectory")}`);
    expect(value("ExecStart")).toMatch(
      /^\/usr\/bin\/node \/opt\/mach\/dist\/cli\.js run --config /,
    );
  });

  it("gives a stop more than the 5 s that it takes, and starts no wrong configuration again", () => {
    expect(Number(value("TimeoutStopSec"))).toBeGreaterThan(5);
    expect(value("RestartPreventExitStatus")).toBe("2");
    expect(value("User")).not.toBe("root");
  });

  it("is one that systemd takes, without a word", ({ skip }) => {
    if (spawnSync(TOOLS.systemd, ["--version"]).status !== 0) skip("there is no systemd here");
    const folder = mkdtempSync(join(tmpdir(), "mach-unit-"));
    try {
      const file = join(folder, "mach.service");
      writeFileSync(file, unit.replace("/usr/bin/node", process.execPath));
      const verified = spawnSync(TOOLS.systemd, ["verify", "--man=no", file]);
      const words = `${verified.stdout}${verified.stderr}`;
      expect(words.split("\n").filter((line) => line.includes("mach.service"))).toEqual([]);
      expect(verified.status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

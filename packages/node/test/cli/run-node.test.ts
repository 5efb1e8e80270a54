import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import type { Domain, Hex } from "@mach/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { writeKeystore } from "../../src/cli/keys-keystores.ts";
import { openDataFolder } from "../../src/data-folder.ts";
import { initialiseProtection } from "../../src/signer/open-protection.ts";
import { type FakeL1Options, holdPort, startFakeL1 } from "../fake-l1.ts";
import { startRawPeer } from "../gossip/raw-peer.ts";
import { temporaryPath } from "../signer/test-folders.ts";
import { mach } from "./cli-runs.ts";

/** The program as it is built and published, which starts sooner than from source. */
const MACH = new URL("../../dist/cli.js", import.meta.url).pathname;
const REGISTRY: Hex = `0x${"5f".repeat(20)}`;
const OPERATOR: Hex = `0x${"a1".repeat(20)}`;
const KEY: Hex = `0x${"11".repeat(32)}`;
/** A network with the same registry, on another chain. */
const OTHER: Domain = { chainId: 1n, verifyingContract: REGISTRY };

interface Run {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stderr: string;
  /** From the signal, or from the start where there was none, to the end. */
  readonly endedAfterMs: number;
}

interface Prepared {
  readonly folder: string;
  readonly configFile: string;
  readonly l1: Awaited<ReturnType<typeof startFakeL1>>;
}

interface PrepareOptions extends FakeL1Options {
  readonly key?: string | null;
  readonly keyMode?: number;
  /** Of a keystore in the place of a bare key; the password in the file beside it. */
  readonly password?: string;
  readonly recordOf?: Domain;
  readonly config?: object;
}

/** The folder of a node on a fake L1: of an operator, where it has a key. */
async function prepare(options: PrepareOptions = {}): Promise<Prepared> {
  const folder = await temporaryPath();
  const l1 = await startFakeL1(options);
  const { key, keyMode = 0o600, password, recordOf } = options;
  const file = "bls.key";
  if (typeof key === "string") await writeFile(join(folder, file), key, { mode: keyMode });
  if (password !== undefined) await writeLockedKey(folder, password);
  if (recordOf !== undefined) await makeRecord(join(folder, "data"), recordOf);
  const locked = { keystoreFile: "operator.json", passwordFile: "password" };
  const config = {
    dataDir: "data",
    network: { chainId: 31_337, registry: REGISTRY },
    l1: { rpcUrls: [l1.url], pollMs: 100 },
    rollups: [{ rollupId: 902, rpcUrls: ["http://127.0.0.1:1"] }],
    gossip: { host: "127.0.0.1", port: 0 },
    ...(key !== undefined && { operator: { address: OPERATOR, secretKeyFile: file } }),
    ...(password !== undefined && { operator: { address: OPERATOR, ...locked } }),
    ...options.config,
  };
  const configFile = join(folder, "node.json");
  await writeFile(configFile, JSON.stringify(config));
  return { folder, configFile, l1 };
}

/** A keystore under another password than the one in the file. */
async function writeLockedKey(folder: string, password: string): Promise<void> {
  const bls = createNativeBls();
  const request = { secretKey: bls.generateSecretKey(), password: "correct horse", path: "" };
  await writeKeystore(bls, { ...request, file: join(folder, "operator.json"), kdf: "pbkdf2" });
  await writeFile(join(folder, "password"), password, { mode: 0o600 });
}

async function makeRecord(dataDir: string, domain: Domain): Promise<void> {
  const opened = await openDataFolder(dataDir);
  if (!opened.ok) throw new Error(opened.code);
  await initialiseProtection(opened.folder, { domain, operator: OPERATOR }, "never-signed");
  await opened.folder.release();
}

/** Runs `mach run` as a process of its own, and signals it once `until` holds. */
async function run(
  { configFile }: Pick<Prepared, "configFile">,
  signal?: { readonly name: NodeJS.Signals; readonly until: (stderr: string) => boolean },
  shell = `exec "$0" "$@"`,
): Promise<Run> {
  const args = [MACH, "run", "--no-env", "--config", configFile];
  const stdio = ["ignore", "ignore", "pipe"] as const;
  const child = spawn("/bin/sh", ["-c", shell, process.execPath, ...args], { stdio: [...stdio] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let since = performance.now();
  let stderr = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    stderr += text;
  });
  const ended = once(child, "close");
  if (signal !== undefined) {
    await expect.poll(() => signal.until(stderr), { timeout: 60_000 }).toBe(true);
    since = performance.now();
    child.kill(signal.name);
  }
  const [exitCode, killedBy] = (await ended) as [number | null, string | null];
  const endedAfterMs = performance.now() - since;
  return { exitCode, signal: killedBy, stderr, endedAfterMs };
}

/** Nothing holds the folder, and no socket of a lock is left in it. */
async function expectFree(folder: string): Promise<void> {
  const data = join(folder, "data");
  const opened = await openDataFolder(data);
  if (!opened.ok) throw new Error(opened.code);
  await opened.folder.release();
  expect(await readdir(join(data, "lock"))).toEqual([]);
}

describe("a start that cannot be", () => {
  it.each<[string, Parameters<typeof prepare>[0], string]>([
    ["without a key", { key: null }, "bls.key cannot be read"],
    ["without a signing record", { key: KEY }, "protection-not-initialised"],
    ["on the wrong chain", { chainId: 1n }, "wrong-chain"],
    ["with a key that others can read", { key: KEY, keyMode: 0o644 }, "chmod 600 it"],
    ["with another keystore's password", { password: "battery staple" }, "(wrong-password)"],
    ["with another network's record", { key: KEY, recordOf: OTHER }, "(wrong-domain)"],
  ])("%s ends with one line that says why, and exit code 1", async (_, options, why) => {
    const prepared = await prepare(options);
    const { exitCode, stderr, endedAfterMs } = await run(prepared);
    expect([exitCode, stderr.match(/^mach: .*\n$/)?.length]).toEqual([1, 1]);
    expect(stderr).toContain(why);
    expect(endedAfterMs).toBeLessThan(30_000);
    await expectFree(prepared.folder);
  });

  it.each(["api", "gossip", "metrics"])(
    "on a port of %s that is taken says so, and leaves nothing",
    async (part) => {
      const at = { host: "127.0.0.1", port: await holdPort() };
      const prepared = await prepare({ config: { [part]: at } });
      const { exitCode, stderr } = await run(prepared);
      const lines = stderr
        .trimEnd()
        .split("\n")
        .filter((line) => !line.startsWith("{"));
      expect([exitCode, lines]).toEqual([1, [expect.stringMatching(/^mach: /)]]);
      await expectFree(prepared.folder);
    },
  );

  it("in a folder that is in use names the process that uses it", async () => {
    const prepared = await prepare();
    const held = await openDataFolder(join(prepared.folder, "data"));
    if (!held.ok) throw new Error(held.code);
    const { exitCode, stderr } = await run(prepared);
    await held.folder.release();
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`^mach: .* is in use by process ${process.pid}: stop .*\\n$`),
    );
  });

  it("by a configuration that is wrong names every field, with exit code 2", async () => {
    const { folder } = await prepare();
    const configFile = join(folder, "wrong.json");
    await writeFile(configFile, JSON.stringify({ network: { chainId: -1 } }));
    const { exitCode, stderr } = await mach("run", "--no-env", "--config", configFile);
    expect(exitCode).toBe(2);
    for (const path of ["network.chainId", "network.registry", "l1", "rollups"]) {
      expect(stderr).toContain(`${path}:`);
    }
  });
});

describe("a signal", () => {
  it.each<[string, FakeL1Options]>([
    ["is silent", { isSilent: true }],
    ["has no registry yet", { answers: { "genesisTime()": "0x" } }],
  ])("during the start on an L1 that %s ends it at once, with exit code 0", async (_, options) => {
    const prepared = await prepare(options);
    const until = (): boolean => prepared.l1.requests() > 0;
    const { exitCode, stderr, endedAfterMs } = await run(prepared, { name: "SIGTERM", until });
    expect(exitCode).toBe(0);
    expect(stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"))).toEqual([]);
    expect(endedAfterMs).toBeLessThan(2_000);
    await expectFree(prepared.folder);
  });

  it.each(["SIGTERM", "SIGINT"] as const)("%s ends a node that runs, whole", async (name) => {
    const prepared = await prepare({ config: { api: { port: 0 } } });
    const until = (stderr: string): boolean => stderr.includes("node started");
    const { exitCode, stderr, endedAfterMs } = await run(prepared, { name, until });
    expect([exitCode, stderr.includes("node stopped")]).toEqual([0, true]);
    expect(endedAfterMs).toBeLessThan(5_000);
    await expectFree(prepared.folder);
  });
});

it("a node with readers, waiting requests and peers ends whole on SIGTERM, within 5 s", async () => {
  const prepared = await prepare({ config: { api: { port: 0 }, metrics: { port: 0 } } });
  const company = createCompany();
  let joined: Promise<void> | null = null;
  const until = (stderr: string): boolean => {
    const started = stderr.split("\n").find((line) => line.includes('"node started"'));
    if (started !== undefined) joined ??= company.join(JSON.parse(started) as Started);
    return company.isComplete();
  };
  const { exitCode, stderr, endedAfterMs } = await run(prepared, { name: "SIGTERM", until });
  await joined;
  expect([exitCode, stderr.includes("node stopped")]).toEqual([0, true]);
  expect(stderr).not.toContain("has not stopped within");
  // Half of what is promised is the machine's, which other tests keep busy.
  if (process.env.MACH_LONG === "1") expect(endedAfterMs).toBeLessThan(5_000);
  await company.end();
  await expectFree(prepared.folder);
});

/** What a node says when it has started. */
interface Started {
  readonly api: string;
  readonly metrics: string;
  readonly addresses: readonly string[];
}

/** All who may be with a node when it is told to stop, none of whom leaves by itself. */
function createCompany() {
  let isComplete = false;
  const leaving: (() => unknown)[] = [];
  const gone = new AbortController();
  const open = async (url: string): Promise<void> => {
    const response = await fetch(url, { signal: gone.signal });
    void response.text().catch(() => undefined);
  };
  return {
    isComplete: () => isComplete,
    async join({ api, metrics, addresses }: Started): Promise<void> {
      for (let i = 0; i < 20; i++) await open(`${api}/v1/events`);
      await open(`${api}/v1/network`);
      await open(`${metrics}/metrics`);
      // A question that is answered half a minute later, and one that is never asked to its end.
      open(`${api}/v1/rollups/902/finality?minBlockNumber=9999&wait=30`).catch(() => undefined);
      const { hostname, port } = new URL(api);
      const half = connect(Number(port), hostname);
      half.on("error", () => undefined);
      await once(half, "connect");
      half.write("GET /v1/network HTTP/1.1\r\nhost: x\r\n");
      leaving.push(() => half.destroy());
      const domain = { chainId: 31_337n, verifyingContract: REGISTRY };
      for (let i = 0; i < 2; i++) {
        const peer = await startRawPeer({}, domain);
        leaving.push(() => peer.stop());
        await peer.greet(addresses[0] ?? "");
      }
      isComplete = true;
    },
    async end(): Promise<void> {
      gone.abort();
      for (const leave of leaving) await leave();
    },
  };
}

it("a node whose store was damaged between two runs says so and ends with exit code 1", async () => {
  const { configFile, folder, l1 } = await prepare();
  const until = (stderr: string): boolean => stderr.includes("node started");
  const first = await run({ configFile }, { name: "SIGTERM", until });
  expect(first.exitCode).toBe(0);
  await rm(join(folder, "data", "store", "data.mdb"));
  await writeFile(join(folder, "data", "store", "data.mdb"), "damaged");
  const { exitCode, stderr } = await run({ configFile });
  expect([exitCode, l1.requests() > 0]).toEqual([1, true]);
  expect(stderr).toMatch(/^mach: .* is damaged: move it away.*\n$/m);
});

it("a node whose store cannot be written any more ends at once, with a failure", async () => {
  const prepared = await prepare();
  const until = (stderr: string): boolean => stderr.includes("node started");
  expect((await run(prepared, { name: "SIGTERM", until })).exitCode).toBe(0);
  // The kernel refuses any write beyond 8 KiB of a file, as a full disk would.
  const { exitCode, stderr } = await run(prepared, undefined, `ulimit -f 16; exec "$0" "$@"`);
  expect(exitCode).toBe(1);
  const last = stderr
    .split("\n")
    .find((line) => line.includes("the node cannot go on and ends at once"));
  expect(JSON.parse(last ?? "{}")).toMatchObject({
    next: expect.stringContaining("start the node"),
  });
});

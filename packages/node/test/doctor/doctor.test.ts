import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import { fromHex, type Hex, uintWord } from "@mach/core";
import { addRollup, createEpochFixer, createL1Signer } from "@mach/settlement";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { CHAIN_ID, finalize, finalizeAt } from "../../../settlement/test/anvil.ts";
import {
  EPOCH_SECONDS,
  lowerAddress,
  signerFor,
  startNetwork,
  type TestNetwork,
} from "../../../settlement/test/network.ts";
import { type RpcExchange, type RpcProxy, startProxy } from "../../../settlement/test/proxy.ts";
import { describeFindings } from "../../src/cli/doctor.ts";
import { writeKeystore } from "../../src/cli/keys-keystores.ts";
import { loadConfig, type NodeConfig } from "../../src/config.ts";
import { openDataFolder } from "../../src/data-folder.ts";
import { examine } from "../../src/doctor/doctor.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import { SURROUNDINGS, type Surroundings } from "../../src/doctor/surroundings.ts";
import { initialiseProtection } from "../../src/signer/open-protection.ts";
import { holdPort } from "../fake-l1.ts";

const bls = createNativeBls();
const PASSWORD = "correct horse";
const FIXER_KEY = `0x${"77".repeat(32)}`;
const EXECUTED_ID = 904n;

let network: TestNetwork;
let executed: RpcProxy;
let operator: Hex;
let nowMs: number;
let keystore: string;
let folder: string;
let servers: Server[] = [];
let proxies: RpcProxy[] = [];

const shared = mkdtempSync(join(tmpdir(), "mach-doctor-"));

beforeAll(async () => {
  network = await startNetwork();
  const { anvil, registry, genesisTime, signer } = network;
  for (const [rollupId, verification] of [
    [CHAIN_ID, 1],
    [EXECUTED_ID, 2],
  ] as const) {
    const rollup = { rollupId, stack: "evm", attestationInterval: 1n, thresholdBps: 6667 };
    await addRollup({ signer, registry, rollup: { ...rollup, verification } });
  }
  operator = lowerAddress(signerFor(anvil, uintWord(1n)));
  await finalizeAt(anvil, genesisTime + EPOCH_SECONDS);
  await fixEpoch(1n);
  await finalize(anvil);
  nowMs = Number(genesisTime + EPOCH_SECONDS + 50n) * 1_000;
  executed = await startProxy(anvil.url, asChain(EXECUTED_ID));
  keystore = await writeKey("operator.json", uintWord(1n));
}, 120_000);

afterAll(async () => {
  await executed?.stop();
  await network?.anvil.stop();
  rmSync(shared, { recursive: true, force: true });
});

beforeEach(async () => {
  folder = mkdtempSync(join(shared, "data-"));
  chmodSync(keystore, 0o600);
  writeSecret("password", PASSWORD);
});

afterEach(async () => {
  for (const server of servers) server.close();
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  [servers, proxies] = [[], []];
});

function writeSecret(name: string, text: string): string {
  const file = join(shared, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

async function writeKey(name: string, key: Hex): Promise<string> {
  const secretKey = bls.secretKeyFromBytes(fromHex(key));
  if (secretKey === null) throw new Error("no key");
  const file = join(shared, name);
  await writeKeystore(bls, { file, secretKey, password: PASSWORD, path: "", kdf: "pbkdf2" });
  return file;
}

async function fixEpoch(epoch: bigint): Promise<void> {
  const { anvil, registry } = network;
  const signer = createL1Signer({
    ...{ rpcUrl: anvil.url, chainId: CHAIN_ID, privateKey: FIXER_KEY, timeoutMs: 5_000 },
  });
  const payer = lowerAddress(signerFor(anvil, FIXER_KEY));
  await anvil.rpc("anvil_setBalance", [payer, "0x56bc75e2d63100000"]);
  const fixer = createEpochFixer(
    { signer, delay: async () => {} },
    { registry, minBalanceWei: 0n, maxAttempts: 4, backoffMs: 1, confirmTimeoutMs: 30_000 },
  );
  const fixed = await fixer.fixEpoch(epoch);
  if (fixed.code !== "fixed") throw new Error(fixed.code);
}

/** What a source says is of another chain. */
function asChain(chainId: bigint): (exchange: RpcExchange) => unknown {
  return ({ method, result }) => (method === "eth_chainId" ? `0x${chainId.toString(16)}` : result);
}

async function proxied(answer: (exchange: RpcExchange) => unknown): Promise<string> {
  const proxy = await startProxy(network.anvil.url, answer);
  proxies.push(proxy);
  return proxy.url;
}

/** Something that accepts connections, as a boot node does. */
async function listening(): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Of the operator and the network that a configuration names, whichever they are. */
async function makeRecord({ dataDir, network: place, operator: named }: NodeConfig): Promise<void> {
  const opened = await openDataFolder(dataDir);
  if (!opened.ok || named === undefined) throw new Error("no folder");
  const domain = { chainId: place.chainId, verifyingContract: place.registry };
  await initialiseProtection(opened.folder, { domain, operator: named.address }, "never-signed");
  await opened.folder.release();
}

interface Fault {
  /** Done to the folder once it has its record; without a record where it is "no-record". */
  readonly folder?: "no-record" | (() => Promise<void> | void);
  readonly flags?: Readonly<Record<string, string>>;
  readonly surroundings?: Partial<Surroundings>;
}

async function findings({
  folder: change,
  flags = {},
  surroundings = {},
}: Fault = {}): Promise<readonly Finding[]> {
  const { url } = network.anvil;
  const loaded = loadConfig({
    flags: {
      ...{
        dataDir: folder,
        "network.chainId": `${CHAIN_ID}`,
        "network.registry": network.registry,
      },
      ...{ "l1.rpcUrls": url, "operator.address": operator, "operator.keystoreFile": keystore },
      "operator.passwordFile": join(shared, "password"),
      rollups: JSON.stringify([{ rollupId: `${CHAIN_ID}`, rpcUrls: url }]),
      ...{ "gossip.host": "127.0.0.1", "gossip.port": "0" },
      "gossip.bootNodes": `/ip4/127.0.0.1/tcp/${await listening()}`,
      ...flags,
    },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  if (change !== "no-record") await makeRecord(loaded.config);
  if (typeof change === "function") await change();
  return await examine(
    { config: loaded.config, configFile: null },
    {
      now: () => nowMs,
      freeSpace: async () => ({ bytes: 2n ** 40n, files: 2n ** 20n }),
      syncTimes: async () => [1, 1, 1],
      readDate: async () => ({ dateMs: nowMs, askedAtMs: nowMs, answeredAtMs: nowMs + 3 }),
      ...surroundings,
    },
  );
}

/** The lines that fail, each by its check, what it is about and its code. */
async function failures(fault: Fault): Promise<readonly string[]> {
  return (await findings(fault))
    .filter(({ level }) => level === "fail")
    .map(({ check, about, code }) => [check, about, code].filter(Boolean).join(" / "));
}

const at = (offsetMs: number): Partial<Surroundings> => ({
  readDate: async () => {
    const askedAtMs = nowMs + offsetMs;
    return { dateMs: nowMs, askedAtMs, answeredAtMs: askedAtMs + 3 };
  },
});

it("finds nothing wrong where nothing is", async () => {
  const found = await findings();
  expect(found.filter(({ level, check }) => level !== "ok" && check !== "clock")).toEqual([]);
  expect([...new Set(found.map(({ check }) => check))]).toEqual([
    ...["clock", "data folder", "disk space", "disk latency", "secret files"],
    ...["protection record", "port", "peers", "L1 endpoint", "L1 agreement", "L1 finality"],
    ...["registry", "operator set", "operator key", "registration", "weight", "rollup"],
  ]);
  const answer = describeFindings(found);
  expect(answer).toMatchObject({ exitCode: 0, json: { ok: true, failed: 0 } });
  expect(found.find(({ check }) => check === "weight")?.found).toMatch(
    /^epoch 1: 22; epoch 2: 22; epoch 3: 22 as things stand$/,
  );
});

it.each<readonly [name: string, line: string, fault: () => Promise<Fault> | Fault]>([
  ["a clock that is two minutes ahead", "clock / clock-off", () => ({ surroundings: at(120_000) })],
  [
    "a disk that is full",
    "disk space / disk-full",
    () => ({ surroundings: { freeSpace: async () => ({ bytes: 4_096n, files: null }) } }),
  ],
  [
    "a disk that takes seconds",
    "disk latency / disk-slow",
    () => ({ surroundings: { syncTimes: async () => [2_000, 2_000, 2_000] } }),
  ],
  [
    "a disk that nothing can be written to",
    "disk latency / folder-unusable",
    () => ({
      surroundings: {
        syncTimes: () => Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" })),
      },
    }),
  ],
  [
    "a keystore that others can read",
    "secret files / keystore / open-to-others",
    () => {
      chmodSync(keystore, 0o644);
      return {};
    },
  ],
  [
    "a password that is another keystore's",
    "operator key / secret-key-unusable",
    () => {
      writeSecret("password", "battery staple");
      return {};
    },
  ],
  [
    "a record that was never made",
    "protection record / protection-not-initialised",
    () => ({ folder: "no-record" }),
  ],
  [
    "a record that is damaged",
    "protection record / protection-corrupt",
    () => ({ folder: () => truncateSync(join(folder, "protection", "data.mdb"), 4_096) }),
  ],
  [
    "a port that another program holds",
    "port / gossip / port-taken",
    async () => ({ flags: { "gossip.port": `${await holdPort()}` } }),
  ],
  [
    "boot nodes that are gone",
    "peers / boot nodes / boot-nodes-unreachable",
    () => ({ flags: { "gossip.bootNodes": "/ip4/127.0.0.1/tcp/9" } }),
  ],
  [
    "an L1 endpoint of another chain",
    "L1 endpoint / PROXY / wrong-chain",
    async () => ({ flags: { "l1.rpcUrls": `${network.anvil.url},${await proxied(asChain(1n))}` } }),
  ],
  [
    "an L1 endpoint that does not answer, and is needed",
    "L1 endpoint / 127.0.0.1:9 / unreachable",
    () => ({ flags: { "l1.rpcUrls": `${network.anvil.url},http://127.0.0.1:9`, "l1.agree": "2" } }),
  ],
  [
    "L1 endpoints that contradict each other",
    "L1 agreement / sources-disagree",
    async () => {
      const liar = await proxied(({ method, result }) =>
        method === "eth_getBlockByNumber" && result !== null
          ? { ...(result as object), hash: `0x${"bb".repeat(32)}` }
          : result,
      );
      return { flags: { "l1.rpcUrls": `${network.anvil.url},${liar}`, "l1.agree": "2" } };
    },
  ],
  [
    "an L1 that finalises nothing any more",
    "L1 finality / finality-old",
    () => {
      const later = nowMs + 1_200_000;
      const readDate = async () => ({ dateMs: later, askedAtMs: later, answeredAtMs: later });
      return { surroundings: { now: () => later, readDate } };
    },
  ],
  [
    "a registry that is nowhere",
    "registry / registry-not-found",
    () => ({ flags: { "network.registry": `0x${"5f".repeat(20)}` } }),
  ],
  [
    "another contract in the registry's place",
    "registry / wrong-domain",
    () => ({ flags: { "network.registry": network.asset } }),
  ],
  [
    "an operator that is not registered",
    "registration / not-registered",
    () => ({ flags: { "operator.address": lowerAddress(network.signer) } }),
  ],
  [
    "a key that is not the registered one",
    "registration / key-not-in-set",
    async () => ({ flags: { "operator.keystoreFile": await otherKey() } }),
  ],
  [
    "a rollup that the registry does not list",
    "rollup / 905 / unknown-rollup",
    async () => ({ flags: { rollups: rollupAt(905n, await proxied(asChain(905n))) } }),
  ],
  [
    "a rollup's endpoint of another chain",
    `rollup / ${CHAIN_ID} PROXY / wrong-chain`,
    async () => ({ flags: { rollups: rollupAt(CHAIN_ID, await proxied(asChain(10n))) } }),
  ],
  [
    "a rollup at the level executed that nothing executes",
    `rollup / ${EXECUTED_ID} execution / no-execution`,
    () => ({ flags: { rollups: rollupAt(EXECUTED_ID, executed.url) } }),
  ],
  [
    "a node without the witness that the level executed takes",
    `rollup / ${EXECUTED_ID} execution / unavailable`,
    () => ({
      flags: {
        rollups: rollupAt(EXECUTED_ID, executed.url, {
          execution: { urls: executed.url, profile: "anvil-evm" },
        }),
      },
    }),
  ],
])("finds %s by one line", async (_, line, fault) => {
  const found = await failures(await fault());
  const host = proxies.at(-1)?.url.slice("http://".length) ?? "";
  expect(found).toEqual([line.replace("PROXY", host)]);
});

let other: Promise<string> | undefined;
function otherKey(): Promise<string> {
  other ??= writeKey("other.json", uintWord(99n));
  return other;
}

function rollupAt(rollupId: bigint, url: string, more: object = {}): string {
  return JSON.stringify([{ rollupId: `${rollupId}`, rpcUrls: url, ...more }]);
}

it("looks beside a node that runs, and says what it did not look at", async () => {
  const beside = async (port: number): Promise<readonly Finding[]> => {
    let release = async (): Promise<void> => undefined;
    const hold = async (): Promise<void> => {
      const held = await openDataFolder(folder);
      if (!held.ok) throw new Error(held.code);
      release = held.folder.release;
    };
    const found = await findings({ folder: hold, flags: { "gossip.port": `${port}` } });
    await release();
    return found;
  };
  const found = await beside(await listening());
  const told = (check: string): Finding | undefined => found.find((each) => each.check === check);
  expect(found.filter(({ level }) => level === "fail")).toEqual([]);
  expect(told("protection record")?.found).toContain("are not looked at");
  expect(told("port")).toMatchObject({ about: "gossip", level: "ok" });
  const silent = (await beside(9)).filter(({ level }) => level === "fail");
  expect(silent).toMatchObject([{ check: "port", about: "gossip", code: "port-not-served" }]);
});

it("makes no data folder", async () => {
  const dataDir = join(folder, "not", "there");
  const found = await failures({ folder: "no-record", flags: { dataDir } });
  expect(found).toEqual(["protection record / protection-not-initialised"]);
  expect(() => rmSync(join(folder, "not"))).toThrow();
});

it("measures a real disk and a real clock", async () => {
  expect((await SURROUNDINGS.syncTimes(folder)).length).toBeGreaterThan(2);
  expect((await SURROUNDINGS.freeSpace(folder)).bytes).toBeGreaterThan(0n);
  expect(await SURROUNDINGS.readDate("http://127.0.0.1:9", 1_000)).toBeNull();
});

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import { fromHex, type Hex, uintWord } from "@mach/core";
import { addRollup, createEpochFixer, createL1Signer } from "@mach/settlement";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { CHAIN_ID, finalize, finalizeAt } from "../../../settlement/test/anvil.ts";
import {
  EPOCH_SECONDS,
  lowerAddress,
  newestTimestamp,
  signerFor,
  startNetwork,
  type TestNetwork,
} from "../../../settlement/test/network.ts";
import { type RpcExchange, type RpcProxy, startProxy } from "../../../settlement/test/proxy.ts";
import { writeKeystore } from "../../src/cli/keys-keystores.ts";
import { loadConfig, type NodeConfig } from "../../src/config.ts";
import { openDataFolder } from "../../src/data-folder.ts";
import { examine } from "../../src/doctor/doctor.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import type { Surroundings } from "../../src/doctor/surroundings.ts";
import { initialiseProtection } from "../../src/signer/open-protection.ts";

/*
 * A network on a real L1, and all that a node on it needs, for the tests of one file: each test
 * puts one fault into it.
 */

const bls = createNativeBls();
const PASSWORD = "correct horse";
const FIXER_KEY = `0x${"77".repeat(32)}`;
export const EXECUTED_ID = 904n;

export let network: TestNetwork;
export let executed: RpcProxy;
let operator: Hex;
export let nowMs: number;
export let keystore: string;
export let folder: string;
export let servers: Server[] = [];
export let proxies: RpcProxy[] = [];

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
  nowMs = Number((await newestTimestamp(anvil)) + 5n) * 1_000;
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

export function writeSecret(name: string, text: string): string {
  const file = join(shared, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

export async function writeKey(name: string, key: Hex): Promise<string> {
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
export function asChain(chainId: bigint): (exchange: RpcExchange) => unknown {
  return ({ method, result }) => (method === "eth_chainId" ? `0x${chainId.toString(16)}` : result);
}

export async function proxied(answer: (exchange: RpcExchange) => unknown): Promise<string> {
  const proxy = await startProxy(network.anvil.url, answer);
  proxies.push(proxy);
  return proxy.url;
}

/** Something that accepts connections, as a boot node does. */
export async function listening(): Promise<number> {
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

/** What is wrong in one examination. */
export interface Fault {
  /** Done to the folder once it has its record; without a record where it is "no-record". */
  readonly folder?: "no-record" | (() => Promise<void> | void);
  readonly flags?: Readonly<Record<string, string>>;
  readonly surroundings?: Partial<Surroundings>;
}

export async function findings({
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

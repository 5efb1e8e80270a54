import { chmodSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { uintWord } from "@mach/core";
import { expect, it } from "vitest";
import { CHAIN_ID } from "../../../settlement/test/anvil.ts";
import { lowerAddress } from "../../../settlement/test/network.ts";
import { describeFindings } from "../../src/cli/doctor.ts";
import { openDataFolder } from "../../src/data-folder.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import { judgeSize } from "../../src/doctor/store-size.ts";
import { SURROUNDINGS, type Surroundings } from "../../src/doctor/surroundings.ts";
import { holdPort } from "../fake-l1.ts";
import {
  asChain,
  EXECUTED_ID,
  executed,
  type Fault,
  findings,
  folder,
  keystore,
  listening,
  network,
  nowMs,
  proxied,
  proxies,
  servers,
  writeKey,
  writeSecret,
} from "./examined-node.ts";

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
  expect(found.filter(({ level }) => level !== "ok")).toEqual([]);
  expect([...new Set(found.map(({ check }) => check))]).toEqual([
    ...["clock", "data folder", "disk space", "disk latency", "secret files"],
    ...["protection record", "port", "peers", "L1 endpoint", "L1 agreement", "L1 finality"],
    ...["registry", "operator set", "operator key", "registration", "weight", "rollup"],
    "store size",
  ]);
  expect(found.at(-1)?.found).toMatch(/^the store takes 0 MiB; with all .* about \d+ MiB, and/);
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
    "a payer that has nothing left",
    "payer / payer-balance-low",
    () => ({ flags: { "payer.privateKeyFile": writeSecret("payer.key", uintWord(98n)) } }),
  ],
  [
    "a payer's key that is none",
    "payer / check-failed",
    () => ({ flags: { "payer.privateKeyFile": writeSecret("zero.key", uintWord(0n)) } }),
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

it("counts the key that the operator's keys change to as its own, once it is there", async () => {
  const passwordFile = join(keystore, "..", "password");
  const keys = {
    "operator.keystoreFile": await otherKey(),
    "operator.nextKey.passwordFile": passwordFile,
  };
  const told = async (nextKey: string): Promise<readonly string[]> =>
    await failures({ flags: { ...keys, "operator.nextKey.keystoreFile": nextKey } });
  expect(await told(keystore)).toEqual([]);
  expect(await told(join(folder, "not-there.json"))).toEqual(["registration / key-not-in-set"]);
  writeSecret("broken.json", "{}");
  expect(await told(join(keystore, "..", "broken.json"))).toEqual([
    "operator key / secret-key-unusable",
  ]);
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

it("warns of an endpoint beyond those that are enough which has another block", async () => {
  const liar = await proxied(({ method, result }) =>
    method === "eth_getBlockByNumber" && result !== null
      ? { ...(result as object), hash: `0x${"bb".repeat(32)}` }
      : result,
  );
  const rollups = [{ rollupId: `${CHAIN_ID}`, rpcUrls: `${network.anvil.url},${liar}` }];
  const found = await findings({ flags: { rollups: JSON.stringify(rollups) } });
  const [line, ...more] = found.filter(({ level }) => level !== "ok");
  expect(more).toEqual([]);
  expect(line).toMatchObject({ level: "warn", check: "rollup", code: "disagrees" });
});

it("counts no address of its own among the boot nodes", async () => {
  const port = await listening();
  servers.at(-1)?.close();
  const flags = { "gossip.port": `${port}`, "gossip.bootNodes": `/ip4/127.0.0.1/tcp/${port}` };
  const [line] = (await findings({ flags })).filter(({ check }) => check === "peers");
  expect(line).toMatchObject({ level: "warn", code: "no-boot-node" });
});

it("makes no data folder", async () => {
  const dataDir = join(folder, "not", "there");
  const found = await failures({ folder: "no-record", flags: { dataDir } });
  expect(found).toEqual(["protection record / protection-not-initialised"]);
  expect(() => rmSync(join(folder, "not"))).toThrow();
});

it("warns of a disk that has no room for all that is to be kept", () => {
  const sizes = { takes: "the store takes 1 MiB", missing: 10_000_000, forecast: 11_000_000 };
  expect(judgeSize({ ...sizes, free: 10_000_000 })).toMatchObject({ level: "ok" });
  expect(judgeSize({ ...sizes, free: 9_999_999 })).toMatchObject({
    ...{ level: "warn", code: "disk-too-small" },
    found:
      "the store takes 1 MiB; with all that is to be kept it comes to about 11 MiB, and 10 MiB are free",
  });
});

it("measures a real disk and a real clock", async () => {
  expect((await SURROUNDINGS.syncTimes(folder)).length).toBeGreaterThan(2);
  expect((await SURROUNDINGS.freeSpace(folder)).bytes).toBeGreaterThan(0n);
  expect(await SURROUNDINGS.readDate("http://127.0.0.1:9", 1_000)).toBeNull();
});

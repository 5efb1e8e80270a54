import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadConfig, type NodeConfig } from "../../src/config.ts";
import { examine } from "../../src/doctor/doctor.ts";
import { SURROUNDINGS } from "../../src/doctor/surroundings.ts";
import { startNode } from "../../src/main.ts";
import { startFakeL1 } from "../fake-l1.ts";
import { temporaryPath } from "../signer/test-folders.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function configure(registry: string): Promise<NodeConfig> {
  const [folder, l1] = [await temporaryPath(), await startFakeL1()];
  const [gossip, api, metrics] = [await freePort(), await freePort(), await freePort()];
  const loaded = loadConfig({
    flags: {
      ...{ dataDir: join(folder, "data"), logLevel: "silent" },
      ...{ "network.chainId": "31337", "network.registry": registry },
      ...{ "l1.rpcUrls": l1.url, "l1.pollMs": "100" },
      rollups: '[{ rollupId: "902", rpcUrls: "http://127.0.0.1:1" }]',
      ...{ "gossip.host": "127.0.0.1", "gossip.port": `${gossip}` },
      ...{ "api.port": `${api}`, "metrics.port": `${metrics}` },
    },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

async function portsOf(config: NodeConfig): Promise<readonly unknown[]> {
  const found = await examine({ config, configFile: null }, SURROUNDINGS);
  return found
    .filter(({ check }) => ["data folder", "port", "peers"].includes(check))
    .map(({ check, about, level, code }) => [check, about, level, code]);
}

const BOOT_NODES = ["peers", "boot nodes", "warn", "no-boot-node"];

it("knows a running node by what its ports serve, and counts its peers", async () => {
  const config = await configure(`0x${"5f".repeat(20)}`);
  const { signal } = new AbortController();
  const node = await startNode(config, { onStop: () => undefined, signal });
  try {
    expect(await portsOf(config)).toEqual([
      ["data folder", null, "ok", null],
      ["port", "gossip", "ok", null],
      ["port", "api", "ok", null],
      ["port", "metrics", "ok", null],
      BOOT_NODES,
      ["peers", "connected", "fail", "no-peers"],
    ]);
    const other: NodeConfig = {
      ...config,
      network: { ...config.network, registry: `0x${"60".repeat(20)}` },
    };
    expect(await portsOf(other)).toContainEqual(["port", "api", "fail", "port-taken"]);
  } finally {
    await node.stop();
  }
  expect(await portsOf(config)).toEqual([
    ["data folder", null, "ok", null],
    ["port", "gossip", "ok", null],
    ["port", "api", "ok", null],
    ["port", "metrics", "ok", null],
    BOOT_NODES,
  ]);
});

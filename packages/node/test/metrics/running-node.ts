import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { loadConfig } from "../../src/config.ts";
import { startNode } from "../../src/main.ts";
import { startFakeL1 } from "../fake-l1.ts";
import { temporaryPath } from "../signer/test-folders.ts";

/** A node that really runs, on an L1 that has fixed nothing. */
export interface RunningNode {
  readonly apiUrl: string;
  /** The document of one scrape. */
  scrape(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts an observer with an API and metrics; it ends with `stop`. */
export async function runNode(): Promise<RunningNode> {
  const folder = await temporaryPath();
  const l1 = await startFakeL1();
  const [apiPort, metricsPort] = [await freePort(), await freePort()];
  const loaded = loadConfig({
    flags: {
      ...{ dataDir: join(folder, "data"), logLevel: "silent" },
      ...{ "network.chainId": "31337", "network.registry": `0x${"5f".repeat(20)}` },
      ...{ "l1.rpcUrls": l1.url, "l1.pollMs": "100" },
      rollups: '[{ rollupId: "902", rpcUrls: "http://127.0.0.1:1" }]',
      ...{ "gossip.host": "127.0.0.1", "gossip.port": "0" },
      ...{ "api.port": `${apiPort}`, "metrics.port": `${metricsPort}` },
    },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { signal } = new AbortController();
  const node = await startNode(loaded.config, { onStop: () => undefined, signal });
  return {
    apiUrl: `http://127.0.0.1:${apiPort}`,
    async scrape() {
      const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
      if (!response.ok) throw new Error(`status ${response.status}`);
      return await response.text();
    },
    stop: () => node.stop(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

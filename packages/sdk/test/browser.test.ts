import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, it } from "vitest";
import { bundleForBrowsers } from "./browser-bundle.ts";
import { startNode } from "./replayed-node.ts";
import { certify, chainTo, claimOf, NETWORK, NOW, ROLLUP, setOf } from "./signed-network.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

// A browser's first start on a busy machine takes its time.
it("a page in Chromium verifies a block by three nodes, one of which lies", {
  timeout: 120_000,
}, async ({ skip }) => {
  const program = findProgram(NAMES);
  if (program === null) skip(`none of ${NAMES.join(", ")} is on the PATH: no browser was tried`);
  const chain = chainTo(6);
  const fork = chainTo(6, 9);
  const certificate = certify(claimOf(chain[5] ?? fail()));
  const nodes = await Promise.all([startNode(), startNode(), startNode()]);
  for (const node of nodes) node.putChain(chain, certificate);
  const lie = { ...certificate, ...claimedFor(fork[5] ?? fail()) };
  nodes[0]?.putChain(fork, lie);
  const page = await startPage(await bundleForBrowsers(sourceOf(nodes.map(({ url }) => url))));
  const folder = await mkdtemp(join(tmpdir(), "mach-browser-"));
  const browser = openBrowser(program ?? "", folder, page.url);
  try {
    const result = await Promise.race([page.result, exitOf(browser)]);
    expect(result).toEqual({
      status: "fast-final",
      blockNumber: "3",
      blockHash: chain[3]?.blockHash,
      weightBps: 7000,
      pushed: "5",
    });
  } finally {
    browser.kill("SIGKILL");
    await once(browser, "close").catch(() => undefined);
    await Promise.all([page.stop(), ...nodes.map((node) => node.stop())]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

/** What the page runs: a question by height, and the first head that it is told of. */
function sourceOf(endpoints: readonly string[]): string {
  return `
    import { createMachClient } from "../src/index.ts";
    const mach = createMachClient({
      endpoints: ${JSON.stringify(endpoints)},
      network: {
        chainId: ${NETWORK.chainId}n,
        registry: "${NETWORK.registry}",
        genesisTime: ${NETWORK.genesisTime}n,
        epochSeconds: ${NETWORK.epochSeconds}n,
      },
      trust: { epoch: 2n, operatorSetHash: "${setOf(2n).operatorSetHash}" },
      now: () => ${NOW},
    });
    async function run() {
      const answer = await mach.getBlock({ rollupId: ${ROLLUP}n, block: 3n });
      const watched = await mach.watch({ rollupId: ${ROLLUP}n }).next();
      return {
        status: answer.status,
        blockNumber: String(answer.blockNumber),
        blockHash: answer.blockHash,
        weightBps: answer.facts?.weightBps,
        pushed: String(watched.value?.block?.blockNumber),
      };
    }
    run()
      .catch((error) => ({ error: String(error) }))
      .then((result) => fetch("/result", { method: "POST", body: JSON.stringify(result) }));
  `;
}

function claimedFor(block: Parameters<typeof claimOf>[0]): {
  readonly claim: ReturnType<typeof claimOf>;
} {
  return { claim: claimOf(block) };
}

async function startPage(bundle: Uint8Array): Promise<{
  readonly url: string;
  readonly result: Promise<unknown>;
  stop(): Promise<void>;
}> {
  const server = createServer();
  const result = new Promise<unknown>((resolve) => {
    server.on("request", async (request, response) => {
      if (request.url === "/bundle.js") {
        response.writeHead(200, { "content-type": "text/javascript" }).end(bundle);
      } else if (request.url === "/result") {
        let body = "";
        for await (const chunk of request) body += String(chunk);
        response.end();
        resolve(JSON.parse(body));
      } else {
        response.writeHead(200, { "content-type": "text/html" });
        response.end('<!doctype html><script type="module" src="/bundle.js"></script>');
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    result,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function openBrowser(program: string, folder: string, url: string): ChildProcess {
  const options = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"];
  // Its own sandbox needs rights that a container may not have, and the page is ours.
  return spawn(program, [...options, "--no-sandbox", `--user-data-dir=${folder}`, url], {
    stdio: "ignore",
  });
}

async function exitOf(browser: ChildProcess): Promise<never> {
  const [code] = await once(browser, "exit");
  throw new Error(`the browser ended with ${String(code)} before the page did`);
}

function findProgram(names: readonly string[]): string | null {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of names) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not in this folder: the next one.
      }
    }
  }
  return null;
}

function fail(): never {
  throw new RangeError("the chain has no such block");
}

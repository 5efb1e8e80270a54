import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { findChromium } from "../../packages/sdk/test/chromium.ts";
import { type LocalNetwork, startLocalNetwork } from "../../scripts/local-network/local-network.ts";
import { read, until } from "./api.ts";

/** Where pictures of pages are kept, for whoever wants to look at them after a run. */
export const SCREENSHOTS: string = fileURLToPath(
  new URL("../../coverage/screenshots/", import.meta.url),
);

/** A whole network and a browser start slowly on a machine that is busy. */
const PATIENCE_MS = 180_000;

/** A local network, and the system's browser where there is one, for all tests of pages. */
export interface WebNetwork {
  readonly network: LocalNetwork;
  /** Null where no Chromium is installed. */
  readonly browser: Browser | null;
  stop(): Promise<void>;
}

/** Starts both, and waits for the first certificate of each rollup. */
export async function startWebNetwork(): Promise<WebNetwork> {
  const folder = mkdtempSync(join(tmpdir(), "mach-e2e-"));
  mkdirSync(SCREENSHOTS, { recursive: true });
  const network = await startLocalNetwork({ folder: join(folder, "network") });
  const program = findChromium();
  // Its own sandbox needs rights that a container may not have, and the pages are ours.
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  const browser =
    program === null ? null : await chromium.launch({ executablePath: program, args });
  for (const { rollupId } of network.rollups) {
    const headOf = async () =>
      (await read(network.apiUrl, "finality", { rollupId })).data.fastFinal;
    await until(`a certificate of ${rollupId}`, headOf, PATIENCE_MS);
  }
  return {
    network,
    browser,
    async stop() {
      await browser?.close();
      await network.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Stands between a page and a node, and changes what the node says. */
export interface InPath {
  readonly url: string;
  /** Told the path and the text of every answer; gives what the page gets. */
  change: (text: string, path: string) => string;
  /** Whether nothing is answered any more, and streams say nothing. */
  isSilent: boolean;
  stop(): Promise<void>;
}

/** A proxy before a node's API. Streams pass through it event by event. */
export async function startInPath(target: string): Promise<InPath> {
  const server: Server = createServer(async (request, response) => {
    if (inPath.isSilent) return;
    const path = request.url ?? "/";
    let body = "";
    for await (const chunk of request) body += String(chunk);
    try {
      const answer = await fetch(new URL(path, target), {
        method: request.method ?? "GET",
        ...(request.method === "POST"
          ? { body, headers: { "content-type": request.headers["content-type"] ?? "" } }
          : {}),
      });
      const { headers, status } = answer;
      response.writeHead(status, {
        "content-type": headers.get("content-type") ?? "application/json",
        "access-control-allow-origin": "*",
        "access-control-allow-headers": "content-type, last-event-id, cache-control",
        "cache-control": "no-store",
      });
      const decoder = new TextDecoder();
      for await (const chunk of answer.body ?? []) {
        if (response.destroyed) break;
        if (inPath.isSilent) continue;
        response.write(inPath.change(decoder.decode(chunk, { stream: true }), path));
      }
      response.end();
    } catch {
      // The node, or the page, has gone: so does this answer.
      response.destroy();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const inPath: InPath = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    change: (text) => text,
    isSilent: false,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return inPath;
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Why there is no browser here: what a test that skips for it says. */
export const NO_CHROMIUM: string = `none of ${NAMES.join(", ")} is on the PATH: no browser was tried`;

/** The path of a Chromium, or null. */
export function findChromium(): string | null {
  return findProgram(NAMES);
}

/** Opens a page that loads a module, and gives what the module posts to `/result` as JSON. */
export async function runInChromium(program: string, bundle: Uint8Array): Promise<unknown> {
  const page = await startPage(bundle);
  const folder = await mkdtemp(join(tmpdir(), "mach-browser-"));
  const browser = openBrowser(program, folder, page.url);
  const closed = once(browser, "close");
  try {
    return await Promise.race([page.result, exitOf(browser)]);
  } finally {
    browser.kill("SIGKILL");
    await closed.catch(() => undefined);
    await page.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
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

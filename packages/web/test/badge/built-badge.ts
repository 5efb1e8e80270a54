import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const WEB = fileURLToPath(new URL("../../", import.meta.url));
const PLAIN = ["plain.html", "wallet.html", "wallet.css", "wallet.js"];

/** The badge as a page without a bundler loads it: each file by its name. */
export async function buildBadge(): Promise<ReadonlyMap<string, Buffer>> {
  return await buildBy("vite.badge.config.ts");
}

/** The examples as they would stand on a host: two pages as they are written, and React's built. */
export async function buildExamples(): Promise<ReadonlyMap<string, Buffer>> {
  const plain = PLAIN.map((name) => [name, readFileSync(join(WEB, "examples", name))] as const);
  const [react, badge] = [await buildBy("vite.examples.config.ts"), await buildBadge()];
  return new Map([...react, ...plain, ...badge]);
}

async function buildBy(config: string): Promise<ReadonlyMap<string, Buffer>> {
  const folder = mkdtempSync(join(tmpdir(), "mach-badge-"));
  try {
    const configFile = join(WEB, config);
    await build({ configFile, logLevel: "silent", build: { outDir: folder } });
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile());
    return new Map(
      paths.map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        return [relative(folder, path), readFileSync(path)];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface PageServer {
  readonly url: string;
  /** The paths that were asked for, in order. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  html: "text/html; charset=utf-8",
  js: "text/javascript",
};

/** Serves files by their paths; `/` is index.html. */
export async function servePage(
  files: ReadonlyMap<string, string | Buffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<PageServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://page.invalid").pathname;
    asked.push(path);
    const name = path === "/" ? "index.html" : path.slice(1);
    const file = files.get(name);
    const type = TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
    response.writeHead(file === undefined ? 404 : 200, { ...headers, "content-type": type });
    response.end(file);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fastify } from "fastify";
import { afterEach, expect, test } from "vitest";
import { addExplorerRoute } from "../../src/http/explorer-route.ts";
import { startTestServer } from "./test-server.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const PAGE = "<!doctype html><title>MACH</title>";
const SCRIPT = `console.log(${JSON.stringify("a script that is worth being packed ".repeat(20))});`;

function siteOf(files: Readonly<Record<string, string>>): URL {
  const folder = mkdtempSync(join(tmpdir(), "mach-test-"));
  folders.push(folder);
  mkdirSync(join(folder, "assets"));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  return pathToFileURL(`${folder}/`);
}

function serve(folder: URL) {
  const app = fastify();
  addExplorerRoute(app, folder);
  return app;
}

test("the page is asked for anew each time, and what it names by hash never again", async () => {
  const app = serve(siteOf({ "index.html": PAGE, "assets/index-1a2b.js": SCRIPT }));
  const page = await app.inject("/");
  expect(page.body).toBe(PAGE);
  expect(page.headers).toMatchObject({
    "cache-control": "no-cache",
    "content-type": "text/html; charset=utf-8",
    "x-content-type-options": "nosniff",
  });
  const script = await app.inject("/assets/index-1a2b.js");
  expect(script.body).toBe(SCRIPT);
  expect(script.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
  const headers = { "if-none-match": String(page.headers["etag"]) };
  const again = await app.inject({ url: "/", headers });
  expect([again.statusCode, again.body]).toEqual([304, ""]);
});

test("no script runs on the page but its own files, and nothing may frame it", async () => {
  const page = await serve(siteOf({ "index.html": PAGE })).inject("/");
  const policy = String(page.headers["content-security-policy"]);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe");
});

test.each([
  ["gzip, deflate, br", true],
  ["br;q=1, gzip;q=0.5", true],
  ["gzip;q=0", false],
  ["gzip;q=0.0, br", false],
  ["identity", false],
  [undefined, false],
])("a browser that accepts %s gets gzip: %s", async (accepted, isPacked) => {
  const app = serve(siteOf({ "index.html": PAGE, "assets/a-1.js": SCRIPT }));
  const headers = accepted === undefined ? {} : { "accept-encoding": accepted };
  const answer = await app.inject({ url: "/assets/a-1.js", headers });
  expect(answer.headers["content-encoding"]).toBe(isPacked ? "gzip" : undefined);
  expect(answer.rawPayload.length < SCRIPT.length).toBe(isPacked);
});

test("what is not part of the build is not served, whatever way the path takes", async () => {
  const app = serve(siteOf({ "index.html": PAGE, "built-from": "abc", "assets/a-1.js": SCRIPT }));
  for (const path of ["/built-from", "/assets/", "/assets/../index.html", "/%2e%2e/package.json"]) {
    expect((await app.inject(path)).statusCode).toBe(404);
  }
});

test("without a build there is no page, and the API is served", async () => {
  const app = serve(new URL("file:///nowhere/at/all/"));
  expect((await app.inject("/")).statusCode).toBe(404);
});

test("a node serves the explorer that was built", async () => {
  const { url } = await startTestServer();
  const page = await fetch(`${url}/`);
  expect(page.status).toBe(200);
  const assets = [...(await page.text()).matchAll(/"\.\/(assets\/[^"]+)"/g)].map(
    ([, path]) => path,
  );
  expect(assets.length).toBeGreaterThan(1);
  for (const asset of assets) {
    const answer = await fetch(`${url}/${asset}`, { method: "HEAD" });
    expect([asset, answer.status]).toEqual([asset, 200]);
  }
});

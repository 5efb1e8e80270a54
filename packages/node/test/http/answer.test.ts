import { ROUTES } from "@mach/api";
import { expect, test } from "vitest";
import { fixture, unknownBlock } from "./memory-view.ts";
import { OTHER_HASH, PATHS, startTestServer } from "./test-server.ts";

const { certificate } = fixture;

const DAY = "public, max-age=31536000, immutable";
test.each([
  ["certificateById", DAY],
  ["certificate", "public, max-age=1"],
  ["operatorSet", "public, max-age=60"],
  ["network", "public, max-age=1"],
  ["rollups", "public, max-age=1"],
  ["rollup", "public, max-age=1"],
  ["finality", "public, max-age=1"],
  ["block", "public, max-age=1"],
  ["transaction", "public, max-age=1"],
  ["certificates", "public, max-age=1"],
  ["operators", "public, max-age=1"],
  ["operator", "public, max-age=1"],
  ["evidence", "public, max-age=1"],
  ["alerts", "public, max-age=1"],
  ["health", "no-store"],
  ["openapi", "public, max-age=60"],
  ["docs", "public, max-age=60"],
] as const)("%s has an ETag, and may be kept: %s", async (id, cacheControl) => {
  const { url } = await startTestServer();
  const response = await fetch(`${url}${PATHS[id]}`);
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe(cacheControl);
  expect(response.headers.get("content-type")).toBe(`${ROUTES[id].mediaType}; charset=utf-8`);
  const etag = response.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[\w-]{27}"$/);
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const again = await fetch(`${url}${PATHS[id]}`, { headers: { "if-none-match": tag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    expect(again.headers.get("etag")).toBe(etag);
    expect(again.headers.get("cache-control")).toBe(cacheControl);
  }
  const other = await fetch(`${url}${PATHS[id]}`, { headers: { "if-none-match": '"other"' } });
  expect(other.status).toBe(200);
});

test("by height a certificate may be kept a minute once its window is closed", async () => {
  const { url } = await startTestServer({
    parts: {
      certificate: () => ({
        ok: true,
        value: { certificate, isImproving: false },
      }),
    },
  });
  const response = await fetch(`${url}${PATHS.certificate}`);
  expect(response.headers.get("cache-control")).toBe("public, max-age=60");
});

test("a certificate that is replaced is served at once, under another ETag", async () => {
  const better = { ...certificate, certificateId: OTHER_HASH, signedWeight: 1n };
  let served = certificate;
  const { url } = await startTestServer({
    parts: {
      certificate: () => ({
        ok: true,
        value: { certificate: served, isImproving: true },
      }),
    },
  });
  const before = await fetch(`${url}${PATHS.certificate}`);
  served = better;
  const after = await fetch(`${url}${PATHS.certificate}`);
  expect(await after.json()).toMatchObject({ data: { certificateId: OTHER_HASH } });
  expect(after.headers.get("etag")).not.toBe(before.headers.get("etag"));
});

test.each(["unknown", "observed", "attested"] as const)(
  "a block that is %s is not kept",
  async (status) => {
    const value = { ...unknownBlock, status };
    const { url } = await startTestServer({ parts: { block: () => ({ ok: true, value }) } });
    const response = await fetch(`${url}${PATHS.block}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
  },
);

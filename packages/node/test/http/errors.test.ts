import { ROUTE_IDS, ROUTES } from "@mach/api";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fixture, rollupId } from "./memory-view.ts";
import { BASE, OTHER_HASH, PATHS, readCode, startTestServer } from "./test-server.ts";

const { blockHash } = fixture.certificate.claim;

test("what is not there is 404 with its own code", async () => {
  const { url } = await startTestServer();
  for (const path of ["", "/finality", "/blocks/1", `/transactions/${OTHER_HASH}`]) {
    expect(await readCode(`${url}/v1/rollups/7${path}`)).toEqual([404, "unknown-rollup"]);
  }
  for (const path of ["/certificates", "/certificates/1"]) {
    expect(await readCode(`${url}/v1/rollups/7${path}`)).toEqual([404, "unknown-rollup"]);
  }
  expect(await readCode(`${url}/v1/events?rollupId=7`)).toEqual([404, "unknown-rollup"]);
  expect(await readCode(`${url}${BASE}/certificates/1`)).toEqual([404, "not-yet"]);
  expect(await readCode(`${url}/v1/certificates/${OTHER_HASH}`)).toEqual([
    404,
    "unknown-certificate",
  ]);
  expect(await readCode(`${url}/v1/epochs/7`)).toEqual([404, "unknown-epoch"]);
  expect(await readCode(`${url}${PATHS.setUpdate}`)).toEqual([404, "not-yet"]);
});

test("a contradicted certificate is not served by height", async () => {
  const { url } = await startTestServer({
    parts: { certificate: () => ({ ok: false, code: "contradicted" }) },
  });
  expect(await readCode(`${url}${PATHS.certificate}`)).toEqual([409, "contradicted"]);
});

test.each([
  "/v1/rollups/x",
  "/v1/rollups/01",
  "/v1/rollups/0x385",
  "/v1/rollups/18446744073709551616",
  "/v1/rollups/901%20",
  "/v1/rollups/%00",
  "/v1/rollups/%ff",
  `/v1/rollups/${"9".repeat(101)}`,
  `${BASE}/blocks/latest`,
  `${BASE}/blocks/0x12`,
  `${BASE}/blocks/${blockHash.toUpperCase()}`,
  `${BASE}/transactions/12`,
  `${BASE}/certificates/-1`,
  `${BASE}/certificates?limit=0`,
  `${BASE}/certificates?limit=101`,
  `${BASE}/certificates?limit=1e1`,
  `${BASE}/certificates?from=`,
  `${BASE}/certificates?from=1&from=2`,
  `${BASE}/certificates?form=1`,
  `${BASE}/finality?__proto__=1`,
  `${BASE}/finality?x`,
  "/v1/certificates/12",
  "/v1/epochs/next",
  "/v1/epochs/current/update?x=1",
  "/v1/events?topics=",
  "/v1/events?topics=certificate,rumour",
  "/v1/events?rollupId=x",
])("%s is malformed", async (path) => {
  const { url } = await startTestServer();
  expect(await readCode(`${url}${path}`)).toEqual([400, "malformed"]);
});

test("other paths are not found", async () => {
  const { url } = await startTestServer();
  for (const path of [
    "/page",
    "/v1",
    "/v1/network/",
    "/V1/network",
    "/v1//network",
    "/v1/epochs",
  ]) {
    expect(await readCode(`${url}${path}`)).toEqual([404, "not-found"]);
  }
});

test.each(["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "PURGE"])(
  "%s is refused, and its body left unread",
  async (method) => {
    const { url } = await startTestServer();
    const body = "x".repeat(100_000);
    for (const id of ROUTE_IDS) {
      if (ROUTES[id].method !== "GET") continue;
      const response = await fetch(`${url}${PATHS[id]}`, { method, body });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
      expect(await response.json()).toMatchObject({ code: "method-not-allowed" });
    }
    expect(await readCode(`${url}/other`, { method, body })).toEqual([404, "not-found"]);
  },
);

test("an address that is too long and headers that are too large are refused", async () => {
  const { url } = await startTestServer();
  expect(await readCode(`${url}/v1/network?${"x".repeat(3_000)}`)).toEqual([414, "uri-too-long"]);
  const headers = { "x-large": "x".repeat(10_000) };
  expect(await readCode(`${url}/v1/network`, { headers })).toEqual([431, "headers-too-large"]);
});

test("a view that throws, rejects or hangs is no answer, and is logged without its text", async () => {
  const { url, failures } = await startTestServer({
    parts: {
      finality: () => {
        throw new Error("secret");
      },
      block: () => Promise.reject(new Error("secret")),
      rollup: () => Promise.reject(new Error("secret")),
      transaction: () => new Promise(() => {}),
    },
    limits: { requestTimeoutMs: 100 },
  });
  for (const path of [PATHS.finality, PATHS.block, `${PATHS.events}?rollupId=${rollupId}`]) {
    const response = await fetch(`${url}${path}`);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code: "internal" });
    expect(text).not.toContain("secret");
  }
  expect(failures).toMatchObject([{ part: "finality" }, { part: "block" }, { part: "framework" }]);
  expect(await readCode(`${url}${PATHS.transaction}`)).toEqual([503, "unavailable"]);
});

test("the same failure is logged once a second at most", async () => {
  const { url, failures } = await startTestServer({
    parts: { finality: () => Promise.reject(new Error("disk full")) },
  });
  for (let i = 0; i < 20; i++) await readCode(`${url}${PATHS.finality}`);
  expect(failures.length).toBeLessThanOrEqual(2);
});

test("no text in the place of any part makes the server fail", async () => {
  const { url, failures } = await startTestServer();
  const text = fc.oneof(fc.string(), fc.webPath(), fc.constantFrom("..", "%", "%00", "0x", "-1"));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ROUTE_IDS), text, fc.boolean(), async (id, part, raw) => {
      const value = raw ? part : encodeURIComponent(part);
      const path = ROUTES[id].path.replace(/\{\w+\}/g, () => value);
      const address = id === "events" ? `${path}?topics=x${value}` : `${path}?${value}`;
      const response = await fetch(new URL(address, url));
      await response.arrayBuffer();
      expect(response.status).toBeLessThan(500);
    }),
    { numRuns: 300 },
  );
  expect(failures).toEqual([]);
});

test("any ids of the right form get an answer of the route's own", async () => {
  const { client, failures } = await startTestServer();
  const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const id = fc.oneof(uint64, fc.constant(rollupId));
  const hash = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}` as const);
  const ids = fc.record({ rollupId: id, number: uint64, hash, epoch: uint64 });
  await fc.assert(
    fc.asyncProperty(ids, async ({ rollupId, number, hash, epoch }) => {
      const results = [
        await client.get("finality", { rollupId }),
        await client.get("block", { rollupId, block: number }),
        await client.get("block", { rollupId, block: hash }),
        await client.get("transaction", { rollupId, transactionHash: hash }),
        await client.get("certificate", { rollupId, blockNumber: number }),
        await client.get("certificates", { rollupId, from: number, limit: 100 }),
        await client.get("certificateById", { certificateId: hash }),
        await client.get("operatorSet", { epoch }),
        await client.get("setUpdate", { epoch }),
        await client.get("evidence", { from: number }),
      ];
      const codes = results.map((each) => (each.ok ? "ok" : each.code));
      for (const code of codes) {
        expect([
          "ok",
          "unknown-rollup",
          "unknown-certificate",
          "unknown-epoch",
          "not-yet",
        ]).toContain(code);
      }
    }),
    { numRuns: 50 },
  );
  expect(failures).toEqual([]);
});

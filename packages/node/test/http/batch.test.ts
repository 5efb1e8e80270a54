import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { certifiedBlock, fixture, rollupId } from "./memory-view.ts";
import {
  BASE,
  OTHER_HASH,
  PATHS,
  readCode,
  startTestServer,
  TRANSACTION_HASH,
} from "./test-server.ts";

const { certificate } = fixture;
const { blockNumber } = certificate.claim;

function post(url: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(`${url}/v1/batch`, { method: "POST", body: text, ...init });
}

interface Item {
  readonly status: number;
  readonly body: { readonly code?: string };
}

async function readItems(response: Response): Promise<readonly Item[]> {
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  return ((await response.json()) as { data: readonly Item[] }).data;
}

describe("a batch", () => {
  test("answers each request as it alone would be answered, in order", async () => {
    const { url } = await startTestServer();
    const requests = [
      PATHS.network,
      PATHS.finality,
      `${PATHS.finality}?minWeightBps=10000`,
      `${PATHS.finality}?minBlockNumber=${blockNumber + 1n}`,
      PATHS.block,
      PATHS.transaction,
      PATHS.certificate,
      `${PATHS.certificateById}?format=json`,
      `/v1/certificates/${OTHER_HASH}`,
      `${BASE}/certificates?limit=0`,
      `${BASE}/certificates?from=1&from=2`,
      `${BASE}/blocks/%34%32`,
      "/v1/rollups/7",
      "/v1/evidence?limit=2",
      "/v1/nothing",
    ];
    const items = await readItems(await post(url, { requests }));
    for (const [index, address] of requests.entries()) {
      const alone = await fetch(`${url}${address}`);
      expect([address, items[index]]).toEqual([
        address,
        { status: alone.status, body: await alone.json() },
      ]);
    }
    expect(items).toHaveLength(requests.length);
  });

  test("takes no waiting, no other formats and no streams", async () => {
    const { url } = await startTestServer();
    const requests = [
      `${PATHS.block}?wait=1`,
      `${PATHS.certificate}?format=compact`,
      `${PATHS.certificate}?format=calldata`,
      "/v1/events",
      "/v1/batch",
      "/docs",
      "/openapi.json",
      "//[",
      `${BASE}/blocks/%ff`,
    ];
    const items = await readItems(await post(url, { requests }));
    expect(items.map(({ status, body }) => [status, body.code])).toEqual([
      [400, "malformed"],
      [400, "malformed"],
      [400, "malformed"],
      [404, "not-found"],
      [404, "not-found"],
      [404, "not-found"],
      [404, "not-found"],
      [400, "malformed"],
      [400, "malformed"],
    ]);
  });

  test("fails at none of its requests for the sake of another", async () => {
    const { url, failures } = await startTestServer({
      parts: {
        block: () => Promise.reject(new Error("secret")),
        rollup: () => new Promise(() => {}),
        finality: () => {
          throw new Error("secret");
        },
      },
      limits: { requestTimeoutMs: 100 },
    });
    const response = await post(url, {
      requests: [PATHS.block, PATHS.rollup, PATHS.finality, PATHS.network],
    });
    const items = await readItems(response);
    expect(items.map(({ status, body }) => [status, body.code])).toEqual([
      [500, "internal"],
      [503, "unavailable"],
      [500, "internal"],
      [200, undefined],
    ]);
    expect(JSON.stringify(items)).not.toContain("secret");
    const parts = failures.map((each) => (each as { part: string }).part);
    expect(parts.toSorted()).toEqual(["block", "finality"]);
  });

  test("has few of its requests under way at once, and is bounded in bytes", async () => {
    let underWay = 0;
    let most = 0;
    const { url } = await startTestServer({
      parts: {
        transaction: async (_, transactionHash) => {
          underWay += 1;
          most = Math.max(most, underWay);
          await new Promise((resolve) => setImmediate(resolve));
          underWay -= 1;
          const value = {
            ...certifiedBlock,
            transactionHash,
            proof: null,
            proofGap: null,
          } as const;
          return { ok: true, value };
        },
      },
      limits: { maxBatchBytes: 10_000 },
    });
    const requests = Array.from({ length: 32 }, () => `${BASE}/transactions/${TRANSACTION_HASH}`);
    const items = await readItems(await post(url, { requests }));
    expect(most).toBeLessThanOrEqual(4);
    expect(items[0]?.status).toBe(200);
    expect(items.at(-1)).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(items).toHaveLength(32);
  });
});

describe("what is no batch", () => {
  test.each([
    ["no JSON", "{"],
    ["nothing", ""],
    ["a list", "[]"],
    ["no request", { requests: [] }],
    ["too many", { requests: Array.from({ length: 33 }, () => "/v1/network") }],
    ["no text", { requests: [1] }],
    ["another host's address", { requests: ["http://192.0.2.1/v1/network"] }],
    ["an address with a space", { requests: ["/v1/net work"] }],
    ["an address that is too long", { requests: [`/${"x".repeat(512)}`] }],
    ["a field too many", { requests: ["/v1/network"], x: 1 }],
    ["a prototype", '{"requests":["/v1/network"],"__proto__":{}}'],
  ])("%s is malformed", async (_, body) => {
    const { url } = await startTestServer();
    const response = await post(url, body);
    expect([response.status, ((await response.json()) as Item["body"]).code]).toEqual([
      400,
      "malformed",
    ]);
  });

  test("no body, a body of any other type, and a query", async () => {
    const { url, failures } = await startTestServer();
    expect(await readCode(`${url}/v1/batch`, { method: "POST" })).toEqual([400, "malformed"]);
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    expect(await readCode(`${url}/v1/batch`, { method: "POST", headers, body: "--x" })).toEqual([
      400,
      "malformed",
    ]);
    const body = JSON.stringify({ requests: ["/v1/network"] });
    expect(await readCode(`${url}/v1/batch?x=1`, { method: "POST", body })).toEqual([
      400,
      "malformed",
    ]);
    expect(failures).toEqual([]);
  });

  test("a body that is too large is refused unread, also without its length", async () => {
    const { url, port } = await startTestServer();
    const response = await post(url, "x".repeat(100_000));
    expect([response.status, ((await response.json()) as Item["body"]).code]).toEqual([
      413,
      "body-too-large",
    ]);
    const status = await new Promise((resolve, reject) => {
      const sent = request(
        { port, host: "127.0.0.1", path: "/v1/batch", method: "POST" },
        (got) => {
          got.resume();
          resolve(got.statusCode);
        },
      );
      sent.on("error", reject);
      sent.write("x".repeat(30_000));
    });
    expect(status).toBe(413);
  });

  test("other methods, and a preflight", async () => {
    const { url } = await startTestServer();
    for (const method of ["GET", "PUT", "DELETE"]) {
      const response = await fetch(`${url}/v1/batch`, { method });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
    }
    const preflight = await fetch(`${url}/v1/batch`, { method: "OPTIONS" });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-methods")).toBe("POST, OPTIONS");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("content-type");
  });
});

test("the typed client reads several routes by one request", async () => {
  const { client } = await startTestServer();
  const { certificateId } = certificate;
  const [head, own, none] = await client.batch([
    { id: "finality", input: { rollupId } },
    { id: "certificateById", input: { certificateId } },
    { id: "certificate", input: { rollupId, blockNumber: 1n } },
  ]);
  expect(head).toEqual(await client.get("finality", { rollupId }));
  expect(own).toEqual(await client.get("certificateById", { certificateId }));
  expect(none).toMatchObject({ ok: false, code: "not-yet" });
});

import { describe, expect, test } from "vitest";
import { api } from "../../src/config/api.ts";
import { metrics } from "../../src/config/metrics.ts";
import { serverOptions } from "../../src/http/configured-server.ts";
import type { HttpLimits } from "../../src/http/limits.ts";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import { readEvents } from "./event-reader.ts";
import { certifiedBlock, finality } from "./memory-view.ts";
import { connectRaw, countStatus, drip, type RawReader, requestText } from "./raw-reader.ts";
import { BASE, PATHS, readCode, startTestServer, type TestServer } from "./test-server.ts";

const IS_LONG = process.env["MACH_LONG"] === "1";
const PATIENT = { timeout: 25_000, interval: 20 };

/** A server with the settings of a node whose configuration says `api: {}`, and these. */
async function startNodeServer(
  options: Parameters<typeof startTestServer>[0] & { readonly limits?: Partial<HttpLimits> } = {},
): Promise<TestServer> {
  const { limits } = serverOptions(api.parse({}), []);
  // A busy machine is not this test's matter.
  const quiet = { maxLoopDelayMs: 60_000 };
  return await startTestServer({ ...options, limits: { ...limits, ...quiet, ...options.limits } });
}

const as = (client: string) => ({ headers: { "x-forwarded-for": client } });
const BEHIND_PROXY = ["127.0.0.1"];

function note(figure: string): void {
  process.stdout.write(`readers without manners: ${figure}\n`);
}

function depthOf({ queues }: HttpServer, name: string): number {
  return queues().find(({ queue }) => queue === name)?.depth ?? Number.NaN;
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil((values.length - 1) * share)] ?? Number.NaN;
}

describe("who takes its time to ask", () => {
  const post = (length: number) =>
    `POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`;
  const MANNERS: Readonly<Record<string, readonly [sent: string, dripped: string]>> = {
    "says nothing": ["", ""],
    "says half a line": ["GET /v1/net", ""],
    "says half the headers": ["GET /v1/network HTTP/1.1\r\nhost: x\r\nx-slow: ", ""],
    "drips headers": ["GET /v1/network HTTP/1.1\r\nx-slow: ", "x"],
    "stalls its body": [`${post(500)}{"requests":[`, ""],
    "drips its body": [`${post(500)}{"requests":[`, " "],
    "drips a body that nobody reads": [
      "GET /v1/network HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n",
      "x",
    ],
    "asks once and stays": [requestText("/v1/network"), ""],
  };

  test("is closed within ten seconds, and who has asked before within half a minute", async () => {
    const limits = IS_LONG ? {} : { arrivalTimeoutMs: 800, keepAliveMs: 800 };
    const { port, url } = await startNodeServer({ limits });
    const seconds = await Promise.all(
      Object.entries(MANNERS).map(async ([manner, [sent, dripped]]) => {
        const reader = connectRaw(port, sent);
        if (dripped !== "") drip(reader, dripped, 100);
        const took = await reader.closed;
        const status = /^HTTP\/1\.1 (\d+)/.exec(reader.text())?.[1] ?? "none";
        note(`who ${manner} was closed after ${took.toFixed(1)} s, told ${status}`);
        return [manner, took] as const;
      }),
    );
    expect(await readCode(`${url}/v1/network`)).toEqual([200, undefined]);
    if (!IS_LONG) return;
    for (const [manner, took] of seconds) {
      expect(took, manner).toBeLessThan(manner === "asks once and stays" ? 40 : 10);
    }
  }, 60_000);
});

describe("who takes its time to read", () => {
  const headers = Array<`0x${string}`>(256).fill(`0x${"5a".repeat(32_768)}`);
  /** An answer of 16 MB, far more than what the kernel holds for a reader that takes nothing. */
  const value = { ...certifiedBlock, headers };
  const parts = { block: () => ({ ok: true, value }) as const };

  /** The same, and how often it was asked for: who was answered is connected. */
  function countAsked() {
    const told = { asked: 0 };
    const block: typeof parts.block = () => {
      told.asked += 1;
      return parts.block();
    };
    return { told, parts: { block } };
  }
  const asking = requestText(PATHS.block);

  /** Takes a little now and then. */
  function sip({ socket }: RawReader, everyMs: number): void {
    socket.pause();
    const timer = setInterval(() => socket.read(64), everyMs);
    socket.on("close", () => clearInterval(timer));
  }

  test("is dropped whether it takes nothing or sips, and who keeps on reading is not", async () => {
    // Long enough that no other bound ends them.
    const limits = IS_LONG ? {} : { requestTimeoutMs: 2_000, arrivalTimeoutMs: 60_000 };
    const { told, parts } = countAsked();
    const { port, server } = await startNodeServer({ parts, limits });
    const startedAt = performance.now();
    const steady = connectRaw(port, asking);
    // At some MB in a second, for as long as the others may take for 64 KiB.
    steady.socket.on("data", () => {
      steady.socket.pause();
      setTimeout(() => steady.socket.resume(), 5);
    });
    const [stuck, sipping] = [connectRaw(port, asking), connectRaw(port, asking)];
    stuck.socket.pause();
    sip(sipping, 50);
    await expect.poll(() => told.asked, PATIENT).toBe(3);
    // Who does not read does not see that it was dropped.
    await expect.poll(() => depthOf(server, "connections"), PATIENT).toBe(1);
    const seconds = (performance.now() - startedAt) / 1_000;
    note(`who read nothing and who sipped were dropped after ${seconds.toFixed(1)} s`);
    await expect.poll(() => steady.text().length, PATIENT).toBeGreaterThan(256 * 65_536);
    expect(steady.isClosed()).toBe(false);
    if (IS_LONG) expect(seconds).toBeLessThan(15);
  }, 60_000);

  test("gets no large answer for as long as it has not taken the one before", async () => {
    const { port } = await startNodeServer({ parts });
    const reader = connectRaw(port, asking.repeat(4));
    await expect.poll(() => countStatus(reader.text(), 429), PATIENT).toBe(3);
    expect(countStatus(reader.text(), 200)).toBe(1);
  });

  test("takes no more memory with all others than is allowed, and who lags most goes", async () => {
    const limits = { requestTimeoutMs: 60_000, maxUnreadBytes: 33_554_432 };
    const { told, parts } = countAsked();
    const { port, server } = await startNodeServer({ parts, limits });
    const count = IS_LONG ? 32 : 4;
    const readers = Array.from({ length: count }, () => connectRaw(port, asking));
    for (const { socket } of readers) socket.pause();
    await expect.poll(() => told.asked, PATIENT).toBe(count);
    await expect.poll(() => depthOf(server, "connections"), PATIENT).toBeLessThan(count);
    const unread = depthOf(server, "unread-bytes");
    const left = depthOf(server, "connections");
    note(`of ${count} that read nothing ${left} were left, with ${unread} bytes unread`);
    expect(unread).toBeLessThanOrEqual(limits.maxUnreadBytes);
    expect(left).toBeGreaterThan(0);
  }, 60_000);
});

describe("who asks for too much", () => {
  test("is told when to come back, and others are answered", async () => {
    const limits = { maxRequestsPerSecond: 1 };
    const { url } = await startNodeServer({ limits, trustedProxies: BEHIND_PROXY });
    const ask = (client: string, path = PATHS.finality) => fetch(`${url}${path}`, as(client));
    for (let i = 0; i < 5; i++) expect((await ask("192.0.2.1")).status).toBe(200);
    // A slow machine may have paid one off meanwhile.
    let refused = await ask("192.0.2.1");
    while (refused.status === 200) refused = await ask("192.0.2.1");
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ code: "too-many-requests" });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(refused.headers.get("access-control-allow-origin")).toBe("*");
    expect((await ask("192.0.2.2")).status).toBe(200);
    const rpc = await fetch(`${url}/rpc/901`, { method: "POST", body: "{}", ...as("192.0.2.1") });
    expect([rpc.status, (await rpc.json()) as unknown]).toEqual([
      429,
      { jsonrpc: "2.0", id: null, error: expect.objectContaining({ code: -32005 }) },
    ]);
  });

  test("has one rate for a network of IPv6, and none of a header that nobody vouches for", async () => {
    const limits = { maxRequestsPerSecond: 1 };
    const trusting = await startNodeServer({ limits, trustedProxies: BEHIND_PROXY });
    const plain = await startNodeServer({ limits });
    for (const [{ url }, client] of [
      [trusting, (i: number) => `2001:db8:1:2:${i}::${i}`],
      [plain, (i: number) => `192.0.2.${i}`],
    ] as const) {
      let refusedAt = 0;
      for (let i = 1; refusedAt === 0 && i < 250; i++) {
        const { status } = await fetch(`${url}${PATHS.network}`, as(client(i)));
        if (status === 429) refusedAt = i;
      }
      expect(refusedAt).toBeGreaterThan(5);
    }
    const other = await fetch(`${trusting.url}${PATHS.network}`, as("2001:db8:1:3::1"));
    expect(other.status).toBe(200);
  });

  test("pays for each read of a batch, and for a transaction what it costs others", async () => {
    const limits = { maxRequestsPerSecond: 8 };
    const { url } = await startNodeServer({ limits, trustedProxies: BEHIND_PROXY });
    const requests = Array(32).fill(PATHS.network);
    const post = { method: "POST", body: JSON.stringify({ requests }) };
    const codes: number[] = [];
    for (let i = 0; i < 3; i++) {
      codes.push((await fetch(`${url}/v1/batch`, { ...post, ...as("192.0.2.1") })).status);
    }
    expect([codes[0], codes.at(-1)]).toEqual([200, 429]);
    let asked = 0;
    while ((await fetch(`${url}${PATHS.transaction}`, as("192.0.2.2"))).status === 200) asked += 1;
    expect(asked).toBeLessThan(20);
    const lookups = JSON.stringify({ requests: Array(32).fill(PATHS.transaction) });
    await fetch(`${url}/v1/batch`, { method: "POST", body: lookups, ...as("192.0.2.3") });
    expect((await fetch(`${url}${PATHS.network}`, as("192.0.2.3"))).status).toBe(429);
  });

  test("in one packet is answered as often as its rate allows, and hung up on", async () => {
    const count = IS_LONG ? 200_000 : 2_000;
    const { port, url } = await startNodeServer({ limits: { maxRequestsPerSecond: 20 } });
    const reader = connectRaw(port, requestText(PATHS.certificateById).repeat(count));
    await reader.closed;
    // What was on its way when the connection was cut is lost with it.
    const answered = countStatus(reader.text(), 200);
    note(`of ${count} requests in one packet ${answered} answers came, and then the end`);
    expect(answered).toBeLessThan(count / 2);
    await expect.poll(async () => (await readCode(`${url}/v1/network`))[0], PATIENT).toBe(200);
  });

  test("with large heads, addresses or bodies is refused", async () => {
    const { url } = await startNodeServer();
    expect(await readCode(`${url}/v1/network`, { headers: { x: "x".repeat(9_000) } })).toEqual([
      431,
      "headers-too-large",
    ]);
    expect(await readCode(`${url}/v1/network?${"x".repeat(2_100)}`)).toEqual([414, "uri-too-long"]);
    const body = "x".repeat(100_000);
    expect(await readCode(`${url}/v1/batch`, { method: "POST", body })).toEqual([
      413,
      "body-too-large",
    ]);
  });
});

describe("many at once", () => {
  /** Asks so many times, one after the other; the milliseconds that each took. */
  async function readAll(url: string, count: number): Promise<readonly number[]> {
    const took: number[] = [];
    for (let i = 0; i < count; i++) {
      const startedAt = performance.now();
      const response = await fetch(`${url}${PATHS.finality}`, as("198.51.100.1"));
      await response.text();
      took.push(performance.now() - startedAt);
      expect(response.status).toBe(200);
    }
    return took;
  }

  test("more connections of one address than it may have are closed, a proxy's are not", async () => {
    const limits = { maxConnectionsPerAddress: 3 };
    const plain = await startNodeServer({ limits });
    const held = [1, 2, 3].map(() => connectRaw(plain.port, requestText(PATHS.network)));
    for (const each of held)
      await expect.poll(() => countStatus(each.text(), 200), PATIENT).toBe(1);
    const fourth = connectRaw(plain.port, requestText(PATHS.network));
    await fourth.closed;
    expect(fourth.text()).toBe("");
    held[0]?.socket.destroy();
    const isServed = async (): Promise<boolean> => {
      const reader = connectRaw(plain.port, requestText(PATHS.network, { connection: "close" }));
      await reader.closed;
      return countStatus(reader.text(), 200) === 1;
    };
    await expect.poll(isServed, PATIENT).toBe(true);
    const trusting = await startNodeServer({ limits, trustedProxies: BEHIND_PROXY });
    const many = Array.from({ length: 6 }, () => connectRaw(trusting.port, requestText("/docs")));
    for (const each of many)
      await expect.poll(() => countStatus(each.text(), 200), PATIENT).toBe(1);
  });

  test("idle readers of events do not keep an honest reader waiting", async () => {
    const count = IS_LONG ? 1_000 : 50;
    const reads = IS_LONG ? 1_000 : 50;
    const limits = IS_LONG ? { maxRequestsPerSecond: 1_000_000 } : {};
    const server = await startNodeServer({ limits, trustedProxies: BEHIND_PROXY });
    const alone = quantile(await readAll(server.url, reads), 0.99);
    const streams = Array.from({ length: count }, (_, i) => {
      const client = { "x-forwarded-for": `192.0.${2 + (i >> 8)}.${i & 255}` };
      return connectRaw(server.port, requestText("/v1/events", client));
    });
    const isGreeted = (each: RawReader): boolean => each.text().includes("retry:");
    await expect.poll(() => streams.filter(isGreeted).length, PATIENT).toBe(count);
    const event = {
      topic: "finality",
      rollupId: finality.rollupId,
      answer: { data: finality },
    } as const;
    const teller = setInterval(() => server.view.tell(event), 1_000);
    const took = await readAll(server.url, reads);
    clearInterval(teller);
    const [p50, p99] = [quantile(took, 0.5), quantile(took, 0.99)];
    const beside = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
    note(`beside ${count} readers of events: ${beside}; p99 alone ${alone.toFixed(1)} ms`);
    expect(streams.filter((each) => each.isClosed())).toEqual([]);
    // Where other work keeps the machine, reads are slow without the readers of events, too.
    if (IS_LONG) expect(p99).toBeLessThan(Math.max(100, 3 * alone));
  }, 120_000);

  test("no address reads more streams than its share", async () => {
    const { url } = await startNodeServer({ trustedProxies: BEHIND_PROXY });
    for (let i = 0; i < 64; i++) await readEvents(`${url}/v1/events`, as("192.0.2.1"));
    expect(await readCode(`${url}/v1/events`, as("192.0.2.1"))).toEqual([429, "too-many-streams"]);
    expect((await readEvents(`${url}/v1/events`, as("192.0.2.2"))).response.statusCode).toBe(200);
  });
});

test("while the event loop is late readers are turned away, health is told, and it ends", async () => {
  const { url } = await startNodeServer({ limits: { maxLoopDelayMs: 50 } });
  // The node's own work, of which there is too much.
  let isBusy = true;
  function work(): void {
    const until = performance.now() + 200;
    while (performance.now() < until);
    if (isBusy) setTimeout(work, 1);
  }
  work();
  let refused = await fetch(`${url}${PATHS.certificateById}`);
  while (refused.status === 200) refused = await fetch(`${url}${PATHS.certificateById}`);
  const health = await fetch(`${url}${PATHS.health}`);
  isBusy = false;
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: "unavailable" });
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(health.status).toBe(200);
  await expect.poll(async () => (await fetch(`${url}${BASE}`)).status, PATIENT).toBe(200);
});

test("without a word in the configuration, nothing but the loopback is listened on", async () => {
  expect([api.parse({}).host, metrics.parse({}).host]).toEqual(["127.0.0.1", "127.0.0.1"]);
  const options = serverOptions(api.parse({ port: 0 }), []);
  const { view } = await startNodeServer();
  const server = createHttpServer({ view, now: () => 0, logger: { error() {} } }, options);
  const started = await server.start();
  expect(started).toMatchObject({ ok: true, url: expect.stringContaining("//127.0.0.1:") });
  await server.stop();
});

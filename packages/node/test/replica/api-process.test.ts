import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createHttpServer } from "../../src/http/server.ts";
import { certify, claimAt, DOMAIN, ROLLUP_ID, useVerifier } from "../engine/engine-node.ts";
import { temporaryPath } from "../signer/test-folders.ts";
import {
  findPostgres,
  type PostgresCluster,
  sayWithoutPostgres,
  startPostgres,
} from "../store/postgres-cluster.ts";
import { createPublishingNode, type PublishingNode } from "./publishing-node.ts";

const MACH = new URL("../../dist/cli.js", import.meta.url).pathname;
const OUTAGE_MS = process.env["MACH_LONG"] === "1" ? 10_000 : 4_000;
const STALE_MS = 3_000;
const SOON = { timeout: 20_000, interval: 20 };
const verifier = useVerifier();

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly cache: string | null;
  readonly text: string;
}

async function ask(url: string, path: string): Promise<Answer> {
  const response = await fetch(`${url}${path}`);
  const text = await response.text();
  const { headers, status } = response;
  return { status, etag: headers.get("etag"), cache: headers.get("cache-control"), text };
}

/** Runs `mach api` as a process of its own; its URL. */
async function startApiProcess(database: string): Promise<string> {
  const file = join(await temporaryPath(), "api.json");
  const config = {
    dataDir: "data",
    database,
    network: { chainId: 31_337, registry: DOMAIN.verifyingContract },
    l1: { rpcUrls: ["http://127.0.0.1:1"] },
    rollups: [{ rollupId: `${ROLLUP_ID}`, rpcUrls: ["http://127.0.0.1:1"] }],
    api: { port: 0, maxStaleMs: STALE_MS },
  };
  await writeFile(file, JSON.stringify(config));
  const args = [MACH, "api", "--no-env", "--config", file];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  await expect.poll(() => stderr, { timeout: 60_000 }).toContain("API started");
  const started = stderr.split("\n").find((line) => line.includes("API started")) ?? "{}";
  return (JSON.parse(started) as { readonly api: string }).api;
}

interface HeardEvent {
  readonly id: string;
  readonly topic: string;
  readonly data: string;
  readonly atMs: number;
}

/** Reads the events of a process from now on, or from an id on. */
async function hear(url: string, lastEventId?: string): Promise<readonly HeardEvent[]> {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const { signal } = controller;
  const open = (): Promise<Response> =>
    fetch(`${url}/v1/events?topics=certificate`, { headers, signal });
  let response = await open();
  // A machine under load may be stale for a moment.
  while (response.status === 503) {
    await response.body?.cancel();
    await sleep(50);
    response = await open();
  }
  expect(response.status).toBe(200);
  const heard: HeardEvent[] = [];
  const read = async (): Promise<void> => {
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const frame = text.slice(0, end);
        text = text.slice(end + 2);
        const [, id, topic, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(frame) ?? [];
        if (id === undefined || topic === undefined || data === undefined) continue;
        heard.push({ id, topic, data, atMs: performance.now() });
      }
    }
  };
  // Ends with the test that reads it.
  read().catch(() => undefined);
  return heard;
}

/** The node's own HTTP server, over the same view. */
async function serveNode(publishing: PublishingNode): Promise<string> {
  const logger = pino({ level: "silent" });
  const server = createHttpServer(
    { view: publishing.view, logger, now: () => 0 },
    { host: "127.0.0.1", port: 0, software: "0.1.0" },
  );
  const started = await server.start();
  if (!started.ok) throw new Error(started.message);
  onTestFinished(() => server.stop());
  return started.url;
}

const certificateOf = (number: bigint): ReturnType<typeof certify> =>
  certify(claimAt(number), [0, 1, 2, 3]);
const finality = `/v1/rollups/${ROLLUP_ID}/finality`;

async function fastFinal(url: string): Promise<unknown> {
  const { status, text } = await ask(url, finality);
  if (status !== 200) return (JSON.parse(text) as { readonly code: string }).code;
  const { data } = JSON.parse(text) as { data: { fastFinal: { blockNumber: string } | null } };
  return data.fastFinal?.blockNumber ?? null;
}

const programs = findPostgres();
if (programs === null) sayWithoutPostgres("several API processes on one database");

describe.runIf(programs !== null)("two API processes on one database", () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(programs ?? "");
  }, 60_000);
  afterAll(() => cluster?.stop());

  it("tell the same, at once, and nothing old as new when the database is gone", async () => {
    const database = await cluster.createMigrated("network", DOMAIN);
    const apis = await Promise.all([startApiProcess(database), startApiProcess(database)]);
    for (const url of apis) expect(await fastFinal(url)).toBe("stale");

    const publishing = await createPublishingNode(database, verifier());
    await publishing.certify(5n);
    await publishing.certify(4n, [1, 2, 3]);
    publishing.start();
    for (const url of apis) await expect.poll(() => fastFinal(url), SOON).toBe("5");

    const own = await serveNode(publishing);
    const { certificateId, claim } = certificateOf(5n);
    const paths = [
      "/v1/network",
      "/v1/rollups",
      `/v1/rollups/${ROLLUP_ID}`,
      finality,
      ...["3", "5", "7", "11", claim.blockHash].map(
        (key) => `/v1/rollups/${ROLLUP_ID}/blocks/${key}`,
      ),
      `/v1/rollups/${ROLLUP_ID}/certificates`,
      `/v1/rollups/${ROLLUP_ID}/certificates?from=5&limit=1`,
      `/v1/rollups/${ROLLUP_ID}/certificates/4`,
      `/v1/certificates/${certificateId}`,
      "/v1/epochs/0",
      "/v1/epochs/1/update",
      "/v1/operators",
      "/v1/evidence",
      "/v1/alerts",
      "/v1/node/health",
    ];
    for (const path of paths) {
      const compare = async (): Promise<unknown> => {
        const answers = await Promise.all([...apis, own].map((url) => ask(url, path)));
        const isAlike = new Set(answers.map((each) => JSON.stringify(each))).size === 1;
        return isAlike ? path : answers;
      };
      // A machine under load may let a second go by between two answers.
      await expect.poll(compare, SOON).toBe(path);
    }

    const [heardByFirst, heardBySecond] = await Promise.all(apis.map((url) => hear(url)));
    const storedAtMs = new Promise<number>((resolve) => {
      publishing.events.subscribe(() => resolve(performance.now()));
    });
    await publishing.certify(6n);
    await expect.poll(() => [heardByFirst?.length, heardBySecond?.length], SOON).toEqual([1, 1]);
    const since = await storedAtMs;
    const delays = [heardByFirst, heardBySecond].map((heard) => (heard?.[0]?.atMs ?? 0) - since);
    process.stderr.write(
      `an event reached both processes' readers ${delays.map((ms) => ms.toFixed(1)).join(" and ")} ms after its store\n`,
    );
    expect(Math.max(...delays)).toBeLessThan(5_000);
    expect(heardByFirst?.[0]).toMatchObject({ id: heardBySecond?.[0]?.id, topic: "certificate" });
    expect(heardByFirst?.[0]?.data).toBe(heardBySecond?.[0]?.data);

    await cluster.kill();
    for (const number of [7n, 8n, 9n]) await publishing.certify(number);
    const goneAtMs = performance.now();
    for (const url of apis) await expect.poll(() => fastFinal(url), SOON).toBe("stale");
    expect(await ask(apis[0] ?? "", `/v1/certificates/${certificateId}`)).toMatchObject({
      status: 200,
    });
    expect(await ask(apis[0] ?? "", "/v1/events")).toMatchObject({ status: 503 });
    await sleep(Math.max(0, OUTAGE_MS - (performance.now() - goneAtMs)));
    for (const url of apis) expect(await fastFinal(url)).toBe("stale");

    await cluster.start();
    for (const url of apis) await expect.poll(() => fastFinal(url), SOON).toBe("9");
    await expect.poll(() => [heardByFirst?.length, heardBySecond?.length], SOON).toEqual([4, 4]);
    expect(heardByFirst?.map(({ id, data }) => [id, data])).toEqual(
      heardBySecond?.map(({ id, data }) => [id, data]),
    );
    // What one process told last is where the other goes on.
    const resumed = await hear(apis[1] ?? "", heardByFirst?.[1]?.id);
    await expect
      .poll(() => resumed.map(({ id }) => id), SOON)
      .toEqual(heardByFirst?.slice(2).map(({ id }) => id));
    for (const number of [4n, 5n, 6n, 7n, 8n, 9n]) {
      const path = `/v1/rollups/${ROLLUP_ID}/certificates/${number}`;
      const compare = async (): Promise<unknown> => {
        const answers = await Promise.all([...apis, own].map((url) => ask(url, path)));
        return [...new Set(answers.map(({ status, text }) => `${status} ${text}`))];
      };
      await expect.poll(compare, SOON).toEqual([expect.stringMatching(/^200 /)]);
    }
    await expect.poll(() => publishing.journal.size(), SOON).toBe(0);
  }, 240_000);
});

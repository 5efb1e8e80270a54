import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { type BenchContext, withContext } from "../scripts/bench/bench-context.ts";
import { collectLatencies } from "../scripts/bench/certificate.ts";
import { startChild } from "../scripts/bench/child.ts";
import { benchCrypto } from "../scripts/bench/crypto.ts";
import { benchExecution } from "../scripts/bench/execution.ts";
import { benchGossip } from "../scripts/bench/gossip.ts";
import { benchHttp } from "../scripts/bench/http.ts";
import type { HttpServers } from "../scripts/bench/http-servers.ts";
import { type Row, type RowHead, toRow } from "../scripts/bench/row.ts";
import { benchScale } from "../scripts/bench/scale.ts";
import { benchStore } from "../scripts/bench/store.ts";
import { formatTable } from "../scripts/bench/table.ts";
import { main } from "../scripts/bench.ts";

const ONCE = { warmUp: 0, rounds: 1 };
/** Children begin with a loader: on a busy machine that takes seconds. */
const TIMEOUT_MS = 120_000;

function run<T>(bench: (context: BenchContext) => Promise<T>): Promise<T> {
  const signal = new AbortController().signal;
  return withContext({ signal, progress: () => undefined }, bench);
}

function expectMeasured(rows: readonly Row[], group: Row["group"], count: number): void {
  expect(rows).toHaveLength(count);
  for (const row of rows) {
    expect(row.group).toBe(group);
    const { median, least, most } = row.bound;
    expect([row.figure.median, median, row.ratio].every(Number.isFinite)).toBe(true);
    expect(least).toBeGreaterThan(0);
    expect(least <= median && median <= most).toBe(true);
  }
}

it("the checks of signatures are measured", { timeout: TIMEOUT_MS }, async () => {
  const rows = await run((context) => benchCrypto(context, { ...ONCE, perRound: 1 }));
  expectMeasured(rows, "crypto", 9);
});

it("the record before a signature is measured", { timeout: TIMEOUT_MS }, async () => {
  const rows = await run((context) => benchStore(context, { ...ONCE, signatures: 3 }));
  expectMeasured(rows, "store", 2);
});

it("re-execution from a witness is measured", { timeout: TIMEOUT_MS }, async () => {
  const rows = await run((context) => benchExecution(context, { ...ONCE, transactions: 3 }));
  expectMeasured(rows, "execution", 7);
});

it("gossip between processes is measured", { timeout: TIMEOUT_MS }, async () => {
  const rows = await run((context) => benchGossip(context, { ...ONCE, ticks: 2 }));
  expectMeasured(rows, "gossip", 2);
});

it("what a node does for a larger network is measured", { timeout: TIMEOUT_MS }, async () => {
  const sizes = [
    { operators: 4, rollups: 1 },
    { operators: 7, rollups: 1 },
  ] as const;
  const times = { seconds: 1, spreadMs: 10, hour: 3, day: 6, sampleEvery: 2, settled: 3 };
  const rows = await run((context) => benchScale(context, { ...ONCE, ...times, sizes }));
  expectMeasured(rows, "scale", 9);
  // Each height has its certificate: no message was refused.
  expect(rows.map(({ note }) => note).filter((note) => note?.includes("not taken"))).toEqual([]);
});

it("answers and events over HTTP are measured", { timeout: TIMEOUT_MS }, async () => {
  const counts = { ...ONCE, requests: 200, eventClients: 5, events: 3 };
  expectMeasured(await run((context) => benchHttp(context, counts)), "http", 4);
});

it("a certificate counts once every operator has told of it, at their median", async () => {
  const nodes = await Promise.all([startStream(), startStream(), startStream(), startStream()]);
  const urls = nodes.map((node) => node.url);
  const told = await run(async (context) => {
    const latencies = await collectLatencies(context, urls);
    const next = latencies.next(2, 10_000);
    for (const [index, node] of nodes.entries()) {
      node.tell({ blockNumber: "7", latencyMs: [10, 40, 12, 14][index] ?? null });
      // Told again with the certificate's improvement, and of heads without a certificate.
      node.tell({ blockNumber: "7", latencyMs: 99 });
      node.tell(null);
      if (index > 0) node.tell({ blockNumber: "8", latencyMs: 20 });
    }
    nodes[0]?.tell({ blockNumber: "8", latencyMs: 20 });
    return { latencies: await next, incomplete: latencies.incomplete() };
  });
  expect(told).toEqual({ latencies: [13, 20], incomplete: 0 });
});

it("a benchmark that is stopped leaves no process and no folder behind", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let folder = "";
  let waiting: Promise<unknown> = Promise.resolve();
  const stopped = withContext({ signal, progress: () => undefined }, async (context) => {
    folder = context.makeFolder();
    const child = await startChild<HttpServers>(context, "http-servers");
    await child.call("cpuMicros", undefined);
    // Nobody ever connects: it waits until it is ended.
    waiting = child.call("awaitSockets", { count: 1 }).catch((error: unknown) => error);
    controller.abort(new Error("stopped"));
    await new Promise(() => undefined);
  });
  await expect(stopped).rejects.toThrow("stopped");
  expect(await waiting).toEqual(new Error("http-servers ended"));
  expect(existsSync(folder)).toBe(false);
});

const HEAD: RowHead = {
  group: "http",
  name: "answers",
  unit: "/s",
  boundIs: "node:http",
  goal: { of: "ratio", atLeast: 0.8 },
};

it("a row is judged by the ratios of its rounds", () => {
  const pairs = [
    { figure: 50, bound: 100 },
    { figure: 90, bound: 100 },
    { figure: 170, bound: 200 },
  ];
  expect(toRow(HEAD, pairs)).toMatchObject({
    figure: { median: 90, least: 50, most: 170 },
    bound: { median: 100, least: 100, most: 200 },
    ratio: 0.85,
    isMet: true,
  });
  expect(toRow({ ...HEAD, goal: { of: "ratio", atMost: 0.8 } }, pairs).isMet).toBe(false);
  expect(toRow({ ...HEAD, goal: { of: "figure", atMost: 90 } }, pairs).isMet).toBe(true);
  expect(toRow({ ...HEAD, goal: { of: "nothing" } }, pairs).isMet).toBeNull();
});

it("the table shows each figure beside its bound and its goal", () => {
  const row = toRow({ ...HEAD, note: "of one core" }, [{ figure: 41_234, bound: 60_000 }]);
  expect(formatTable([row])).toMatchInlineSnapshot(`
    "         figure                 bound                  ratio  goal              the bound
    answers  41.2k/s (41.2k-41.2k)  60.0k/s (60.0k-60.0k)  0.69x  >= 0.8x  NOT MET  node:http

      answers: of one core"
  `);
});

it("a group or flag that there is not is wrong usage", async () => {
  expect(await main(["nonsense"])).toBe(2);
  expect(await main(["crypto", "--fast"])).toBe(2);
});

interface Told {
  readonly blockNumber: string;
  readonly latencyMs: number | null;
}

/** An event stream that tells what it is told to. */
async function startStream(): Promise<{ url: string; tell: (told: Told | null) => void }> {
  let write = (_frame: string): void => undefined;
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("retry: 2000\n\n");
    write = (frame) => void response.write(frame);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tell(told) {
      const claim = { rollupId: "901", blockNumber: told?.blockNumber };
      const certificate = told && { claim };
      const data = { certificate, latencyMs: told?.latencyMs ?? null };
      write(`id: 1\nevent: finality\ndata: ${JSON.stringify({ data })}\n\n`);
    },
  };
}

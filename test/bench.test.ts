import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createConnection, createServer as createTcpServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "@mach/core";
import { expect, it, onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { type BenchContext, withContext } from "../scripts/bench/bench-context.ts";
import { watchCertificates } from "../scripts/bench/certificate-times.ts";
import { drawChart } from "../scripts/bench/chart.ts";
import { startChild } from "../scripts/bench/child.ts";
import { benchCrypto } from "../scripts/bench/crypto.ts";
import { createDelayProxies } from "../scripts/bench/delay-proxy.ts";
import { benchExecution } from "../scripts/bench/execution.ts";
import { benchGossip } from "../scripts/bench/gossip.ts";
import { benchHttp } from "../scripts/bench/http.ts";
import type { HttpServers } from "../scripts/bench/http-servers.ts";
import { benchPeers } from "../scripts/bench/peers.ts";
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
  const rows = await run((context) =>
    benchCrypto(context, { ...ONCE, perRound: 1, batches: [1, 4] }),
  );
  expectMeasured(rows, "crypto", 7);
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
  const rows = await run((context) => benchGossip(context, { ...ONCE, ticks: 2, nodes: [2] }));
  expectMeasured(rows, "gossip", 4);
});

it("the older way is measured beside a node", { timeout: TIMEOUT_MS }, async () => {
  const counts = { ...ONCE, certificates: 2, operators: [4], processes: 1 };
  expectMeasured(await run((context) => benchPeers(context, counts)), "peers", 2);
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
  expectMeasured(await run((context) => benchHttp(context, counts)), "http", 5);
});

it("a certificate counts once every operator has told of it, at their median", async () => {
  const addresses: readonly Hex[] = ["0xa1", "0xa2", "0xa3"];
  const streams = await Promise.all(addresses.map(() => startStream()));
  const chain = await startHeads();
  const operators = addresses.map((address, index) => {
    return { apiUrl: streams[index]?.url ?? "", registered: { address } };
  });
  const told = await run(async (context) => {
    const rollups = [{ rollupId: 901n, wsUrl: chain.url }];
    const watch = await watchCertificates(context, { operators, rollups });
    const next = watch.next(2, 20_000);
    await chain.subscribed;
    chain.tell(["0x7", "0x8"]);
    for (const [index, stream] of streams.entries()) {
      const operator = addresses[index] ?? "0x";
      // Another's attestation is not this operator's.
      for (const each of addresses) stream.attest({ blockNumber: "7", operator: each });
      stream.certify({ blockNumber: "7", latencyMs: [10, 40, 12][index] ?? null, ageMs: 3 });
      // Told again with the certificate's improvement, and of heads without a certificate.
      stream.certify({ blockNumber: "7", latencyMs: 99, ageMs: 0 });
      stream.certify(null);
      stream.attest({ blockNumber: "8", operator });
      stream.certify({ blockNumber: "8", latencyMs: 20, ageMs: 1 });
    }
    return { times: await next, incomplete: watch.incomplete() };
  });
  expect(told.times.map(({ threshold, stored }) => [threshold, stored])).toEqual([
    [12, 15],
    [20, 21],
  ]);
  for (const { attested, pushed } of told.times) expect(attested >= 0 && pushed >= 0).toBe(true);
  expect(told.incomplete).toBe(0);
});

it("a proxy holds bytes for as long as it is told to, and keeps their order", async () => {
  const echo = createTcpServer((socket) => socket.pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const proxies = createDelayProxies();
  onTestFinished(() => {
    proxies.close();
    echo.close();
  });
  const port = await proxies.stand((echo.address() as AddressInfo).port);
  const socket = createConnection({ port, host: "127.0.0.1" });
  onTestFinished(() => void socket.destroy());
  let heard = "";
  socket.setEncoding("utf8").on("data", (text) => {
    heard += text;
  });
  proxies.setDelay(60);
  const startedAt = performance.now();
  socket.write("slow,");
  await expect.poll(() => heard, { timeout: 10_000 }).toBe("slow,");
  // There and back.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(118);
  socket.write("first,");
  await sleep(5);
  proxies.setDelay(0);
  socket.write("second");
  await expect.poll(() => heard, { timeout: 10_000 }).toBe("slow,first,second");
});

it("a chart shows each distribution with its quantiles, in the colours of the reader", () => {
  const series = [
    { label: "stored <here>", values: Array.from({ length: 101 }, (_, index) => index + 1) },
    { label: "nothing", values: [] },
  ];
  const svg = drawChart({ name: "one", title: "Block & certificate", series });
  expect(svg).toContain("stored &lt;here>: p50 51.0, p90 91.0, p99 100");
  expect(svg).toContain("Block &amp; certificate");
  expect(svg).toContain("prefers-color-scheme:dark");
  expect(svg.match(/<polyline/g)).toHaveLength(1);
  expect(svg).not.toContain("NaN");
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
  readonly ageMs: number;
}

interface Stream {
  readonly url: string;
  certify(told: Told | null): void;
  attest(told: { readonly blockNumber: string; readonly operator: Hex }): void;
}

/** An event stream that tells what it is told to. */
async function startStream(): Promise<Stream> {
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
  const tell = (event: string, data: object): void => {
    write(`id: 1\nevent: ${event}\ndata: ${JSON.stringify({ data })}\n\n`);
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certify(told) {
      const claim = { rollupId: "901", blockNumber: told?.blockNumber };
      const certificate = told && { claim };
      const agesMs = { certificate: told?.ageMs ?? null };
      tell("finality", { certificate, latencyMs: told?.latencyMs ?? null, agesMs });
    },
    attest({ blockNumber, operator }) {
      tell("attestation", { claim: { rollupId: "901", blockNumber }, operator });
    },
  };
}

/** A chain that tells of heads once it was asked to. */
async function startHeads(): Promise<{
  readonly url: string;
  readonly subscribed: Promise<void>;
  tell(numbers: readonly string[]): void;
}> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const subscription = "0x1";
  const subscribed = once(server, "connection").then(async ([connected]) => {
    const socket = connected as WebSocket;
    const [asked] = (await once(socket, "message")) as [Buffer];
    const { id } = JSON.parse(asked.toString("utf8")) as { readonly id: number };
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: subscription }));
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    subscribed,
    tell(numbers) {
      for (const number of numbers) {
        const params = { subscription, result: { number } };
        const method = "eth_subscription";
        const text = JSON.stringify({ jsonrpc: "2.0", method, params });
        for (const client of server.clients) client.send(text);
      }
    },
  };
}

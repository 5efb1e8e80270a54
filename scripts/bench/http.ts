import type { BenchContext } from "./bench-context.ts";
import { type BenchChild, startChild } from "./child.ts";
import type { HttpClients } from "./http-clients.ts";
import type { HttpServers, ServedPaths } from "./http-servers.ts";
import { type RoundCounts, runRounds } from "./rounds.ts";
import { median, type Pair, type Row, toRow } from "./row.ts";
import { formatNumber } from "./table.ts";

export interface HttpCounts extends RoundCounts {
  readonly requests: number;
  readonly eventClients: number;
  readonly events: number;
}

export const HTTP_COUNTS = {
  full: { warmUp: 2, rounds: 7, requests: 40_000, eventClients: 1_000, events: 20 },
  quick: { warmUp: 1, rounds: 3, requests: 10_000, eventClients: 200, events: 20 },
} as const;

const CONNECTIONS = 64;
const DEPTH = 4;
const PAUSE_MS = 40;
const DELIVERY_MS = 30_000;
const CERTIFICATE_TOPIC = "/v1/events?topics=certificate";

const HEADS = {
  certificate: { name: "certificate by id over HTTP", goal: { of: "ratio", atLeast: 0.8 } },
  finality: { name: "finality over HTTP, built in each turn", goal: { of: "ratio", atLeast: 0.6 } },
  block: { name: "block over HTTP, built in each turn", goal: { of: "ratio", atLeast: 0.6 } },
  blocks: { name: "blocks over HTTP, each of them another", goal: { of: "nothing" } },
} as const;

interface Servers {
  readonly server: BenchChild<HttpServers>;
  readonly clients: BenchChild<HttpClients>;
  readonly apiPort: number;
  readonly barePort: number;
  readonly rawPort: number;
}

/**
 * What a second of the server's CPU time answers, beside node:http with the same bodies, and what
 * an event costs for each reader, beside a write to a bare socket. The clients are another process.
 */
export async function benchHttp(
  context: BenchContext,
  counts: HttpCounts,
): Promise<readonly Row[]> {
  context.progress("starting the servers");
  const [server, clients] = await Promise.all([
    startChild<HttpServers>(context, "http-servers"),
    startChild<HttpClients>(context, "http-clients"),
  ]);
  const started = await server.call("start", {
    // Readers of the round before may still be leaving.
    maxEventClients: 2 * counts.eventClients + 1,
  });
  const servers = { server, clients, ...started };
  const rows: Row[] = [];
  for (const each of started.served) rows.push(await benchPaths(context, counts, servers, each));
  rows.push(await benchEvents(context, counts, servers));
  return rows;
}

async function benchPaths(
  context: BenchContext,
  counts: HttpCounts,
  servers: Servers,
  { name, paths }: ServedPaths,
): Promise<Row> {
  const head = HEADS[name];
  context.progress(head.name);
  const walls: number[] = [];
  const perCpuSecond = async (port: number): Promise<Answered> => {
    const { server, clients } = servers;
    const { requests } = counts;
    const before = await server.call("cpuMicros", undefined);
    const load = { port, paths, requests, connections: CONNECTIONS, depth: DEPTH };
    const { seconds } = await clients.call("load", load);
    const used = (await server.call("cpuMicros", undefined)) - before;
    return { perCpuSecond: (requests * 1e6) / used, perSecond: requests / seconds };
  };
  const pairs = await runRounds<Pair>(context, counts, async () => {
    const api = await perCpuSecond(servers.apiPort);
    const bare = await perCpuSecond(servers.barePort);
    walls.push(api.perSecond);
    return { figure: api.perCpuSecond, bound: bare.perCpuSecond };
  });
  const note = `${formatNumber(median(walls))}/s by the clock, clients on the same cores`;
  return toRow(
    { group: "http", unit: "/s", boundIs: "node:http, same body", ...head, note },
    pairs,
  );
}

interface Answered {
  readonly perCpuSecond: number;
  readonly perSecond: number;
}

async function benchEvents(
  context: BenchContext,
  counts: HttpCounts,
  servers: Servers,
): Promise<Row> {
  const { eventClients: count, events } = counts;
  const name = `server-sent events, ${count} clients`;
  context.progress(name);
  const { server, clients, apiPort, rawPort } = servers;
  const burst = { events, pauseMs: PAUSE_MS };

  async function cpuPerClient(
    to: { readonly port: number; readonly path: string | null },
    method: "publish" | "write",
  ): Promise<number> {
    await clients.call("openReaders", { ...to, count });
    if (to.path === null) await server.call("awaitSockets", { count });
    const before = await server.call("cpuMicros", undefined);
    await server.call(method, burst);
    // The event stream greets its readers with a frame of its own.
    const frames = to.path === null ? events : events + 1;
    await clients.call("awaitFrames", { frames, timeoutMs: DELIVERY_MS });
    const used = (await server.call("cpuMicros", undefined)) - before;
    await clients.call("closeReaders", undefined);
    return used / events / count;
  }

  const pairs = await runRounds<Pair>(context, counts, async () => ({
    figure: await cpuPerClient({ port: apiPort, path: CERTIFICATE_TOPIC }, "publish"),
    bound: await cpuPerClient({ port: rawPort, path: null }, "write"),
  }));
  const goal = { of: "ratio", atMost: 1.4 } as const;
  const boundIs = "write to a raw socket";
  return toRow({ group: "http", name, unit: "µs", boundIs, goal }, pairs);
}

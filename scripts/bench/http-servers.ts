import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { certificateRule, type NodeEvent } from "@mach/api";
import { toCertificate } from "@mach/core";
import { UNREAD_STATUS } from "../../packages/node/src/engine/settled-claims-follower.ts";
import { createEventHistory } from "../../packages/node/src/http/event-history.ts";
import { createHttpServer } from "../../packages/node/src/http/server.ts";
import { createEngineView } from "../../packages/node/src/view/engine-view.ts";
import { createEventHub, type EventHub } from "../../packages/node/src/view/events.ts";
import { cpuMicros } from "./rounds.ts";
import { createServedNetwork, type ServedNetwork } from "./served-network.ts";

/** Paths that the node's server answers, asked for in turns. */
export interface ServedPaths {
  readonly name: "certificate" | "finality" | "block" | "blocks";
  readonly paths: readonly string[];
}

/** The node's server and the bare ones beside it, in one process. */
export type HttpServers = {
  start(options: { readonly maxEventClients: number }): Promise<{
    readonly apiPort: number;
    /** node:http, which answers the same paths with the same bytes. */
    readonly barePort: number;
    /** TCP: whoever connects is sent what `write` writes. */
    readonly rawPort: number;
    readonly served: readonly ServedPaths[];
  }>;
  /** Tells the readers of the node's event stream of certificates. */
  publish(options: Burst): Promise<void>;
  /** Writes the bytes of such an event to every raw socket. */
  write(options: Burst): Promise<void>;
  /** Waits until exactly so many raw sockets are open. */
  awaitSockets(options: { readonly count: number }): Promise<void>;
  cpuMicros(): number;
};

interface Burst {
  readonly events: number;
  readonly pauseMs: number;
}

interface Parts {
  readonly hub: EventHub;
  readonly event: NodeEvent;
  /** The bytes of the event as the stream has them. */
  readonly frame: Buffer;
  readonly sockets: Set<Socket>;
}

const UNBOUNDED = 1_000_000_000;
/** As many as are asked for at once, so that in no turn of the event loop two are the same. */
const OTHER_BLOCKS = 256;

/** The role of a child process. */
export function createRole(): HttpServers {
  let parts: Parts | null = null;

  async function burst({ events, pauseMs }: Burst, send: (all: Parts) => void): Promise<void> {
    if (parts === null) throw new Error("not started");
    for (let i = 0; i < events; i++) {
      send(parts);
      await sleep(pauseMs);
    }
  }

  return {
    async start({ maxEventClients }) {
      const network = await createServedNetwork();
      const hub = createEventHub();
      const apiPort = await serve(network, hub, maxEventClients);
      const served = pathsOf(network);
      const bare = await createBareServer(
        served.flatMap(({ paths }) => paths),
        apiPort,
      );
      const sockets = new Set<Socket>();
      const raw = createTcpServer((socket) => {
        sockets.add(socket.setNoDelay(true));
        socket.on("close", () => sockets.delete(socket));
        socket.on("error", () => undefined);
      });
      const event = eventOf(network);
      const { frame } = createEventHistory({ eventHistory: 1 }).add(event);
      parts = { hub, event, frame, sockets };
      return { apiPort, barePort: await listen(bare), rawPort: await listen(raw), served };
    },
    publish: (options) => burst(options, ({ hub, event }) => hub.publish(event)),
    write: (options) =>
      burst(options, ({ sockets, frame }) => {
        for (const socket of sockets) socket.write(frame);
      }),
    async awaitSockets({ count }) {
      while (parts?.sockets.size !== count) await sleep(5);
    },
    cpuMicros,
  };
}

async function serve(
  network: ServedNetwork,
  events: EventHub,
  maxEventClients: number,
): Promise<number> {
  const { bls, state, store } = network;
  const unknown = async (): Promise<null> => null;
  const view = createEngineView({
    state: () => state,
    store,
    bls,
    events,
    transactions: {
      ...{ blockOf: unknown, block: unknown, headersBetween: unknown },
      prove: async () => ({ ok: false, code: "unavailable" }),
    },
    abstention: () => null,
    sources: () => ({ agree: 1, sources: [], settlement: UNREAD_STATUS }),
    health: () => {
      throw new Error("not served here");
    },
    now: () => Date.now(),
  });
  const logger = { error: () => undefined };
  const server = createHttpServer(
    { view, logger, now: () => performance.now() },
    {
      host: "127.0.0.1",
      port: 0,
      software: "bench",
      // All come from one address, and as fast as they can; no heartbeat falls into a round.
      limits: {
        maxRequestsPerSecond: UNBOUNDED,
        maxConnectionsPerAddress: UNBOUNDED,
        maxLoopDelayMs: UNBOUNDED,
        maxEventClients,
        maxEventClientsPerAddress: maxEventClients,
        heartbeatMs: 3_600_000,
      },
    },
  );
  const started = await server.start();
  if (!started.ok) throw new Error(started.message);
  return started.port;
}

function pathsOf({ rollupId, newest }: ServedNetwork): readonly ServedPaths[] {
  const rollup = `/v1/rollups/${rollupId}`;
  const { blockNumber } = newest.claim;
  const blocks = Array.from({ length: OTHER_BLOCKS }, (_, i) => blockNumber - BigInt(i));
  return [
    { name: "certificate", paths: [`/v1/certificates/${newest.certificateId}`] },
    { name: "finality", paths: [`${rollup}/finality`] },
    { name: "block", paths: [`${rollup}/blocks/${blockNumber}`] },
    { name: "blocks", paths: blocks.map((number) => `${rollup}/blocks/${number}`) },
  ];
}

/** node:http and nothing else, with the bodies that the node's server gave. */
async function createBareServer(paths: readonly string[], apiPort: number): Promise<Server> {
  const bodies = new Map<string, Buffer>();
  for (const path of paths) {
    const response = await fetch(`http://127.0.0.1:${apiPort}${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    bodies.set(path, Buffer.from(await response.arrayBuffer()));
  }
  return createServer((request, response) => {
    const body = bodies.get(request.url ?? "");
    if (body === undefined) return response.writeHead(404).end();
    const headers = { "content-type": "application/json", "content-length": body.length };
    return response.writeHead(200, headers).end(body);
  });
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function eventOf({ rollupId, newest }: ServedNetwork): NodeEvent {
  const answer = { data: toCertificate(newest), rule: certificateRule(newest) };
  return { topic: "certificate", rollupId, answer };
}

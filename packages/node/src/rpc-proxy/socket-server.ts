import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { fault, faultAnswer, responseText } from "./errors.ts";
import type { HeadFeed } from "./head-feed.ts";
import type { RollupRpc, RollupRpcOptions } from "./rollup-rpc.ts";
import { createSubscriptions } from "./subscriptions.ts";
import type { UpstreamFeeds } from "./upstream-feeds.ts";

/** The WebSockets of one rollup. */
export interface SocketServer {
  accept(
    request: IncomingMessage,
    at: { readonly socket: Duplex; readonly head: Buffer; readonly tags: ReadonlySet<string> },
  ): void;
  clientCount(): number;
  stop(): void;
}

type Limits = Pick<
  RollupRpcOptions,
  "maxRequestBytes" | "maxResponseBytes" | "maxSockets" | "maxSubscriptions"
>;

/** Messages of one connection that are answered at once. */
const MAX_OPEN_MESSAGES = 16;
const HEARTBEAT_MS = 15_000;
/** RFC 6455, section 7.4.1, and the registry of its codes: going away, try again later. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

/** Answers and pushes over WebSocket, to readers that keep up. */
export function createSocketServer(
  dependencies: {
    readonly rpc: RollupRpc;
    readonly heads: HeadFeed;
    readonly feeds: UpstreamFeeds;
  },
  limits: Limits,
): SocketServer {
  const { heads, feeds } = dependencies;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.maxRequestBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const clients = new Map<WebSocket, { isAlive: boolean }>();
  const heartbeat = setInterval(() => {
    for (const [client, state] of clients) {
      if (!state.isAlive) client.terminate();
      state.isAlive = false;
      client.ping();
    }
  }, HEARTBEAT_MS);
  heartbeat.unref();

  return {
    accept(request, { socket, head, tags }) {
      if (clients.size >= limits.maxSockets) {
        refuseUpgrade(socket, "503 Service Unavailable");
        return;
      }
      server.handleUpgrade(request, socket, head, (client) => {
        const state = { isAlive: true };
        clients.set(client, state);
        client.on("pong", () => {
          state.isAlive = true;
        });
        serve(client, { ...dependencies, tags }, limits);
        client.on("close", () => clients.delete(client));
      });
    },
    clientCount: () => clients.size,
    stop() {
      clearInterval(heartbeat);
      heads.stop();
      const all = [...clients.keys()];
      for (const client of all) client.close(GOING_AWAY);
      feeds.stop();
      // Who does not say goodbye at once is not waited for.
      setImmediate(() => {
        for (const client of all) client.terminate();
      });
    },
  };
}

/** Answers a request for a WebSocket with a status, and closes its connection. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => {
    socket.destroy();
  });
}

function serve(
  client: WebSocket,
  context: {
    readonly rpc: RollupRpc;
    readonly heads: HeadFeed;
    readonly feeds: UpstreamFeeds;
    readonly tags: ReadonlySet<string>;
  },
  limits: Limits,
): void {
  const { rpc, heads, feeds, tags } = context;
  let open = 0;

  function send(text: string): void {
    if (client.readyState !== client.OPEN) return;
    // What is not sent yet takes memory: a reader that lags by more than an answer is dropped.
    if (client.bufferedAmount > limits.maxResponseBytes) client.terminate();
    else client.send(text);
  }

  const subscriptions = createSubscriptions(
    {
      pool: rpc.pool,
      heads,
      feeds,
      tags,
      push: send,
      // A gap that nobody tells of would look like silence: the connection ends, as its node's did.
      onLost: () => client.close(TRY_AGAIN_LATER, "the upstream was lost"),
      onFallen: () => client.close(TRY_AGAIN_LATER, "what was told is contradicted"),
    },
    limits,
  );

  async function answer(text: string): Promise<void> {
    open += 1;
    const result = await rpc.answer(text, { tags, subscriptions });
    open -= 1;
    if (result.text === null) return;
    send(result.text);
    subscriptions.activate(result.text);
  }

  client.on("message", (data, isBinary) => {
    // JSON is text; and what is not UTF-8 the library has refused.
    if (isBinary) client.close(1003);
    else if (open >= MAX_OPEN_MESSAGES) send(responseText("null", faultAnswer(fault("busy"))));
    else void answer(data.toString());
  });
  client.on("close", () => subscriptions.close());
  // The close event follows and does the work.
  client.on("error", () => {});
}

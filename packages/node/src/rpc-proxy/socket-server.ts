import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { createAddressCounts } from "../http/address-counts.ts";
import type { Admission } from "../http/admission.ts";
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
> & { readonly maxSocketsPerAddress: number };

/** Messages of one connection that are answered at once. */
const MAX_OPEN_MESSAGES = 16;
const HEARTBEAT_MS = 15_000;
/** Well below the heartbeat: who is paused cannot be heard to be alive. */
const MAX_PAUSE_MS = 5_000;
/** RFC 6455, section 7.4.1, and the registry of its codes: going away, try again later. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

/** Answers and pushes over WebSocket, to readers that keep up. */
export function createSocketServer(
  dependencies: {
    readonly rpc: RollupRpc;
    readonly heads: HeadFeed;
    readonly feeds: UpstreamFeeds;
    readonly admission: Admission;
  },
  limits: Limits,
): SocketServer {
  const { heads, feeds, admission } = dependencies;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.maxRequestBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const clients = new Map<WebSocket, { isAlive: boolean }>();
  const perAddress = createAddressCounts(limits.maxSocketsPerAddress);
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
      const address = admission.addressOf(request);
      if (clients.size >= limits.maxSockets) {
        refuseUpgrade(socket, "503 Service Unavailable");
        return;
      }
      if (!perAddress.hasRoom(address)) {
        refuseUpgrade(socket, "429 Too Many Requests");
        return;
      }
      server.handleUpgrade(request, socket, head, (client) => {
        const state = { isAlive: true };
        clients.set(client, state);
        perAddress.add(address);
        client.on("pong", () => {
          state.isAlive = true;
        });
        serve(client, { ...dependencies, tags, address }, limits);
        client.on("close", () => {
          clients.delete(client);
          perAddress.remove(address);
        });
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
  // Who is turned away for a while comes back: 503 and 429 (RFC 9110 and 6585).
  const head = `HTTP/1.1 ${status}\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0`;
  socket.end(`${head}\r\n\r\n`, () => {
    socket.destroy();
  });
}

function serve(
  client: WebSocket,
  context: {
    readonly rpc: RollupRpc;
    readonly heads: HeadFeed;
    readonly feeds: UpstreamFeeds;
    readonly admission: Admission;
    readonly tags: ReadonlySet<string>;
    readonly address: string;
  },
  limits: Limits,
): void {
  const { rpc, heads, feeds, admission, tags, address } = context;
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
    const result = await rpc.answer(text, { tags, subscriptions, address });
    open -= 1;
    if (result.text === null) return;
    send(result.text);
    subscriptions.activate(result.text);
  }

  /** Who asks for too much is read more slowly: nothing that was asked for is lost. */
  function slowDown(): void {
    const waitMs = admission.charge(address, 1);
    if (waitMs === 0 || client.isPaused) return;
    client.pause();
    rest(waitMs, performance.now() + MAX_PAUSE_MS);
  }

  /** What was read with the message that was too much counts, too. */
  function rest(waitMs: number, untilMs: number): void {
    const atMost = Math.max(0, untilMs - performance.now());
    setTimeout(
      () => {
        const leftMs = admission.charge(address, 0);
        if (leftMs > 0 && performance.now() < untilMs) rest(leftMs, untilMs);
        else client.resume();
      },
      Math.min(waitMs, atMost),
    ).unref();
  }

  client.on("message", (data, isBinary) => {
    slowDown();
    // JSON is text; and what is not UTF-8 the library has refused.
    if (isBinary) client.close(1003);
    else if (open >= MAX_OPEN_MESSAGES) send(responseText("null", faultAnswer(fault("busy"))));
    else void answer(data.toString());
  });
  client.on("close", () => subscriptions.close());
  // The close event follows and does the work.
  client.on("error", () => {});
}

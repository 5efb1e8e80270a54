import "../../packages/node/src/polyfill.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { createBootRedial, toTarget } from "../../packages/node/src/gossip/boot-nodes.ts";
import { resolveLimits } from "../../packages/node/src/gossip/limits.ts";
import { createNode, type GossipLibp2p } from "../../packages/node/src/gossip/node.ts";
import { loadPeerKey } from "../../packages/node/src/gossip/peer-key.ts";
import { networkNames } from "../../packages/node/src/gossip/topics.ts";
import { DOMAIN } from "./gossip-node.ts";
import { cpuMicros } from "./rounds.ts";
import { median } from "./row.ts";

/** A libp2p node with the transport of the gossip: bare streams on it, and bare gossipsub. */
export type StreamNode = {
  start(options: { readonly folder: string }): Promise<{ readonly addresses: readonly string[] }>;
  /** Opens the stream that what follows is sent on. */
  dial(options: { readonly address: string }): Promise<void>;
  send(options: {
    readonly messages: number;
    readonly bytes: number;
    readonly pauseMs: number;
    readonly perPause: number;
  }): Promise<void>;
  /** The median of there and back, halved, in milliseconds. */
  hop(options: { readonly times: number; readonly bytes: number }): Promise<number>;
  /** Joins gossipsub with nothing of this project above it, and dials. */
  join(options: { readonly addresses: readonly string[] }): Promise<void>;
  /** Others that have joined. */
  subscribers(): number;
  publish(options: {
    readonly messages: number;
    readonly bytes: number;
    readonly pauseMs: number;
    readonly perPause: number;
  }): Promise<void>;
  /** Messages of others that gossipsub has delivered. */
  delivered(): number;
  receivedBytes(): number;
  cpuMicros(): number;
};

const SINK = "/mach/bench/sink/1";
const ECHO = "/mach/bench/echo/1";

const TOPIC = networkNames(DOMAIN).attestations;
const CONNECT_MS = 60_000;

type Connection = ReturnType<GossipLibp2p["getConnections"]>[number];
type Stream = Awaited<ReturnType<Connection["newStream"]>>;

/** The role of a child process. */
export function createRole(): StreamNode {
  let libp2p: GossipLibp2p | null = null;
  let sink: Stream | null = null;
  let echo: Stream | null = null;
  let received = 0;
  let delivered = 0;
  let published = 0;

  return {
    async start({ folder }) {
      const { privateKey } = await loadPeerKey(folder);
      libp2p = await createNode({
        privateKey,
        host: "127.0.0.1",
        port: 0,
        announce: [],
        names: networkNames(DOMAIN),
        limits: resolveLimits(undefined),
        isOperator: () => false,
        isBanned: () => false,
        isKnownOperator: () => false,
        door: { admit: () => true, isBanned: () => false },
        now: Date.now,
        onTrouble: () => undefined,
      });
      await libp2p.handle(SINK, (stream) => {
        stream.addEventListener("message", (event) => {
          received += event.data.byteLength;
        });
      });
      await libp2p.handle(ECHO, (stream) => {
        stream.addEventListener("message", (event) => void stream.send(event.data));
      });
      await libp2p.start();
      return { addresses: libp2p.getMultiaddrs().map(String) };
    },
    async dial({ address }) {
      const connection = await connect(libp2p, address);
      sink = await connection.newStream(SINK);
      echo = await connection.newStream(ECHO);
    },
    async send({ messages, bytes, pauseMs, perPause }) {
      if (sink === null) throw new Error("no stream");
      for (let sent = 0; sent < messages; sent++) {
        const message = new Uint8Array(bytes).fill(sent);
        if (!sink.send(message)) await sink.onDrain();
        if (sent % perPause === perPause - 1) await sleep(pauseMs);
      }
    },
    async hop({ times, bytes }) {
      if (echo === null) throw new Error("no stream");
      const halves: number[] = [];
      for (let i = 0; i < times; i++) {
        const startedAt = performance.now();
        await roundTrip(echo, new Uint8Array(bytes).fill(i));
        halves.push((performance.now() - startedAt) / 2);
      }
      return median(halves);
    },
    async join({ addresses }) {
      const pubsub = pubsubOf(libp2p);
      pubsub.addEventListener("message", () => {
        delivered += 1;
      });
      pubsub.subscribe(TOPIC);
      for (const address of addresses) await connect(libp2p, address);
    },
    subscribers: () => pubsubOf(libp2p).getSubscribers(TOPIC).length,
    async publish({ messages, bytes, pauseMs, perPause }) {
      const pubsub = pubsubOf(libp2p);
      for (let sent = 1; sent <= messages; sent++) {
        published += 1;
        // No two are equal: equal messages would be one.
        const message = Buffer.alloc(bytes, process.pid % 251);
        message.writeUInt32BE(process.pid);
        message.writeUInt32BE(published, 4);
        await pubsub.publish(TOPIC, message);
        if (sent % perPause === 0) await sleep(pauseMs);
      }
    },
    delivered: () => delivered,
    receivedBytes: () => received,
    cpuMicros,
  };
}

function pubsubOf(libp2p: GossipLibp2p | null): GossipLibp2p["services"]["pubsub"] {
  if (libp2p === null) throw new Error("not started");
  return libp2p.services.pubsub;
}

/** Dials as the gossip does. */
async function connect(libp2p: GossipLibp2p | null, address: string): Promise<Connection> {
  if (libp2p === null) throw new Error("not started");
  const id = address.split("/p2p/").at(-1);
  const options = { minMs: 50, maxMs: 500, onFailed: () => undefined };
  const redial = createBootRedial(libp2p, [toTarget(address)], options);
  redial.start();
  try {
    const deadline = performance.now() + CONNECT_MS;
    while (performance.now() < deadline) {
      const connection = libp2p.getConnections().find(({ remotePeer }) => `${remotePeer}` === id);
      if (connection !== undefined) return connection;
      await sleep(10);
    }
  } finally {
    redial.stop();
  }
  throw new Error(`no connection to ${address}`);
}

/** Sends and waits until as many bytes have come back. */
function roundTrip(stream: Stream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    let missing = bytes.length;
    const onMessage = (event: Event & { data: { readonly byteLength: number } }): void => {
      missing -= event.data.byteLength;
      if (missing > 0) return;
      stream.removeEventListener("message", onMessage);
      resolve();
    };
    stream.addEventListener("message", onMessage);
    stream.send(bytes);
  });
}

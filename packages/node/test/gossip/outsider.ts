import "../../src/polyfill.ts";
import { type Identify, identify } from "@libp2p/identify";
import type { Connection, Libp2p } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import type { Domain } from "@mach/core";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { type Hello, type HelloResult, sayHello } from "../../src/gossip/hello.ts";
import { type NetworkNames, networkNames } from "../../src/gossip/topics.ts";
import { muxerOf } from "./yamux-frames.ts";

/** The protocol of gossipsub that a node speaks first. */
export const MESHSUB = "/meshsub/1.2.0";

/** A peer with a fresh identity and no gossip of its own: it opens streams and sends bytes. */
export interface Outsider {
  readonly libp2p: Libp2p<{ identify: Identify }>;
  readonly names: NetworkNames;
  readonly peerId: string;
  /** Connects, one connection more each time. */
  connect(address: string): Promise<Connection>;
  /** Connects, and says this hello. */
  greet(address: string, hello?: Partial<Hello>): Promise<HelloResult>;
  /** Answers none of the streams that the other side opens on a connection from now on. */
  stall(connection: Connection): void;
  stop(): Promise<void>;
}

export interface OutsiderOptions {
  readonly domain: Domain;
  /** The address that it comes from: all of 127.0.0.0/8 is this machine. */
  readonly from?: string;
}

/** Takes a few milliseconds, so that a hundred of them are affordable. */
export async function startOutsider({ domain, from }: OutsiderOptions): Promise<Outsider> {
  const names = networkNames(domain);
  const dialOpts = { noDelay: true, ...(from !== undefined && { localAddress: from }) };
  const libp2p = await createLibp2p({
    transports: [tcp({ dialOpts })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { reconnectRetries: 0 },
    services: { identify: identify({ protocolPrefix: "mach" }) },
  });
  const connect = (address: string): Promise<Connection> =>
    libp2p.dial(multiaddr(address), { force: true });
  return {
    libp2p,
    names,
    peerId: libp2p.peerId.toString(),
    connect,
    async greet(address, hello = {}): Promise<HelloResult> {
      return sayHello(await connect(address), {
        protocol: names.hello,
        timeoutMs: 10_000,
        own: () => ({ networkId: names.networkId, binding: null, ...hello }),
      });
    },
    stall(connection): void {
      if (!("onIncomingStream" in connection)) throw new Error("libp2p names it otherwise");
      muxerOf(connection).removeEventListener("stream", connection.onIncomingStream);
    },
    stop: async () => {
      await libp2p.stop();
    },
  };
}

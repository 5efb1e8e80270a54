import "../../src/polyfill.ts";
import { type GossipSub, type GossipsubOpts, gossipsub, StrictNoSign } from "@libp2p/gossipsub";
import { type Identify, identify } from "@libp2p/identify";
import type { Connection, Libp2p } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import type { Domain } from "@mach/core";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { type Hello, type HelloResult, sayHello } from "../../src/gossip/hello.ts";
import { messageId, type NetworkNames, networkNames } from "../../src/gossip/topics.ts";
import { DOMAIN, until } from "./network.ts";

/** A peer that is none of this project's nodes: it says and does what a test tells it to. */
export interface RawPeer {
  readonly libp2p: Libp2p<{ identify: Identify; pubsub: GossipSub }>;
  readonly names: NetworkNames;
  readonly peerId: string;
  /** Connects, and says this hello. */
  greet(address: string, hello?: Partial<Hello>): Promise<HelloResult>;
  connect(address: string): Promise<Connection>;
  /** Publishes bytes on a topic, once the other side is known to listen there. */
  publish(topic: string, data: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

export async function startRawPeer(
  options: Partial<GossipsubOpts> = {},
  domain: Domain = DOMAIN,
): Promise<RawPeer> {
  const names = networkNames(domain);
  const libp2p = await createLibp2p({
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify({ protocolPrefix: "mach" }),
      pubsub: gossipsub({
        globalSignaturePolicy: StrictNoSign,
        msgIdFn: (message) => messageId(message.topic, message.data),
        ...options,
      }),
    },
  });
  const { pubsub } = libp2p.services;
  const connect = (address: string): Promise<Connection> => libp2p.dial(multiaddr(address));
  return {
    libp2p,
    names,
    peerId: libp2p.peerId.toString(),
    connect,
    async greet(address, hello = {}): Promise<HelloResult> {
      return sayHello(await connect(address), {
        protocol: names.hello,
        timeoutMs: 2_000,
        own: () => ({ networkId: names.networkId, binding: null, ...hello }),
      });
    },
    async publish(topic, data): Promise<void> {
      await until(() => pubsub.getSubscribers(topic).length > 0);
      // A subscription may be known before there is a stream to publish on, and what was published on
      // none is taken for a duplicate ever after.
      await until(() => hasStream(pubsub));
      const { recipients } = await pubsub.publish(topic, data);
      if (recipients.length === 0) throw new Error(`nobody took what was published on ${topic}`);
    },
    stop: async () => {
      await libp2p.stop();
    },
  };
}

function hasStream(pubsub: GossipSub): boolean {
  if (!("streamsOutbound" in pubsub)) throw new Error("gossipsub keeps its streams elsewhere");
  return pubsub.streamsOutbound instanceof Map && pubsub.streamsOutbound.size > 0;
}

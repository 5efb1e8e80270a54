import "../polyfill.ts";
import { type GossipSub, gossipsub, StrictNoSign } from "@libp2p/gossipsub";
import { type Identify, identify } from "@libp2p/identify";
import type { Libp2p, PrivateKey } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { type Hex, toHex } from "@mach/core";
import { createLibp2p } from "libp2p";
import type { Door } from "./door.ts";
import type { GossipLimits } from "./limits.ts";
import { guardedYamux, type MuxerTrouble } from "./muxer-guard.ts";
import { MAX_ANNOUNCED, MAX_ASKED } from "./pubsub-guard.ts";
import { SCORE_THRESHOLDS, scoreParams } from "./scores.ts";
import { messageId, type NetworkNames, topicsOf } from "./topics.ts";

export type GossipLibp2p = Libp2p<{ identify: Identify; pubsub: GossipSub }>;

/** Who is at the other end of a connection, and where. */
export interface RemotePeer {
  readonly peerId: string;
  readonly address: string;
}

export interface NodeOptions {
  readonly privateKey: PrivateKey;
  readonly host: string;
  readonly port: number;
  readonly announce: readonly string[];
  readonly names: NetworkNames;
  readonly limits: GossipLimits;
  readonly isOperator: (peerId: string) => boolean;
  readonly isBanned: (peerId: string) => boolean;
  readonly door: Pick<Door, "admit" | "isBanned">;
  /** Whether a peer was shown to be an operator's, now or before it left. `peerId` is its multihash. */
  readonly isKnownOperator: (peerId: Hex) => boolean;
  readonly now: () => number;
  readonly onTrouble: (peer: RemotePeer, code: MuxerTrouble) => void;
}

/** The door and the sessions hold the bounds; at this one libp2p would choose whom to keep. */
const MAX_CONNECTIONS = 16_384;
/** Gossipsub's envelope around messages, with room to spare. */
const ENVELOPE_BYTES = 65_536;
/** Generous, because a handshake that is cut off on a busy machine is only begun again. */
const DIAL_TIMEOUT_MS = 15_000;
/** What waits for a peer that does not read: some answers, or many seconds of a busy network. */
const MAX_OUTBOUND_BUFFER_BYTES = 4 * 1_048_576;

/** A libp2p node over TCP, noise and yamux with gossipsub; not started yet. */
export function createNode(options: NodeOptions): Promise<GossipLibp2p> {
  const { limits, isBanned, door, now } = options;
  // By the connection below the encryption.
  const peerOf = new WeakMap<object, RemotePeer>();
  const muxer = guardedYamux({
    maxInboundStreams: limits.maxInboundStreams,
    maxOutboundStreams: 128,
    now,
    onTrouble: (connection, code) => {
      const peer = peerOf.get(connection);
      if (peer !== undefined) options.onTrouble(peer, code);
    },
  });
  return createLibp2p({
    start: false,
    privateKey: options.privateKey,
    nodeInfo: { name: "mach", userAgent: "mach/1" },
    addresses: {
      listen: [listenAddress(options.host, options.port)],
      announce: [...options.announce],
    },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [muxer],
    connectionManager: {
      maxConnections: MAX_CONNECTIONS,
      inboundConnectionThreshold: limits.inboundConnectionsPerSecond,
      maxIncomingPendingConnections: 2 * limits.maxUngreeted,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressDialTimeout: DIAL_TIMEOUT_MS,
      inboundUpgradeTimeout: DIAL_TIMEOUT_MS,
    },
    connectionGater: {
      denyDialPeer: (peerId) => isBanned(peerId.toString()),
      denyInboundConnection: (connection) => !door.admit(connection),
      denyInboundEncryptedConnection: (peerId, connection) => {
        const address = connection.remoteAddr.toString();
        peerOf.set(connection, { peerId: peerId.toString(), address });
        if (isBanned(peerId.toString())) return true;
        return (
          door.isBanned(address) && !options.isKnownOperator(toHex(peerId.toMultihash().bytes))
        );
      },
      denyOutboundEncryptedConnection: (peerId, connection) => {
        const address = connection.remoteAddr.toString();
        peerOf.set(connection, { peerId: peerId.toString(), address });
        return isBanned(peerId.toString());
      },
    },
    services: {
      identify: identify({ protocolPrefix: "mach", maxInboundStreams: 2 }),
      pubsub: createPubsub(options),
    },
  });
}

function createPubsub(options: NodeOptions): ReturnType<typeof gossipsub> {
  const { names, limits } = options;
  return gossipsub({
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: (message) => messageId(message.topic, message.data),
    msgIdToStrFn: (id) => Buffer.from(id).toString("latin1"),
    allowedTopics: [...topicsOf(names)],
    fallbackToFloodsub: false,
    emitSelf: false,
    doPX: false,
    D: 8,
    Dlo: 6,
    Dhi: 12,
    heartbeatInterval: limits.heartbeatMs,
    mcacheLength: 6,
    mcacheGossip: 3,
    // A publisher sends to every peer, so that in a network of operators one hop is enough.
    floodPublish: true,
    batchPublish: true,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    // Worth its own frame only where a message is long: a frame costs more than a kilobyte.
    idontwantMinDataSize: 16_384,
    idontwantMaxMessages: 64,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    maxOutboundBufferSize: MAX_OUTBOUND_BUFFER_BYTES,
    maxInboundDataLength: MAX_ASKED * limits.maxMessageBytes + ENVELOPE_BYTES,
    maxTopicBytesPerPeer: 16_384,
    decodeRpcLimits: {
      maxSubscriptions: 16,
      maxMessages: MAX_ASKED,
      maxControlMessages: 64,
      maxIhaveMessageIDs: MAX_ANNOUNCED,
      maxIwantMessageIDs: MAX_ANNOUNCED,
      maxIdontwantMessageIDs: 64,
      maxPeerInfos: 16,
    },
    scoreParams: scoreParams(names, options.isOperator),
    scoreThresholds: SCORE_THRESHOLDS,
  });
}

function listenAddress(host: string, port: number): string {
  return `/${host.includes(":") ? "ip6" : "ip4"}/${host}/tcp/${port}`;
}

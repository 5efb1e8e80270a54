import type { GossipSub } from "@libp2p/gossipsub";
import type { Connection, PeerId } from "@libp2p/interface";
import { GossipError } from "./gossip-error.ts";

/*
 * Gossipsub logs a frame that it cannot decode and goes on: no penalty, no event, no option. Nor
 * does it bound what an honest peer may ask or announce in one frame, so that strict decode limits
 * would cut honest peers off in a busy network. It makes its outbound streams one after the other,
 * so that one peer that does not answer holds up all. It remembers every message for two minutes,
 * every peer for ten and a PRUNE for as long as the peer says, whatever room that takes. All of it is
 * mended from outside, on the instance of an exactly pinned version, and the node refuses to start
 * where a name is missing.
 */

interface Frame {
  subarray(): Uint8Array;
}

interface RpcMessage {
  readonly topic?: string;
  readonly from?: unknown;
  readonly seqno?: unknown;
  readonly signature?: unknown;
  readonly key?: unknown;
}

interface Rpc {
  messages: readonly RpcMessage[];
  readonly control?: { readonly prune?: { backoff?: number }[] };
}

interface DeliveryRecords {
  readonly records: Map<string, unknown>;
  readonly queue: { shift(): { readonly msgId: string } | undefined; readonly length: number };
  ensureRecord(id: string): unknown;
}

interface GossipsubInternals {
  decodeRpc(bytes: Uint8Array): Rpc;
  pipePeerReadStream(peerId: PeerId, frames: AsyncIterable<Frame>): Promise<void>;
  handleIHave(peerId: string, ihave: unknown): { readonly messageIDs: Uint8Array[] }[];
  getScore(peerId: string): number;
  onPeerConnected(peerId: PeerId, connection: Connection): void;
  readonly mcache: { getGossipIDs(topics: Set<string>): Map<string, Uint8Array[]> };
  readonly streamsOutbound: Map<string, unknown>;
  readonly seenCache: { readonly entries: Map<string, unknown>; put(id: string): boolean };
  readonly score: {
    readonly peerStats: Map<string, { readonly connected: boolean }>;
    readonly deliveryRecords: DeliveryRecords;
  };
  createOutboundStream(peerId: PeerId, connection: Connection): Promise<void>;
}

/** How many message ids are announced per topic and heartbeat: what the decode limits allow. */
export const MAX_ANNOUNCED = 64;
/** How many messages are asked for in one go: their answer comes as one frame. */
export const MAX_ASKED = 4;
/** How many messages are remembered: two minutes of a thousand a second. */
const MAX_REMEMBERED_MESSAGES = 131_072;
/** How long a peer may keep itself out of a mesh, in seconds; gossipsub's own is a minute. */
const MAX_BACKOFF_SECONDS = 600;
/** A frame counts as one message, and as one more for each of these. */
const BYTES_PER_MESSAGE = 4_096;

export type FrameTrouble =
  /** No RPC of gossipsub, or more in it than any node of this project sends. */
  | "undecodable-frame"
  | "oversized-frame"
  | "foreign-topic"
  /** A field that StrictNoSign forbids. */
  | "signed-message";

export interface PubsubGuardOptions {
  readonly topics: ReadonlySet<string>;
  /**
   * Whether one more message is within the peer's rate; dropped if not. A frame is one too, and a
   * long one counts for several.
   */
  readonly isWithinRate: (peerId: string, cost: number) => boolean;
  readonly onTrouble: (peerId: string, code: FrameTrouble) => void;
}

export interface PubsubGuard {
  scoreOf(peerId: string): number;
  /** Whether there is a stream to send this peer messages on. */
  hasOutboundStream(peerId: string): boolean;
  /** Makes that stream where it was lost with one of several connections: gossipsub does not. */
  link(connection: Connection): void;
  /** Forgets the score of a peer that has left, unless it is one to hold against it. */
  forget(peerId: string): void;
}

/** Puts the guard around a gossipsub that has not been started. */
export function guardPubsub(pubsub: GossipSub, options: PubsubGuardOptions): PubsubGuard {
  const internals = internalsOf(pubsub);
  guardFrames(internals, options);
  guardStreams(internals);
  boundMemory(internals);
  const { mcache, score } = internals;
  const getGossipIDs = mcache.getGossipIDs.bind(mcache);
  mcache.getGossipIDs = (topics) => {
    const ids = getGossipIDs(topics);
    // The newest come first.
    for (const [topic, all] of ids) ids.set(topic, all.slice(0, MAX_ANNOUNCED));
    return ids;
  };
  const handleIHave = internals.handleIHave.bind(pubsub);
  internals.handleIHave = (peerId, ihave) =>
    handleIHave(peerId, ihave).map((iwant) => ({
      ...iwant,
      messageIDs: iwant.messageIDs.slice(0, MAX_ASKED),
    }));
  return {
    scoreOf: (peerId) => internals.getScore(peerId),
    hasOutboundStream: (peerId) => internals.streamsOutbound.has(peerId),
    link: (connection) => internals.onPeerConnected(connection.remotePeer, connection),
    forget(peerId): void {
      const isGone = score.peerStats.get(peerId)?.connected === false;
      if (isGone && internals.getScore(peerId) >= 0) score.peerStats.delete(peerId);
    },
  };
}

/** Makes outbound streams of different peers at the same time; of one peer, one after the other. */
function guardStreams(internals: GossipsubInternals): void {
  const create = internals.createOutboundStream.bind(internals);
  const underWay = new Set<string>();
  internals.createOutboundStream = async (peerId, connection) => {
    const id = peerId.toString();
    if (underWay.has(id)) return;
    underWay.add(id);
    // Not waited for: gossipsub's queue would hold up everyone behind a peer that does not answer.
    void create(peerId, connection).finally(() => underWay.delete(id));
  };
}

/** Forgets the oldest messages early where there are too many. */
function boundMemory({ seenCache, score: { deliveryRecords } }: GossipsubInternals): void {
  const put = seenCache.put.bind(seenCache);
  seenCache.put = (id) => {
    const oldest = seenCache.entries.keys().next();
    const isFull = seenCache.entries.size >= MAX_REMEMBERED_MESSAGES;
    if (isFull && !oldest.done) seenCache.entries.delete(oldest.value);
    return put(id);
  };
  const ensureRecord = deliveryRecords.ensureRecord.bind(deliveryRecords);
  deliveryRecords.ensureRecord = (id) => {
    if (deliveryRecords.queue.length >= MAX_REMEMBERED_MESSAGES) {
      const oldest = deliveryRecords.queue.shift();
      if (oldest !== undefined) deliveryRecords.records.delete(oldest.msgId);
    }
    return ensureRecord(id);
  };
}

function guardFrames(internals: GossipsubInternals, options: PubsubGuardOptions): void {
  const { onTrouble, topics } = options;
  const senders = new WeakMap<Uint8Array, string>();
  const decodeRpc = internals.decodeRpc.bind(internals);
  const pipePeerReadStream = internals.pipePeerReadStream.bind(internals);

  async function* watch(peerId: string, frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    try {
      for await (const frame of frames) {
        const bytes = frame.subarray();
        const cost = 1 + Math.floor(bytes.length / BYTES_PER_MESSAGE);
        if (!options.isWithinRate(peerId, cost)) continue;
        senders.set(bytes, peerId);
        yield { subarray: () => bytes };
      }
    } catch (error) {
      // The stream's decoder names what is wrong with a length; a cut stream is nobody's fault.
      const name = error instanceof Error ? error.name : "";
      if (/^Invalid(Message|Data)Length/.test(name)) onTrouble(peerId, "oversized-frame");
      throw error;
    }
  }

  internals.pipePeerReadStream = (peerId, frames) =>
    pipePeerReadStream(peerId, watch(peerId.toString(), frames));
  internals.decodeRpc = (bytes) => {
    const peerId = senders.get(bytes);
    let rpc: Rpc;
    try {
      rpc = decodeRpc(bytes);
    } catch (error) {
      if (peerId !== undefined) onTrouble(peerId, "undecodable-frame");
      throw error;
    }
    for (const prune of rpc.control?.prune ?? []) {
      prune.backoff = Math.min(prune.backoff ?? 0, MAX_BACKOFF_SECONDS);
    }
    if (peerId === undefined) return rpc;
    // Each message leaves records in gossipsub for two minutes: the rate is what bounds them.
    rpc.messages = rpc.messages.filter((_, i) => i === 0 || options.isWithinRate(peerId, 1));
    for (const message of rpc.messages) {
      const trouble = troubleWith(message, topics);
      if (trouble !== null) onTrouble(peerId, trouble);
    }
    return rpc;
  };
}

function troubleWith(message: RpcMessage, topics: ReadonlySet<string>): FrameTrouble | null {
  if (!topics.has(message.topic ?? "")) return "foreign-topic";
  const extra = message.from ?? message.seqno ?? message.signature ?? message.key;
  return extra === undefined || extra === null ? null : "signed-message";
}

function internalsOf(pubsub: GossipSub): GossipsubInternals {
  const internals = pubsub as unknown as GossipsubInternals;
  const isWhole =
    typeof internals.decodeRpc === "function" &&
    typeof internals.pipePeerReadStream === "function" &&
    typeof internals.handleIHave === "function" &&
    typeof internals.getScore === "function" &&
    typeof internals.onPeerConnected === "function" &&
    typeof internals.mcache?.getGossipIDs === "function" &&
    typeof internals.createOutboundStream === "function" &&
    typeof internals.seenCache?.put === "function" &&
    internals.seenCache.entries instanceof Map &&
    internals.score?.peerStats instanceof Map &&
    typeof internals.score.deliveryRecords?.ensureRecord === "function" &&
    typeof internals.score.deliveryRecords.queue?.shift === "function" &&
    internals.score.deliveryRecords.records instanceof Map &&
    internals.streamsOutbound instanceof Map;
  if (isWhole) return internals;
  throw new GossipError(
    "unsupported-gossipsub",
    "this version of @libp2p/gossipsub is not supported: install the one in the lockfile",
  );
}

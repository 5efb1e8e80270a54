import { attestationsLength, MAX_ATTESTATIONS_PER_MESSAGE } from "./wire.ts";

/** Every bound of the gossip. Durations are in milliseconds, sizes in bytes. */
export interface GossipLimits {
  /** The largest message that is read or published; one network's nodes should agree on it. */
  readonly maxMessageBytes: number;
  /** How many attestations one own message carries at most. */
  readonly maxAttestationsPerMessage: number;
  /** How many own attestations wait for the flush at most; the oldest is dropped beyond. */
  readonly maxQueuedAttestations: number;
  /** How long own attestations wait to share a message; 0 is to the end of the event-loop turn. */
  readonly flushDelayMs: number;
  /** How many peers that speak for no operator may be connected; operators' ones come on top. */
  readonly maxConnections: number;
  /** How many connections may be on their way from the handshake to the hello. */
  readonly maxUngreeted: number;
  /** How many connections one peer may have; the oldest is closed beyond. */
  readonly maxConnectionsPerPeer: number;
  /** How many connections one address may open in a second. */
  readonly inboundConnectionsPerSecond: number;
  /** How many streams a peer may have open on a connection. */
  readonly maxInboundStreams: number;
  /** How many messages of a topic wait for their handler at most. */
  readonly maxQueuedMessages: number;
  /** How many messages of a topic their handler has at once. */
  readonly maxMessagesInHand: number;
  /** How long a handler may take before its message is ignored. */
  readonly handlerTimeoutMs: number;
  /** How many gossip messages a peer may send in a second; twice as many in one go. */
  readonly messagesPerSecond: number;
  /** The same for all peers together that speak for no operator. */
  readonly outsiderMessagesPerSecond: number;
  /** A peer that had this many messages dropped for their rate within a minute is hung up on. */
  readonly maxDroppedPerMinute: number;
  readonly heartbeatMs: number;
  /** After this many strikes a peer is hung up on. */
  readonly strikeLimit: number;
  /** One strike is forgiven after this long. */
  readonly strikeForgivenMs: number;
  /** How long a peer with too many strikes is kept out, and an address with too many such peers. */
  readonly banMs: number;
  /** After this many banned peers of an address, only operators' known peers may come from there. */
  readonly bannedPeersPerAddress: number;
  readonly helloTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How many requests a peer may make in a second; four times as many in one go. */
  readonly requestsPerSecond: number;
  /** The same for all peers together that speak for no operator. */
  readonly outsiderRequestsPerSecond: number;
  readonly redialMinMs: number;
  readonly redialMaxMs: number;
  readonly bindingLifetimeMs: number;
}

/** The limits where nothing else is asked for. */
export const DEFAULT_LIMITS: GossipLimits = {
  maxMessageBytes: 262_144,
  maxAttestationsPerMessage: MAX_ATTESTATIONS_PER_MESSAGE,
  maxQueuedAttestations: 1_024,
  flushDelayMs: 0,
  maxConnections: 100,
  maxUngreeted: 128,
  maxConnectionsPerPeer: 2,
  inboundConnectionsPerSecond: 100,
  maxInboundStreams: 32,
  maxQueuedMessages: 1_024,
  maxMessagesInHand: 256,
  handlerTimeoutMs: 10_000,
  messagesPerSecond: 2_000,
  outsiderMessagesPerSecond: 4_000,
  maxDroppedPerMinute: 20_000,
  heartbeatMs: 700,
  strikeLimit: 10,
  strikeForgivenMs: 60_000,
  banMs: 600_000,
  bannedPeersPerAddress: 5,
  helloTimeoutMs: 15_000,
  requestTimeoutMs: 5_000,
  requestsPerSecond: 25,
  outsiderRequestsPerSecond: 100,
  redialMinMs: 1_000,
  redialMaxMs: 15_000,
  bindingLifetimeMs: 86_400_000,
};

/** The defaults with these over them; own messages never exceed what the size allows. */
export function resolveLimits(limits: Partial<GossipLimits> | undefined): GossipLimits {
  const resolved = { ...DEFAULT_LIMITS, ...limits };
  const fitting = Math.floor(
    (resolved.maxMessageBytes - attestationsLength(0, 0)) /
      (attestationsLength(1, 192) - attestationsLength(0, 192)),
  );
  const maxAttestationsPerMessage = Math.min(
    resolved.maxAttestationsPerMessage,
    MAX_ATTESTATIONS_PER_MESSAGE,
    fitting,
  );
  if (maxAttestationsPerMessage < 1) {
    throw new RangeError("maxMessageBytes leaves no room for an attestation");
  }
  return { ...resolved, maxAttestationsPerMessage };
}

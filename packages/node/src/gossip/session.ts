import type { PeerId } from "@libp2p/interface";
import { type Hex, toHex } from "@mach/core";
import type { GossipLimits } from "./limits.ts";
import { createRateLimit, type RateLimit } from "./rate-limit.ts";

/** A connected peer, from its first connection to the end of its last. */
export interface Session {
  readonly peerId: string;
  /** The peer id's multihash. */
  readonly multihash: Hex;
  readonly connectedAt: number;
  readonly isMessageWithinRate: RateLimit;
  readonly isHelloWithinRate: RateLimit;
  readonly isRequestWithinRate: RateLimit;
  /** Whether one more message may be dropped for its rate, before the peer is hung up on. */
  readonly isDropWithinRate: RateLimit;
  /** Whether this node dialled it: it chose that peer, whoever else comes. */
  isDialled: boolean;
  isGreeted: boolean;
  isHungUpOn: boolean;
  unlinkedSince: number | null;
}

/** Each may cost the check of a signature, and an honest peer says two at most at a time. */
const HELLO_RATE = { perSecond: 0.2, burst: 4 };

/** The session of a peer that has just connected. `now` is in milliseconds. */
export function createSession(peer: PeerId, limits: GossipLimits, now: () => number): Session {
  const { messagesPerSecond, requestsPerSecond, maxDroppedPerMinute } = limits;
  return {
    peerId: peer.toString(),
    multihash: toHex(peer.toMultihash().bytes),
    connectedAt: now(),
    isMessageWithinRate: createRateLimit(
      { perSecond: messagesPerSecond, burst: 2 * messagesPerSecond },
      now,
    ),
    isHelloWithinRate: createRateLimit(HELLO_RATE, now),
    isRequestWithinRate: createRateLimit(
      { perSecond: requestsPerSecond, burst: 4 * requestsPerSecond },
      now,
    ),
    isDropWithinRate: createRateLimit(
      { perSecond: maxDroppedPerMinute / 60, burst: maxDroppedPerMinute },
      now,
    ),
    isDialled: false,
    isGreeted: false,
    isHungUpOn: false,
    unlinkedSince: null,
  };
}

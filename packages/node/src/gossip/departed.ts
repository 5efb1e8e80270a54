import { peerIdFromString } from "@libp2p/peer-id";
import type { GossipLibp2p } from "./node.ts";
import type { PubsubGuard } from "./pubsub-guard.ts";

/** Peers that have left: libp2p would keep what it knows of each for hours, gossipsub for minutes. */
export interface Departed {
  add(peerId: string): void;
  /** Has those forgotten that have been away for a while; to be called now and then. */
  sweep(): void;
}

/** Long enough for whoever comes back at once, and for what is still under way. */
const KEPT_MS = 30_000;

/** Nobody yet. `now` is in milliseconds. */
export function createDeparted(
  libp2p: Pick<GossipLibp2p, "getConnections" | "peerStore">,
  guard: Pick<PubsubGuard, "forget">,
  now: () => number,
): Departed {
  const leftAt = new Map<string, number>();
  const forget = async (peerId: string): Promise<void> => {
    const id = peerIdFromString(peerId);
    if (libp2p.getConnections(id).length > 0) return;
    guard.forget(peerId);
    await libp2p.peerStore.delete(id);
  };
  return {
    add(peerId): void {
      leftAt.delete(peerId);
      leftAt.set(peerId, now());
    },
    sweep(): void {
      for (const [peerId, at] of leftAt) {
        if (now() - at < KEPT_MS) return;
        leftAt.delete(peerId);
        // The store is in memory; what it could not forget is only memory.
        forget(peerId).catch(() => undefined);
      }
    },
  };
}

import type { Domain } from "@mach/core";
import type { Counters } from "./counters.ts";
import type { GossipLibp2p } from "./node.ts";
import type { Sessions } from "./sessions.ts";
import { type ServedFrom, type SyncOptions, serveSync } from "./sync.ts";

export interface ServeRequestsContext {
  readonly options: SyncOptions & { readonly domain: Domain };
  readonly sessions: Sessions;
  readonly counters: Counters;
}

/** Failures that are the peer's to answer for. */
const BLAMED: ReadonlySet<string> = new Set(["malformed-request", "malformed", "oversized"]);

/** Answers the requests of peers, each within its rate. */
export async function serveRequests(
  libp2p: GossipLibp2p,
  served: ServedFrom,
  { options, sessions, counters }: ServeRequestsContext,
): Promise<void> {
  await libp2p.handle(
    options.protocol,
    async (stream, connection) => {
      const peerId = connection.remotePeer.toString();
      const isWithinRate = (cost = 1): boolean => sessions.isRequestWithinRate(peerId, cost);
      const outcome = await serveSync(stream, served, { ...options, isWithinRate });
      counters.count("served-requests", peerId);
      if (outcome === null) return;
      const { code, error } = outcome;
      counters.report(`serve-${code}`, { peerId, error });
      if (BLAMED.has(code)) sessions.blame(peerId, code);
    },
    { maxInboundStreams: 8, maxOutboundStreams: 16 },
  );
}

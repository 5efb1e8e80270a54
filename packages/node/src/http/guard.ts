import type { Server } from "node:http";
import type { QueueLoad } from "../gossip/handlers.ts";
import { type Admission, createAdmission } from "./admission.ts";
import { createClientAddresses } from "./client-addresses.ts";
import { type Connections, watchConnections } from "./connections.ts";
import type { HttpLimits } from "./limits.ts";
import { createLoopDelay } from "./loop-delay.ts";
import { createRateLimit } from "./rate-limit.ts";

/** Everything that keeps readers within their bounds. */
export interface Guard {
  readonly admission: Admission;
  /** Bounds the connections of a server from now on. */
  watch(server: Server): void;
  queues(): readonly QueueLoad[];
  start(): void;
  stop(): void;
}

/** What an address may ask for at once is what it may ask for in so many seconds. */
const BURST_SECONDS = 5;
/** Addresses that are remembered for what they have asked for: about 10 MB. */
const MAX_CLIENTS = 65_536;

/** The guard of one server. What is late is not measured by a clock that somebody sets. */
export function createGuard(limits: HttpLimits, trustedProxies: readonly string[]): Guard {
  const now = (): number => performance.now();
  const addresses = createClientAddresses(trustedProxies);
  const perSecond = limits.maxRequestsPerSecond;
  const burst = BURST_SECONDS * perSecond;
  const rate = createRateLimit({ now }, { perSecond, burst, maxClients: MAX_CLIENTS });
  const loop = createLoopDelay({ now }, { maxDelayMs: limits.maxLoopDelayMs });
  const { maxConnections, maxUnreadBytes } = limits;
  let connections: Connections | undefined;
  return {
    admission: createAdmission({ addresses, rate, loop }),
    watch(server) {
      connections = watchConnections(server, addresses, limits);
    },
    queues() {
      const depths: readonly (readonly [string, number, number])[] = [
        ["connections", connections?.count() ?? 0, maxConnections],
        ["unread-bytes", connections?.unreadBytes() ?? 0, maxUnreadBytes],
        ["limited-addresses", rate.size(), MAX_CLIENTS],
      ];
      return depths.map(([queue, depth, capacity]) => ({ queue, depth, capacity }));
    },
    start: () => loop.start(),
    stop() {
      loop.stop();
      connections?.stop();
    },
  };
}

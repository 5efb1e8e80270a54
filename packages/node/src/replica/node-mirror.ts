import { type Domain, type EngineState, epochAt } from "@mach/core";
import type { Logger } from "pino";
import type { Alerts } from "../alerts.ts";
import type { NodeConfig } from "../config.ts";
import type { Foundation } from "../foundation.ts";
import type { NodeView } from "../http/node-view.ts";
import { NodeError } from "../node-error.ts";
import { storeOptions } from "../store/store.ts";
import type { EventHub } from "../view/events.ts";
import { openSession } from "./database-session.ts";
import { createEventBuffer } from "./event-buffer.ts";
import { createMirror, type Mirror } from "./mirror.ts";
import { createViewTracker } from "./published-view.ts";
import { createViewPublisher } from "./view-publisher.ts";

export interface NodeMirrorPorts {
  readonly foundation: Pick<Foundation, "store" | "journal" | "domain" | "schedule">;
  readonly events: EventHub;
  readonly view: Pick<NodeView, "health" | "rollups">;
  readonly state: () => EngineState;
  readonly abstention: (rollupId: bigint) => string | null;
  readonly alerts: Pick<Alerts, "raise" | "clearAfter">;
  readonly logger: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

/** How often a node says that it is there while nothing happens. */
const HEARTBEAT_MS = 500;
/** Of each topic, where the node serves no API that says how many. */
const EVENT_HISTORY = 4_096;

/**
 * Brings a node's store, its view and its events to the database that its configuration names;
 * null where it names none. Nothing is begun yet.
 */
export function mirrorNode(config: NodeConfig, ports: NodeMirrorPorts): Mirror | null {
  const { foundation, events, view, state, abstention, alerts, logger, now } = ports;
  const { store, journal, domain, schedule } = foundation;
  const { database: url, api, rollups, retention } = config;
  if (url === undefined || journal === null) return null;
  const eventHistory = api?.eventHistory ?? EVENT_HISTORY;
  const buffer = createEventBuffer({ eventHistory });
  const publisher = createViewPublisher(
    {
      tracker: createViewTracker({ state, abstention, now }),
      events: buffer,
      run: events.run,
      words: async () => ({ health: await view.health(), followed: await view.rollups() }),
    },
    { eventHistory },
  );
  const newestEpoch = (): bigint => epochAt(schedule, BigInt(Math.floor(now() / 1_000))) ?? 0n;
  const mirror = createMirror(
    { store, journal, publisher, alerts, logger, newestEpoch },
    {
      url,
      store: storeOptions(domain, retention),
      rollupIds: rollups.map(({ rollupId }) => rollupId),
      heartbeatMs: HEARTBEAT_MS,
    },
  );
  events.subscribe((event, id) => {
    buffer.add(event, id);
    mirror.wake();
  });
  journal.listen(() => mirror.wake());
  return mirror;
}

/**
 * Finds out before a node starts whether its database is one for it. Throws a NodeError
 * `database-unusable`; one that is out of reach is waited for while the node does its work.
 */
export async function checkDatabase(
  url: string,
  context: { readonly domain: Domain; readonly logger: Pick<Logger, "warn"> },
): Promise<void> {
  try {
    const session = await openSession(url, context.domain);
    await session.close();
  } catch (error) {
    const isAway = error instanceof NodeError && error.code === "database-unavailable";
    if (!isAway) throw error;
    context.logger.warn({ err: error }, "the database is out of reach: readers wait");
  }
}

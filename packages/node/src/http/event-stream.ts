import type { ServerResponse } from "node:http";
import type { NodeEvent, Topic } from "@mach/api";
import { createAddressCounts } from "./address-counts.ts";
import { createEventClient, type EventClient } from "./event-client.ts";
import { createEventHistory, type EventFilter, GAP, matches } from "./event-history.ts";
import type { ReportFailure } from "./failure-report.ts";
import type { HttpLimits } from "./limits.ts";
import type { EventId, NodeView } from "./node-view.ts";

/** A request to read the stream. */
export interface EventRequest {
  readonly topics: readonly Topic[];
  readonly rollupId: bigint | undefined;
  /** The client's address, as far as it can be trusted. */
  readonly address: string;
  readonly lastEventId: string | undefined;
}

export type EventRefusal = "too-many-streams" | "unavailable";

/** The server-sent events of a node. */
export interface EventStream {
  /** Why one more reader from this address would be refused, or null. */
  refusalOf(address: string): EventRefusal | null;
  /** Streams to a response whose head has been sent. */
  open(response: ServerResponse, request: EventRequest): void;
  clientCount(): number;
  start(): void;
  /** Ends every stream. */
  stop(): void;
}

interface Reader {
  readonly client: EventClient;
  readonly filter: EventFilter;
  readonly address: string;
}

/** How long a browser waits before it comes back, milliseconds. */
const RETRY_MS = 2_000;

/** Pushes the view's events to every reader, each serialised once. */
export function createEventStream(
  dependencies: {
    readonly view: Pick<NodeView, "subscribe">;
    readonly reportFailure: ReportFailure;
  },
  limits: HttpLimits,
): EventStream {
  const history = createEventHistory(limits);
  const readers = new Set<Reader>();
  const perAddress = createAddressCounts(limits.maxEventClientsPerAddress);
  let unsubscribe: (() => void) | undefined;
  let heartbeat: NodeJS.Timeout | undefined;

  function leave(reader: Reader): void {
    if (readers.delete(reader)) perAddress.remove(reader.address);
  }

  function tell(event: NodeEvent, id?: EventId): void {
    const entry = history.add(event, id);
    for (const { client, filter } of readers) {
      if (matches(entry, filter)) client.send(entry);
    }
  }

  return {
    refusalOf(address) {
      if (unsubscribe === undefined || readers.size >= limits.maxEventClients) return "unavailable";
      return perAddress.hasRoom(address) ? null : "too-many-streams";
    },
    open(response, request) {
      const { address, lastEventId } = request;
      const filter = { topics: new Set(request.topics), rollupId: request.rollupId };
      response.write(`retry: ${RETRY_MS}\n\n`);
      const missed = lastEventId === undefined ? undefined : history.since(lastEventId, filter);
      if (missed?.hasGap) response.write(GAP);
      const client = createEventClient(response, {
        maxPendingBytes: limits.maxPendingEventBytes,
        backlog: missed?.entries ?? [],
      });
      const reader = { client, filter, address };
      readers.add(reader);
      perAddress.add(address);
      response.on("close", () => leave(reader));
      // A broken connection is an ending like any other: "close" follows.
      response.on("error", () => leave(reader));
    },
    clientCount: () => readers.size,
    start() {
      unsubscribe = dependencies.view.subscribe((event, id) => {
        try {
          tell(event, id);
        } catch (error) {
          // Who told of the event must not fall with those who read of it.
          dependencies.reportFailure("events", error);
        }
      });
      heartbeat = setInterval(() => {
        for (const { client } of readers) client.beat();
      }, limits.heartbeatMs);
      heartbeat.unref();
    },
    stop() {
      unsubscribe?.();
      unsubscribe = undefined;
      clearInterval(heartbeat);
      for (const { client } of readers) client.end();
    },
  };
}

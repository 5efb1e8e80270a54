import { randomBytes } from "node:crypto";
import type { NodeEvent } from "@mach/api";
import type { EventId } from "../http/node-view.ts";

/** Who listens to a node's events. */
export interface EventHub {
  /** Names this run's stream. */
  readonly run: EventId["run"];
  /** Tells of an event: of this run, or, where an id is given, of the one that it came from. */
  publish(event: NodeEvent, id?: EventId): void;
  subscribe(listener: (event: NodeEvent, id: EventId) => void): () => void;
}

/** Tells every listener, in order; one that throws is the caller's fault and is not caught. */
export function createEventHub(): EventHub {
  const listeners = new Set<(event: NodeEvent, id: EventId) => void>();
  const run = randomBytes(4).toString("hex");
  let newest = 0;
  return {
    run,
    publish(event, given) {
      newest += 1;
      const id = given ?? { run, sequence: newest, isAfterGap: false };
      for (const listener of listeners) listener(event, id);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

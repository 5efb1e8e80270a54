import type { NodeEvent } from "@mach/api";

/** Who listens to a node's events. */
export interface EventHub {
  publish(event: NodeEvent): void;
  subscribe(listener: (event: NodeEvent) => void): () => void;
}

/** Tells every listener, in order; one that throws is the caller's fault and is not caught. */
export function createEventHub(): EventHub {
  const listeners = new Set<(event: NodeEvent) => void>();
  return {
    publish(event) {
      for (const listener of listeners) listener(event);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

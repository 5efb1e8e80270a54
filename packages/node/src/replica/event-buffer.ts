import type { NodeEvent, Topic } from "@mach/api";
import type { EventId } from "../http/node-view.ts";
import type { PlacedEvent } from "./event-documents.ts";

/** Events on their way to the database: the newest of each topic, while it is out of reach. */
export interface EventBuffer {
  add(event: NodeEvent, id: EventId): void;
  /** In order; the first of a topic after some were dropped says so. */
  first(limit: number): readonly PlacedEvent[];
  /** Those up to this one are in the database. */
  removeThrough(sequence: number): void;
  /** Another node's events were served meanwhile: the next of each topic comes after a gap. */
  discard(): void;
}

/** Evidence can be large, with its headers: fewer of its events are kept. */
const MAX_EVIDENCE_EVENTS = 64;

/** Keeps so many events of each topic at most. */
export function createEventBuffer(options: { readonly eventHistory: number }): EventBuffer {
  let waiting: PlacedEvent[] = [];
  const counts = new Map<Topic, number>();
  const gaps = new Set<Topic>();
  let isDiscarded = false;
  const seen = new Set<Topic>();

  function forgetOldest(topic: Topic): void {
    const index = waiting.findIndex(({ event }) => event.topic === topic);
    waiting.splice(index, 1);
    counts.set(topic, (counts.get(topic) ?? 1) - 1);
    const next = waiting.findIndex(({ event }) => event.topic === topic);
    const following = waiting[next];
    if (following === undefined) gaps.add(topic);
    else waiting[next] = { ...following, id: { ...following.id, isAfterGap: true } };
  }

  return {
    add(event, id) {
      const { topic } = event;
      const isFirst = isDiscarded && !seen.has(topic);
      seen.add(topic);
      const isAfterGap = id.isAfterGap || isFirst || gaps.delete(topic);
      waiting.push({ event, id: { ...id, isAfterGap } });
      counts.set(topic, (counts.get(topic) ?? 0) + 1);
      const most = topic === "evidence" ? MAX_EVIDENCE_EVENTS : options.eventHistory;
      if ((counts.get(topic) ?? 0) > most) forgetOldest(topic);
    },
    first: (limit) => waiting.slice(0, limit),
    removeThrough(sequence) {
      waiting = waiting.filter(({ event: { topic }, id }) => {
        if (id.sequence > sequence) return true;
        counts.set(topic, (counts.get(topic) ?? 1) - 1);
        return false;
      });
    },
    discard() {
      waiting = [];
      counts.clear();
      seen.clear();
      isDiscarded = true;
    },
  };
}

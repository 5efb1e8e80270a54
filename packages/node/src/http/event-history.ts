import { randomBytes } from "node:crypto";
import { encodeEvent, type NodeEvent, TOPIC_NAMES, type Topic } from "@mach/api";
import type { EventId } from "./node-view.ts";

/** An event with its place in the stream. */
export interface EventEntry {
  readonly sequence: number;
  readonly topic: Topic;
  readonly rollupId: bigint | null;
  /** The bytes that every reader gets. */
  readonly frame: Buffer;
}

/** What a reader asks for. */
export interface EventFilter {
  readonly topics: ReadonlySet<Topic>;
  readonly rollupId: bigint | undefined;
}

/** What a reader that comes back has missed; `hasGap` where some of it is no longer kept. */
export interface Resumption {
  readonly hasGap: boolean;
  readonly entries: readonly EventEntry[];
}

/** The past events of each topic, as many as are kept. */
export interface EventHistory {
  /** The next event; where it has an id, that of the stream that it came from. */
  add(event: NodeEvent, id?: EventId): EventEntry;
  /** What followed after a Last-Event-ID, in order. */
  since(lastEventId: string, filter: EventFilter): Resumption;
}

/** Tells a reader that events are missing before the next one: it reads the heads anew. */
export const GAP = 'event: gap\ndata: {"data":null}\n\n';

/** Evidence can be large, with its headers: fewer of its events are kept. */
const MAX_EVIDENCE_EVENTS = 64;

/**
 * Keeps the newest events per topic, so that no busy topic pushes out another. Ids carry a name
 * of this run: after a restart an older id is seen to be of another stream.
 */
export function createEventHistory(options: { readonly eventHistory: number }): EventHistory {
  let run = randomBytes(4).toString("hex");
  const kept = new Map<Topic, EventEntry[]>(TOPIC_NAMES.map((topic) => [topic, []]));
  const droppedThrough = new Map<Topic, number>();
  let newest = 0;

  /** What was of another stream is never resumed in this one. */
  function forget(next: string): void {
    run = next;
    for (const entries of kept.values()) entries.length = 0;
    droppedThrough.clear();
  }

  return {
    add(event, id = { run, sequence: newest + 1, isAfterGap: false }) {
      if (id.run !== run) forget(id.run);
      const entry = createEntry(event, id);
      newest = id.sequence;
      if (id.isAfterGap) droppedThrough.set(event.topic, id.sequence - 1);
      const entries = kept.get(event.topic) ?? [];
      entries.push(entry);
      const most = event.topic === "evidence" ? MAX_EVIDENCE_EVENTS : options.eventHistory;
      // A quarter more is let in before the oldest go: one move of the rest for many events.
      if (entries.length > most + Math.floor(most / 4)) {
        const dropped = entries.splice(0, entries.length - most);
        droppedThrough.set(event.topic, dropped.at(-1)?.sequence ?? 0);
      }
      return entry;
    },
    since(lastEventId, filter) {
      const last = sequenceOf(lastEventId, run);
      if (last === null || last > newest) return { hasGap: true, entries: [] };
      const topics = [...filter.topics];
      const entries = topics
        .flatMap((topic) => kept.get(topic)?.slice(firstAfter(kept.get(topic) ?? [], last)) ?? [])
        .filter((entry) => matches(entry, filter))
        .sort((a, b) => a.sequence - b.sequence);
      const hasGap = topics.some((topic) => (droppedThrough.get(topic) ?? 0) > last);
      return { hasGap, entries };
    },
  };
}

/** Whether a reader asked for this event; what is about no rollup is told to everyone. */
export function matches(entry: EventEntry, filter: EventFilter): boolean {
  if (!filter.topics.has(entry.topic)) return false;
  return (
    filter.rollupId === undefined || entry.rollupId === null || entry.rollupId === filter.rollupId
  );
}

function createEntry(event: NodeEvent, id: EventId): EventEntry {
  const { topic, rollupId } = event;
  const data = JSON.stringify(encodeEvent(event));
  const gap = id.isAfterGap ? GAP : "";
  const text = `${gap}id: ${id.run}-${id.sequence}\nevent: ${topic}\ndata: ${data}\n\n`;
  const frame = Buffer.from(text);
  return { sequence: id.sequence, topic, rollupId, frame };
}

function sequenceOf(lastEventId: string, run: string): number | null {
  const parts = /^([0-9a-f]{8})-([0-9]{1,15})$/.exec(lastEventId);
  return parts?.[1] === run ? Number(parts[2]) : null;
}

/** The index of the first entry after a sequence; entries are in order. */
function firstAfter(entries: readonly EventEntry[], sequence: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.sequence ?? 0) <= sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

import { encodeEvent, type NodeEvent } from "@mach/api";
import { expect, it } from "vitest";
import { createEventBuffer, type EventBuffer } from "../../src/replica/event-buffer.ts";
import { openEvent, sealEvent } from "../../src/replica/event-documents.ts";
import { alert, evidenceFixture, finality, rollupId } from "../http/memory-view.ts";

const heads: NodeEvent = { topic: "finality", rollupId, answer: { data: finality } };
const warning: NodeEvent = { topic: "alert", rollupId: null, answer: { data: alert } };

function add(buffer: EventBuffer, event: NodeEvent, ...sequences: readonly number[]): void {
  for (const sequence of sequences) {
    buffer.add(event, { run: "aaaaaaaa", sequence, isAfterGap: false });
  }
}

function waiting(buffer: EventBuffer): unknown {
  return buffer
    .first(100)
    .map(({ event, id }) => [event.topic, id.sequence, ...(id.isAfterGap ? ["gap"] : [])]);
}

it("keeps events in order until they are in the database", () => {
  const buffer = createEventBuffer({ eventHistory: 3 });
  add(buffer, heads, 1);
  add(buffer, warning, 2);
  add(buffer, heads, 3);
  expect(buffer.first(2)).toHaveLength(2);
  buffer.removeThrough(2);
  expect(waiting(buffer)).toEqual([["finality", 3]]);
  add(buffer, heads, 4, 5);
  expect(waiting(buffer)).toEqual([
    ["finality", 3],
    ["finality", 4],
    ["finality", 5],
  ]);
});

it("drops the oldest of a topic beyond its bound, and says so at the next one", () => {
  const buffer = createEventBuffer({ eventHistory: 2 });
  add(buffer, warning, 1);
  add(buffer, heads, 2, 3, 4, 5);
  expect(waiting(buffer)).toEqual([
    ["alert", 1],
    ["finality", 4, "gap"],
    ["finality", 5],
  ]);
  const none = createEventBuffer({ eventHistory: 0 });
  add(none, heads, 1, 2);
  expect(waiting(none)).toEqual([]);
});

it("keeps less of evidence, which can be large", () => {
  const buffer = createEventBuffer({ eventHistory: 4_096 });
  const [data] = evidenceFixture;
  if (data === undefined) throw new Error("expected evidence");
  const evidence: NodeEvent = { topic: "evidence", rollupId, answer: { data } };
  add(buffer, evidence, ...Array.from({ length: 70 }, (_, i) => i + 1));
  expect(buffer.first(100)).toHaveLength(64);
});

it("begins each topic after a gap once another node's events were told meanwhile", () => {
  const buffer = createEventBuffer({ eventHistory: 10 });
  add(buffer, heads, 1);
  buffer.discard();
  add(buffer, heads, 2, 3);
  add(buffer, warning, 4);
  expect(waiting(buffer)).toEqual([
    ["finality", 2, "gap"],
    ["finality", 3],
    ["alert", 4, "gap"],
  ]);
});

it("an event comes back from its row as it was, and from no other row", () => {
  const id = { run: "aaaaaaaa", sequence: 7, isAfterGap: true };
  for (const event of [heads, warning]) {
    const bytes = sealEvent({ event, id });
    const opened = openEvent({ run: "aaaaaaaa", sequence: 7 }, bytes);
    expect(opened?.id).toEqual(id);
    expect(opened && encodeEvent(opened.event)).toEqual(encodeEvent(event));
    expect(() => openEvent({ run: "aaaaaaaa", sequence: 8 }, bytes)).toThrow(
      expect.objectContaining({ code: "row-corrupt" }),
    );
  }
});

import type { NodeEvent, Topic } from "@mach/api";
import { expect, it } from "vitest";
import { createEventHistory, type Resumption } from "../../src/http/event-history.ts";
import type { EventId } from "../../src/http/node-view.ts";
import { alert, evidenceFixture, finality, rollupId } from "./memory-view.ts";

const FILTER = { topics: new Set<Topic>(["finality", "alert", "evidence"]), rollupId: undefined };

const finalityEvent: NodeEvent = { topic: "finality", rollupId, answer: { data: finality } };
const alertEvent: NodeEvent = { topic: "alert", rollupId: null, answer: { data: alert } };

function idOf(run: string, sequence: number, isAfterGap = false): EventId {
  return { run, sequence, isAfterGap };
}

function told({ hasGap, entries }: Resumption): unknown {
  return [hasGap, entries.map(({ sequence }) => sequence)];
}

it("takes an event under the id that it has elsewhere, so that a reader may change processes", () => {
  const history = createEventHistory({ eventHistory: 10 });
  const frames = [3, 5, 9].map((sequence) =>
    history.add(finalityEvent, idOf("aaaaaaaa", sequence)).frame.toString(),
  );
  expect(frames[1]).toMatch(/^id: aaaaaaaa-5\nevent: finality\ndata: \{.*\}\n\n$/);
  expect(told(history.since("aaaaaaaa-3", FILTER))).toEqual([false, [5, 9]]);
  expect(told(history.since("aaaaaaaa-4", FILTER))).toEqual([false, [5, 9]]);
  expect(told(history.since("aaaaaaaa-10", FILTER))).toEqual([true, []]);
});

it("numbers an event by itself where it has no id", () => {
  const history = createEventHistory({ eventHistory: 10 });
  const first = /^id: (.*)-1\n/.exec(history.add(finalityEvent).frame.toString());
  history.add(alertEvent);
  expect(told(history.since(`${first?.[1]}-1`, FILTER))).toEqual([false, [2]]);
});

it("tells who reads of a gap before the event that it is before, and who comes back later", () => {
  const history = createEventHistory({ eventHistory: 10 });
  history.add(finalityEvent, idOf("aaaaaaaa", 1));
  history.add(alertEvent, idOf("aaaaaaaa", 2));
  const { frame } = history.add(finalityEvent, idOf("aaaaaaaa", 8, true));
  expect(frame.toString()).toMatch(/^event: gap\ndata: \{"data":null\}\n\nid: aaaaaaaa-8\n/);
  expect(told(history.since("aaaaaaaa-1", FILTER))).toEqual([true, [2, 8]]);
  expect(told(history.since("aaaaaaaa-1", { ...FILTER, topics: new Set(["alert"]) }))).toEqual([
    false,
    [2],
  ]);
});

it("resumes nothing of another stream once a new one has begun", () => {
  const history = createEventHistory({ eventHistory: 10 });
  const [evidence] = evidenceFixture;
  if (evidence === undefined) throw new Error("expected evidence");
  history.add({ topic: "evidence", rollupId, answer: { data: evidence } }, idOf("aaaaaaaa", 7));
  history.add(finalityEvent, idOf("bbbbbbbb", 1));
  expect(told(history.since("aaaaaaaa-7", FILTER))).toEqual([true, []]);
  expect(told(history.since("bbbbbbbb-0", FILTER))).toEqual([false, [1]]);
});

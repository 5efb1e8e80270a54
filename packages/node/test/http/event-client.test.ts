import type { ServerResponse } from "node:http";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createEventClient } from "../../src/http/event-client.ts";
import type { EventEntry } from "../../src/http/event-history.ts";

/** A response that takes so many writes until it is drained, and keeps the ids that it took. */
function createResponse(room: number): {
  readonly response: ServerResponse;
  readonly ids: number[];
  drain(): void;
} {
  const ids: number[] = [];
  let onDrain = (): void => undefined;
  let left = room;
  const response = {
    writableLength: 0,
    destroyed: false,
    get writableNeedDrain() {
      return left <= 0;
    },
    on(_: "drain", listener: () => void) {
      onDrain = listener;
    },
    write(frame: Uint8Array) {
      ids.push(Number(Buffer.from(frame).toString()));
      left -= 1;
    },
    destroy() {
      response.destroyed = true;
    },
  };
  return {
    response: response as unknown as ServerResponse,
    ids,
    drain() {
      left = room;
      onDrain();
    },
  };
}

const entryOf = (sequence: number, isFinality: boolean): EventEntry =>
  ({
    sequence,
    topic: isFinality ? "finality" : "certificate",
    rollupId: 901n,
    frame: Buffer.from(String(sequence)),
  }) as unknown as EventEntry;

it("a reader that is cut off anywhere can resume from the last id and misses no certificate", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
      fc.nat({ max: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat({ max: 20 }),
      (kinds, backlogCount, room, drains) => {
        const entries = kinds.map((isFinality, i) => entryOf(i + 1, isFinality));
        const reader = createResponse(room);
        const client = createEventClient(reader.response, {
          maxPendingBytes: 10_000,
          backlog: entries.slice(0, backlogCount),
        });
        for (const entry of entries.slice(backlogCount)) client.send(entry);
        for (let i = 0; i < drains; i++) reader.drain();
        expect(reader.ids).toEqual([...reader.ids].sort((a, b) => a - b));
        const last = reader.ids.at(-1) ?? 0;
        const missed = entries.filter(
          ({ sequence, topic }) =>
            topic !== "finality" && sequence <= last && !reader.ids.includes(sequence),
        );
        expect(missed).toEqual([]);
      },
    ),
  );
});

it("of a rollup's finality only the newest waits", () => {
  const reader = createResponse(1);
  const backlog = [1, 2, 3].map((sequence) => entryOf(sequence, true));
  createEventClient(reader.response, { maxPendingBytes: 10_000, backlog });
  reader.drain();
  expect(reader.ids).toEqual([3]);
});

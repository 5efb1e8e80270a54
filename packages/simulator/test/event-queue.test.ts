import fc from "fast-check";
import { expect, it } from "vitest";
import { createEventQueue } from "../src/event-queue.ts";

it("what is due first comes first, and what is due together in the order of its making", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 200 }), (times) => {
      const queue = createEventQueue();
      const seen: [number, number][] = [];
      for (const [order, atMs] of times.entries()) {
        queue.push(atMs, () => void seen.push([atMs, order]));
      }
      for (let next = queue.pop(); next; next = queue.pop()) next.run();
      const expected = times.map((atMs, order): [number, number] => [atMs, order]);
      expected.sort(([a, i], [b, j]) => a - b || i - j);
      expect(seen).toEqual(expected);
    }),
  );
});

import fc from "fast-check";
import { expect, it } from "vitest";
import { createL1Windows, type WindowOutcome } from "../../src/engine/settled-claims-windows.ts";

const LIMITS = { lookbackBlocks: 100n, spanBlocks: 16n };
const TURNS = 64;

it("L1 is read from as far back as is looked, window by window, and then as it grows", () => {
  const windows = createL1Windows(LIMITS);
  expect(windows.readThrough()).toBeNull();
  const read: string[] = [];
  for (let window = windows.next(130n); window !== null; window = windows.next(130n)) {
    read.push(`${window.fromBlock}-${window.toBlock}`);
    windows.settle(window, "done");
  }
  expect(read).toEqual(["30-45", "46-61", "62-77", "78-93", "94-109", "110-125", "126-130"]);
  expect(windows.readThrough()).toBe(130n);
  expect(windows.next(131n)).toEqual({ fromBlock: 131n, toBlock: 131n });
});

it("a window whose reading failed is the next one again", () => {
  const windows = createL1Windows(LIMITS);
  const first = windows.next(10n);
  expect(windows.next(10n)).toEqual(first);
});

it("what is undecided is read again now and then, until it is too old", () => {
  const windows = createL1Windows(LIMITS);
  const first = windows.next(10n);
  if (first === null) throw new Error("no window");
  windows.settle(first, "again");
  const turns = Array.from({ length: 10 }, () => windows.next(10n));
  expect(turns.filter((each) => each !== null)).toEqual([first]);
  windows.settle(first, "again");
  expect(windows.pending()).toBe(1);
  const rest = { fromBlock: 100n, toBlock: 115n };
  expect(windows.next(200n)).toEqual(rest);
  let window = windows.next(200n);
  for (let turn = 0; turn < TURNS; turn++) {
    if (window !== null) windows.settle(window, "done");
    window = windows.next(200n);
  }
  expect(windows.pending()).toBe(0);
});

it("what waits side by side is put together, as much as is read at once", () => {
  const windows = createL1Windows(LIMITS);
  for (let finalized = 0n; finalized < 20n; finalized++) {
    const window = windows.next(finalized);
    if (window !== null) windows.settle(window, "again");
  }
  expect(windows.pending()).toBe(2);
});

it("what a node finds too much is read in halves, and one block of it holds up nothing", () => {
  const windows = createL1Windows(LIMITS);
  const sizes: bigint[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const window = windows.next(1_000n);
    if (window === null) throw new Error("no window");
    sizes.push(window.toBlock - window.fromBlock + 1n);
    windows.settle(window, "too-many");
  }
  expect(sizes).toEqual([16n, 8n, 4n, 2n, 1n]);
  expect(windows.readThrough()).toBe(900n);
  expect(windows.pending()).toBe(1);
});

it("no L1 block is ever left out, whatever becomes of each window, and memory is bounded", () => {
  const outcomes = fc.array(fc.constantFrom<WindowOutcome>("done", "again", "too-many", "failed"), {
    minLength: 200,
    maxLength: 200,
  });
  fc.assert(
    fc.property(outcomes, (script) => {
      const windows = createL1Windows(LIMITS);
      const done = new Set<bigint>();
      for (const outcome of script) {
        const window = windows.next(150n);
        if (window === null) continue;
        expect(window.toBlock - window.fromBlock).toBeLessThan(16n);
        windows.settle(window, outcome);
        if (outcome !== "done") continue;
        for (let at = window.fromBlock; at <= window.toBlock; at++) done.add(at);
      }
      expect(windows.pending()).toBeLessThanOrEqual(101);
      for (let turn = 0; turn < 3_000; turn++) {
        const window = windows.next(150n);
        if (window === null) continue;
        windows.settle(window, "done");
        for (let at = window.fromBlock; at <= window.toBlock; at++) done.add(at);
      }
      expect(done.size).toBe(101);
    }),
    { numRuns: 50 },
  );
});

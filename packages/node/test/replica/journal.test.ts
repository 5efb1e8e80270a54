import { expect, it } from "vitest";
import { type Journal, type JournalEntry, openJournal } from "../../src/replica/journal.ts";
import { temporaryPath } from "../signer/test-folders.ts";

const epoch = (number: bigint): JournalEntry => ({ kind: "epoch", epoch: number });

async function note(journal: Journal, ...numbers: readonly bigint[]): Promise<void> {
  for (const number of numbers) await journal.note([epoch(number)], async () => undefined);
}

function waiting(journal: Journal, limit = 10): readonly unknown[] {
  return journal.first(limit).map(({ sequence, entry }) => [sequence, entry]);
}

it("keeps what waits in order, over a restart, and gives no number twice", async () => {
  const path = await temporaryPath();
  const before = await openJournal(path);
  await note(before, 7n, 5n, 6n);
  await before.removeThrough(1n);
  await before.stop();

  const after = await openJournal(path);
  expect(after.nodeId).toBe(before.nodeId);
  expect(waiting(after)).toEqual([
    [2n, epoch(5n)],
    [3n, epoch(6n)],
  ]);
  await after.removeThrough(3n);
  expect([after.size(), waiting(after)]).toEqual([0, []]);
  await note(after, 8n);
  expect(waiting(after)).toEqual([[4n, epoch(8n)]]);
  await after.stop();
});

it("gives nothing out whose put has not been made, nor what came after it", async () => {
  const journal = await openJournal(await temporaryPath());
  await note(journal, 1n);
  let make = (): void => undefined;
  const made = new Promise<void>((resolve) => {
    make = resolve;
  });
  const slow = journal.note([epoch(2n)], () => made);
  await note(journal, 3n);
  expect([journal.newest(), waiting(journal)]).toEqual([1n, [[1n, epoch(1n)]]]);
  make();
  await slow;
  expect([journal.newest(), waiting(journal).length]).toEqual([3n, 3]);
  await journal.stop();
});

it("an entry is on disk before its put is made, and stays where the put fails", async () => {
  const path = await temporaryPath();
  const journal = await openJournal(path);
  const failing = journal.note([epoch(1n)], async () => {
    expect(journal.size()).toBe(1);
    throw new Error("the disk is full");
  });
  await expect(failing).rejects.toThrow("the disk is full");
  expect(waiting(journal)).toEqual([[1n, epoch(1n)]]);
  await journal.stop();
});

it("tells its listener after each put", async () => {
  const journal = await openJournal(await temporaryPath());
  const heard: number[] = [];
  journal.listen(() => heard.push(journal.first(10).length));
  await note(journal, 1n, 2n);
  expect(heard).toEqual([1, 2]);
  await journal.stop();
});

it("is complete once it is said to be, and no more when too many waited", async () => {
  const path = await temporaryPath();
  const journal = await openJournal(path, { maxEntries: 3 });
  expect(journal.isComplete()).toBe(false);
  await journal.setComplete(true);
  await note(journal, 1n, 2n, 3n);
  expect(journal.isComplete()).toBe(true);
  await note(journal, 4n);
  expect([journal.isComplete(), journal.size()]).toEqual([false, 0]);
  await note(journal, 5n);
  expect(waiting(journal)).toEqual([[5n, epoch(5n)]]);
  await journal.stop();
  const after = await openJournal(path, { maxEntries: 3 });
  expect(after.isComplete()).toBe(false);
  await after.stop();
});

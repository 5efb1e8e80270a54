import type { Hex } from "@mach/core";
import { describe, expect, it } from "vitest";
import type { BatchJob, BatchReply } from "../src/batch-job.ts";
import { type BatchVerdict, createWorkQueue, type WorkQueue } from "../src/work-queue.ts";
import { digestOf } from "./vector-files.ts";

const publicKey: Hex = `0x${"11".repeat(48)}`;

function createQueue(maxQueuedAttestations = 64): WorkQueue {
  const [maxBatch, gatherMs, maxQueuedSums] = [128, 0, 4];
  return createWorkQueue({ maxBatch, gatherMs, maxQueuedAttestations, maxQueuedSums });
}

/** What begins as a compressed point does, and ends with a number. */
function signatureOf(number: number): Uint8Array {
  const signature = new Uint8Array(96);
  signature.set([0x80], 0);
  signature.set([number], 95);
  return signature;
}

function push(queue: WorkQueue, number: number, isDoubtful = false): Promise<BatchVerdict> {
  const signature = signatureOf(number);
  const message = digestOf(number);
  return queue.pushAttestation({ message, publicKey, signature, isDoubtful: () => isDoubtful });
}

/** The numbers of the signatures of a job. */
function numbersOf(job: BatchJob | undefined): readonly (number | undefined)[] {
  if (job?.kind !== "attribution") return [];
  return job.groups.flatMap((group) => group.signatures.map((signature) => signature.at(-1)));
}

/** Takes a job, answers every signature with this, and gives the job's numbers. */
async function work(
  queue: WorkQueue,
  answer: (index: number) => "bad-signature" | "undecided" | null = () => null,
): Promise<readonly (number | undefined)[]> {
  const next = await queue.next();
  const numbers = numbersOf(next?.job);
  if (next?.job.kind !== "attribution") return numbers;
  let index = 0;
  const attributions = next.job.groups.map((group) => group.signatures.map(() => answer(index++)));
  next.settle({ kind: "attribution", attributions } satisfies BatchReply);
  return numbers;
}

describe("doubtful attestations", () => {
  it("are checked when nothing else waits, four at a time", async () => {
    const queue = createQueue(256);
    for (let i = 1; i <= 6; i++) void push(queue, i, true);
    for (let i = 11; i <= 13; i++) void push(queue, i);
    expect(queue.statistics()).toMatchObject({ queuedAttestations: 9, queuedDoubtful: 6 });
    expect(await work(queue)).toEqual([11, 12, 13]);
    expect(await work(queue)).toEqual([1, 2, 3, 4]);
    void push(queue, 14);
    expect(await work(queue)).toEqual([14]);
    expect(await work(queue)).toEqual([5, 6]);
  });

  it("have their turn in the end, however much else comes", async () => {
    const queue = createQueue();
    const doubtful = push(queue, 99, true);
    const batches: (readonly (number | undefined)[])[] = [];
    for (let i = 1; i <= 20; i++) {
      void push(queue, i);
      batches.push(await work(queue));
    }
    expect(batches.findIndex(([number]) => number === 99)).toBe(16);
    expect((await doubtful).ok).toBe(true);
  });

  it("that do not wait keep nothing back, however long a burst is worked off", async () => {
    const [maxBatch, gatherMs, maxQueuedAttestations, maxQueuedSums] = [1, 0, 64, 4];
    const queue = createWorkQueue({ maxBatch, gatherMs, maxQueuedAttestations, maxQueuedSums });
    const burst = Array.from({ length: 40 }, (_, i) => push(queue, i + 1));
    // Nothing comes later that could wake the thread.
    for (let i = 1; i <= 40; i++) expect(await work(queue)).toEqual([i]);
    expect((await Promise.all(burst)).every(({ ok }) => ok)).toBe(true);
  });

  it("have a room of their own, so that they fill nobody else's", async () => {
    const queue = createQueue(32);
    const doubtful = [push(queue, 1, true), push(queue, 2, true), push(queue, 3, true)];
    expect(await doubtful[2]).toEqual({ ok: false, code: "overloaded" });
    void push(queue, 4);
    expect(await work(queue)).toEqual([4]);
  });

  it("are those, too, whose sender was found out while they waited", async () => {
    const queue = createQueue(256);
    let isFoundOut = false;
    for (let i = 1; i <= 3; i++) {
      const signature = signatureOf(i);
      const isDoubtful = (): boolean => isFoundOut;
      void queue.pushAttestation({ message: digestOf(1), publicKey, signature, isDoubtful });
    }
    void push(queue, 9);
    isFoundOut = true;
    expect(await work(queue)).toEqual([9]);
    expect(await work(queue)).toEqual([1, 2, 3]);
  });

  it("are answered when the queue is stopped", async () => {
    const queue = createQueue();
    const doubtful = push(queue, 1, true);
    queue.stop("closed");
    expect(await doubtful).toEqual({ ok: false, code: "closed" });
  });
});

describe("what a thread left undecided", () => {
  it("is checked again, and answered once", async () => {
    const queue = createQueue();
    const [first, second] = [push(queue, 1), push(queue, 2)];
    expect(await work(queue, (i) => (i === 0 ? "bad-signature" : "undecided"))).toEqual([1, 2]);
    expect(await first).toEqual({ ok: false, code: "bad-signature" });
    expect(await work(queue)).toEqual([2]);
    expect((await second).ok).toBe(true);
    expect(queue.statistics()).toMatchObject({ attestations: 2, batches: 2 });
  });

  it("is answered as closed where the queue was stopped meanwhile", async () => {
    const queue = createQueue();
    const waiting = push(queue, 1);
    const next = await queue.next();
    queue.stop("closed");
    next?.settle({ kind: "attribution", attributions: [["undecided"]] });
    expect(await waiting).toEqual({ ok: false, code: "closed" });
  });
});

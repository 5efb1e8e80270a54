import { describe, expect, it } from "vitest";
import type { Verdict } from "../../src/gossip/handlers.ts";
import {
  createValidationQueue,
  type ValidationQueueOptions,
} from "../../src/gossip/validation-queue.ts";

const ACCEPT: Verdict = { accept: true };
const OVERLOADED: Verdict = { accept: false, code: "overloaded", blame: false };

/** A queue whose checks end when they are told to, and the order in which they began. */
function queueOf(options: Partial<ValidationQueueOptions> = {}) {
  const queue = createValidationQueue({
    concurrency: 1,
    capacity: 3,
    next: "newest",
    isPreferred: (peerId) => peerId.startsWith("operator"),
    timeoutMs: 60_000,
    onLate: () => undefined,
    ...options,
  });
  const begun: string[] = [];
  const release: (() => void)[] = [];
  const run = (peerId: string, name: string): Promise<Verdict> =>
    queue.run(
      peerId,
      () =>
        new Promise((resolve) => {
          begun.push(name);
          release.push(() => resolve(ACCEPT));
        }),
    );
  const finishOne = async (): Promise<void> => {
    release.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, begun, run, finishOne };
}

describe("the validation queue", () => {
  it("runs at once what there is room for, then the newest first", async () => {
    const { begun, run, finishOne } = queueOf();
    for (const name of ["1", "2", "3", "4"]) void run("a", name);
    expect(begun).toEqual(["1"]);
    for (let i = 0; i < 4; i++) await finishOne();
    expect(begun).toEqual(["1", "4", "3", "2"]);
  });

  it("runs the oldest first where that is asked for", async () => {
    const { begun, run, finishOne } = queueOf({ next: "oldest" });
    for (const name of ["1", "2", "3"]) void run("a", name);
    for (let i = 0; i < 3; i++) await finishOne();
    expect(begun).toEqual(["1", "2", "3"]);
  });

  it("drops the oldest of the peer with most waiting when it is full, without blame", async () => {
    const { begun, run, finishOne } = queueOf();
    void run("flood", "running");
    const oldest = run("flood", "oldest");
    void run("honest", "honest");
    void run("flood", "newer");
    void run("flood", "newest");
    expect(await oldest).toEqual(OVERLOADED);
    for (let i = 0; i < 4; i++) await finishOne();
    expect(begun).toEqual(["running", "honest", "newest", "newer"]);
  });

  it("gives each peer its turn, and operators' peers theirs first", async () => {
    const { begun, run, finishOne } = queueOf({ capacity: 16 });
    for (const name of ["running", "a1", "a2", "a3"]) void run("a", name);
    for (const name of ["b1", "b2"]) void run("b", name);
    for (const name of ["o1", "o2"]) void run("operator-1", name);
    void run("operator-2", "p1");
    for (let i = 0; i < 9; i++) await finishOne();
    expect(begun).toEqual(["running", "o2", "p1", "o1", "a3", "b2", "a2", "b1", "a1"]);
  });

  it("leaves half of the checks, and of the places, to operators' peers", async () => {
    const { begun, run, queue, finishOne } = queueOf({ concurrency: 8, capacity: 8 });
    const sybils = Array.from({ length: 40 }, (_, i) => run(`sybil-${i}`, `s${i}`));
    expect(begun).toEqual(["s0", "s1", "s2", "s3"]);
    for (let i = 0; i < 6; i++) void run(`operator-${i}`, `o${i}`);
    expect(begun.slice(4)).toEqual(["o0", "o1", "o2", "o3"]);
    expect(queue.depth()).toBe(8);
    for (let i = 0; i < 2; i++) await finishOne();
    expect(begun.slice(8)).toEqual(["o4", "o5"]);
    expect(await sybils[4]).toEqual(OVERLOADED);
  });

  it("gives an operator's peer a quarter of the checks at most, and another a sixteenth", () => {
    const { begun, run } = queueOf({ concurrency: 16, capacity: 16 });
    for (let i = 0; i < 6; i++) void run("operator-1", `o${i}`);
    for (let i = 0; i < 6; i++) void run("a", `a${i}`);
    expect(begun).toEqual(["o0", "o1", "o2", "o3", "a0"]);
  });

  it("gives up on a check that does not end, and goes on", async () => {
    const { begun, run } = queueOf({ timeoutMs: 20 });
    const stuck = run("a", "stuck");
    void run("a", "next");
    expect(await stuck).toEqual({ accept: false, code: "handler-timeout", blame: false });
    expect(begun).toEqual(["stuck", "next"]);
  });

  it("tells of the verdict that comes after its message was given up", async () => {
    const late: unknown[] = [];
    const { run, finishOne } = queueOf({
      timeoutMs: 20,
      onLate: (peerId, verdict) => late.push([peerId, verdict]),
    });
    await run("a", "slow");
    expect(late).toEqual([]);
    await finishOne();
    expect(late).toEqual([["a", ACCEPT]]);
    void run("a", "in time");
    await finishOne();
    expect(late).toHaveLength(1);
  });

  it("drops what waits when it is closed", async () => {
    const { queue, run } = queueOf();
    void run("a", "running");
    const waiting = run("a", "waiting");
    queue.close();
    expect(await waiting).toEqual(OVERLOADED);
  });
});

import { Worker } from "node:worker_threads";
import { describe, expect, it, onTestFinished } from "vitest";
import { startExecutionThread } from "../src/execution-thread.ts";
import { createExecutor, type ExecutorOptions } from "../src/executor.ts";
import { keccak, mapKey } from "../src/keccak.ts";
import type { Missing } from "../src/verdict.ts";
import { readRealBlock } from "./support/real-blocks.ts";

const small = readRealBlock(26207960);

function start(options: Partial<ExecutorOptions> = {}) {
  const executor = createExecutor(options);
  onTestFinished(() => executor.stop());
  return executor;
}

/** A thread that says that it is ready and then does what the code says. */
function thread(code: string): Worker {
  const ready = "const { parentPort } = require('node:worker_threads');";
  return new Worker(`${ready} parentPort.postMessage({ kind: "ready" }); ${code}`, { eval: true });
}

describe("an executor", () => {
  it("executes blocks off the main thread, several one after the other", async () => {
    const executor = start();
    const verdicts = await Promise.all([1, 2, 3].map(() => executor.execute(small)));
    for (const verdict of verdicts) {
      expect(verdict).toMatchObject({ outcome: "valid", blockHash: small.block.blockHash });
    }
  });

  it("ends a thread that takes too long, and executes the next block on another", async () => {
    const executor = start({ timeoutMs: 1 });
    const late = { outcome: "unverifiable", code: "timeout" };
    expect(await executor.execute(small)).toMatchObject(late);
    expect(await executor.execute(small)).toMatchObject(late);
  });

  it("answers what it cannot take on: a full queue, and after its end", async () => {
    const executor = start({ maxWaiting: 1 });
    const [, , third] = await Promise.all([1, 2, 3].map(() => executor.execute(small)));
    expect(third).toMatchObject({ outcome: "unverifiable", code: "unavailable" });
    await executor.stop();
    expect(await executor.execute(small)).toMatchObject({ code: "unavailable" });
  });

  it("fetches what the witness lacks until it lacks nothing", async () => {
    const all = new Map(small.witness.map((bytes) => [mapKey(keccak(bytes)), bytes]));
    const asked: Missing[] = [];
    const executor = start({ maxFetches: 100 });
    const removed = 3;
    const verdict = await executor.execute(
      { ...small, witness: small.witness.slice(removed) },
      async (missing) => {
        asked.push(...missing);
        return missing.flatMap(({ hash }) => all.get(hash.slice(2)) ?? []);
      },
    );
    expect(verdict).toMatchObject({ outcome: "valid" });
    expect(asked.length).toBeLessThanOrEqual(removed);
  });

  it("says what is missing where nobody has it", async () => {
    const executor = start();
    const input = { ...small, witness: [] };
    const lacking = { outcome: "unverifiable", code: "missing-preimage" };
    expect(await executor.execute(input, async () => [])).toMatchObject(lacking);
    const failing = () => Promise.reject(new Error("down"));
    expect(await executor.execute(input, failing)).toMatchObject(lacking);
    // What is fetched is hashed like the rest: other bytes are no answer.
    const lying = async () => [Uint8Array.of(1)];
    expect(await executor.execute(input, lying)).toMatchObject(lacking);
  });
});

describe("a thread that executes", () => {
  it.each([
    ["throws", "parentPort.on('message', () => { throw new Error('bang'); });"],
    ["exits", "parentPort.on('message', () => process.exit(3));"],
    [
      "leaves a rejection",
      "parentPort.on('message', () => { void Promise.reject(new Error('lost')); });",
    ],
  ])("and %s makes its block unverifiable, and this process goes on", async (_name, code) => {
    const started = await startExecutionThread(thread(code), 10_000);
    expect(await started?.run(small, 10_000)).toMatchObject({ code: "worker-died" });
    expect(started?.hasEnded()).toBe(true);
    expect(await started?.run(small, 10_000)).toMatchObject({ code: "worker-died" });
  });

  it("and hangs is ended by the watchdog", async () => {
    const hanging = thread("parentPort.on('message', () => { for (;;); });");
    const started = await startExecutionThread(hanging, 10_000);
    expect(await started?.run(small, 100)).toMatchObject({ code: "timeout" });
    expect(started?.hasEnded()).toBe(true);
  });

  it("and never says that it is ready is not used", async () => {
    const silent = new Worker("setInterval(() => undefined, 1000)", { eval: true });
    expect(await startExecutionThread(silent, 100)).toBeNull();
  });
});

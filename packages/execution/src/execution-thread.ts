import { Worker } from "node:worker_threads";
import type { ExecutionJob, ExecutionReply } from "./execution-job.ts";
import { unverifiable, type Verdict } from "./verdict.ts";

/** A thread that executes one block at a time. */
export interface ExecutionThread {
  /** The verdict; an unverifiable one if the thread dies or the time runs out. */
  run(job: ExecutionJob, timeoutMs: number): Promise<Verdict>;
  /** Whether the thread is gone, by itself, by the watchdog or by `stop`. */
  hasEnded(): boolean;
  stop(): Promise<void>;
}

/** Starts a thread; null where it does not load. */
export async function startExecutionThread(
  worker: Worker,
  startTimeoutMs: number,
): Promise<ExecutionThread | null> {
  let waiting: ((reply: ExecutionReply | null) => void) | null = null;
  let hasEnded = false;

  function settle(reply: ExecutionReply | null): void {
    const settleWaiting = waiting;
    waiting = null;
    settleWaiting?.(reply);
  }

  /** The next reply, or null when the thread has ended, which the watchdog makes sure of. */
  async function nextReply(timeoutMs: number): Promise<ExecutionReply | null> {
    const timer = setTimeout(() => void worker.terminate(), timeoutMs);
    try {
      return await new Promise((resolve) => {
        waiting = resolve;
      });
    } finally {
      clearTimeout(timer);
    }
  }

  worker.on("message", (reply: ExecutionReply) => settle(reply));
  // The exit follows; without a listener the error would end this process.
  worker.on("error", () => undefined);
  worker.on("messageerror", () => void worker.terminate());
  worker.once("exit", () => {
    hasEnded = true;
    settle(null);
  });

  if ((await nextReply(startTimeoutMs))?.kind !== "ready") {
    await worker.terminate();
    return null;
  }
  return {
    hasEnded: () => hasEnded,
    async run(job, timeoutMs) {
      if (hasEnded) return unverifiable("worker-died", "the thread has ended");
      const startedAt = performance.now();
      worker.postMessage(job);
      const reply = await nextReply(timeoutMs);
      if (reply?.kind === "verdict") return reply.verdict;
      const isLate = performance.now() - startedAt >= timeoutMs;
      if (!hasEnded) await worker.terminate();
      return isLate
        ? unverifiable("timeout", `the execution took more than ${timeoutMs} ms`)
        : unverifiable("worker-died", "the thread ended before it had a verdict");
    },
    async stop() {
      await worker.terminate();
    },
  };
}

/** From source (tests, `tsx`) the thread is TypeScript and begins with a loader. */
export function spawnExecutionWorker(maxHeapMiB: number): Worker {
  const isSource = import.meta.url.endsWith(".ts");
  const file = isSource ? "./execution-worker-source.mjs" : "./execution-worker.js";
  // Not the parent's arguments: they may name a loader or a condition that the other form lacks.
  const execArgv = isSource ? ["--conditions=@mach/source"] : [];
  const resourceLimits = { maxOldGenerationSizeMb: maxHeapMiB };
  return new Worker(new URL(file, import.meta.url), {
    execArgv,
    name: "mach-execution",
    resourceLimits,
  });
}

import { Worker } from "node:worker_threads";
import type { BatchJob, BatchReply } from "./batch-job.ts";
import { BlsError } from "./errors.ts";

/** A thread that runs one job at a time. */
export interface WorkerThread {
  /** The answer, or null if the thread dies or the time runs out before there is one. */
  run(job: BatchJob, timeoutMs: number): Promise<BatchReply | null>;
  /** Whether the thread is gone, by itself or by `stop`. */
  hasEnded(): boolean;
  stop(): Promise<void>;
}

/** Starts a thread and waits until it has loaded its library. Throws `worker-unavailable`. */
export async function startWorkerThread(worker: Worker = spawnWorker()): Promise<WorkerThread> {
  let waiting: ((reply: BatchReply | null) => void) | null = null;
  let failure: unknown;
  let hasEnded = false;

  function settle(reply: BatchReply | null): void {
    const settleWaiting = waiting;
    waiting = null;
    settleWaiting?.(reply);
  }

  function nextReply(): Promise<BatchReply | null> {
    return new Promise((resolve) => {
      waiting = resolve;
    });
  }

  worker.on("message", (reply: BatchReply) => settle(reply));
  worker.on("error", (error) => {
    failure = error;
  });
  worker.on("messageerror", () => void worker.terminate());
  worker.once("exit", () => {
    hasEnded = true;
    settle(null);
  });

  if ((await nextReply())?.kind !== "ready") {
    await worker.terminate();
    const problem = "A thread of the batch verifier did not start; see the cause.";
    throw new BlsError("worker-unavailable", problem, { cause: failure });
  }
  return {
    hasEnded: () => hasEnded,
    async run(job, timeoutMs) {
      if (hasEnded) return null;
      const reply = nextReply();
      worker.postMessage(job, transferable(job));
      const timer = setTimeout(() => void worker.terminate(), timeoutMs);
      try {
        return await reply;
      } finally {
        clearTimeout(timer);
      }
    },
    async stop() {
      await worker.terminate();
    },
  };
}

/** The job's signatures lie in buffers of its own: they move to the thread without a copy. */
function transferable(job: BatchJob): ArrayBuffer[] {
  const signatures =
    job.kind === "sum" ? job.sum.signatures : job.groups.flatMap((group) => group.signatures);
  const buffers = new Set(signatures.map((signature) => signature.buffer as ArrayBuffer));
  return [...buffers];
}

/** From source (tests, `tsx`) the thread is TypeScript and begins with a loader. */
function spawnWorker(): Worker {
  const isSource = import.meta.url.endsWith(".ts");
  const file = isSource ? "./batch-worker-source.mjs" : "./batch-worker.js";
  // Not the parent's arguments: they may name a loader or a condition that the other form lacks.
  const execArgv = isSource ? ["--conditions=@mach/source"] : [];
  return new Worker(new URL(file, import.meta.url), { execArgv, name: "mach-bls" });
}

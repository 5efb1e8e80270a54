import { BlsError } from "./errors.ts";
import {
  type Attestation,
  type BatchVerdict,
  createWorkQueue,
  type SumRequest,
  type WorkQueue,
  type WorkQueueOptions,
  type WorkQueueStatistics,
} from "./work-queue.ts";
import { startWorkerThread, type WorkerThread } from "./worker-thread.ts";

export interface BatchVerifierOptions extends WorkQueueOptions {
  /** Threads, 1 to 16. */
  readonly workers: number;
  /** A thread that takes longer for one batch is ended. */
  readonly jobTimeoutMs: number;
}

export const DEFAULT_BATCH_VERIFIER_OPTIONS: BatchVerifierOptions = {
  workers: 1,
  maxBatch: 128,
  gatherMs: 0,
  maxQueuedAttestations: 8192,
  maxQueuedSums: 256,
  jobTimeoutMs: 10_000,
};

export interface BatchVerifierStatistics extends WorkQueueStatistics {
  /** Threads that live. One that died is replaced when there is work for it. */
  readonly threads: number;
  /** Threads that were started again after one had died. */
  readonly restarts: number;
}

/** Checks signatures off the calling thread. Its promises never reject. */
export interface BatchVerifier {
  /** The attribution check of one attestation, together with whatever else waits. */
  verify(attestation: Attestation): Promise<BatchVerdict>;
  /** The certificate check (see `NativeBls.verifySum`), ahead of attestations that wait. */
  verifySum(request: SumRequest): Promise<BatchVerdict>;
  statistics(): BatchVerifierStatistics;
  /**
   * Resolves to a `worker-unavailable` when no thread is left that can check anything, and all is
   * answered `verifier-failed` from then on; never where it was closed before.
   */
  readonly failed: Promise<BlsError>;
  /** Ends the threads; what has no answer yet is answered `closed`. */
  close(): Promise<void>;
}

/**
 * Starts the threads. A batch is whatever arrived while the last one ran, or within `gatherMs`:
 * with 0 a single attestation on an idle verifier goes at once, and batches grow with the load.
 * Throws a BlsError `worker-unavailable`, and a RangeError for options out of their bounds.
 */
export async function createBatchVerifier(
  options: Partial<BatchVerifierOptions> = {},
): Promise<BatchVerifier> {
  const dependencies = { startThread: () => startWorkerThread() };
  return createBatchVerifierOn(dependencies, { ...DEFAULT_BATCH_VERIFIER_OPTIONS, ...options });
}

/** The verifier on threads from elsewhere: how a test gets hold of a thread. */
export async function createBatchVerifierOn(
  dependencies: { readonly startThread: () => Promise<WorkerThread> },
  options: BatchVerifierOptions,
): Promise<BatchVerifier> {
  assertBounds(options);
  const { startThread } = dependencies;
  const { jobTimeoutMs, workers } = options;
  const queue = createWorkQueue(options);
  const live = new Set(await startAll(startThread, workers));
  let restarts = 0;
  let isClosed = false;
  let fail = (_: BlsError): void => undefined;
  const failed = new Promise<BlsError>((resolve) => {
    fail = resolve;
  });

  async function replace(dead: WorkerThread): Promise<WorkerThread | null> {
    live.delete(dead);
    const thread = await startAgain(startThread);
    if (thread === null) return null;
    live.add(thread);
    restarts += 1;
    return thread;
  }

  async function serve(first: WorkerThread): Promise<void> {
    const last = await runJobs(first, { queue, replace, jobTimeoutMs });
    live.delete(last);
    if (live.size === 0) {
      queue.stop("verifier-failed");
      const problem = "The threads that check signatures have died, one after the other.";
      if (!isClosed) fail(new BlsError("worker-unavailable", `${problem} Start again.`));
    }
    await last.stop();
  }

  const lives = [...live].map(serve);
  return {
    verify: (attestation) => queue.pushAttestation(attestation),
    verifySum: (request) => queue.pushSum(request),
    statistics: () => ({
      ...queue.statistics(),
      threads: [...live].filter((thread) => !thread.hasEnded()).length,
      restarts,
    }),
    failed,
    async close() {
      isClosed = true;
      queue.stop("closed");
      await Promise.all([...live].map((thread) => thread.stop()));
      await Promise.all(lives);
    },
  };
}

/**
 * Runs jobs until the queue stops, on another thread after one has died. A thread that dies before
 * it has done one job is not replaced: whatever kills it would go on. Returns the last thread.
 */
async function runJobs(
  first: WorkerThread,
  context: {
    readonly queue: WorkQueue;
    readonly replace: (dead: WorkerThread) => Promise<WorkerThread | null>;
    readonly jobTimeoutMs: number;
  },
): Promise<WorkerThread> {
  let thread = first;
  let isProven = true;
  for (let work = await context.queue.next(); work !== null; work = await context.queue.next()) {
    if (thread.hasEnded()) {
      const next = isProven ? await context.replace(thread) : null;
      if (next === null) {
        work.settle(null);
        return thread;
      }
      thread = next;
      isProven = false;
    }
    const reply = await thread.run(work.job, context.jobTimeoutMs);
    work.settle(reply);
    isProven ||= reply !== null;
  }
  return thread;
}

async function startAgain(startThread: () => Promise<WorkerThread>): Promise<WorkerThread | null> {
  try {
    return await startThread();
  } catch {
    // Nobody waits for this start: whose check it was is told that the verifier failed.
    return null;
  }
}

async function startAll(
  startThread: () => Promise<WorkerThread>,
  count: number,
): Promise<WorkerThread[]> {
  const starts = Array.from({ length: count }, () => startThread());
  try {
    return await Promise.all(starts);
  } catch (error) {
    for (const start of await Promise.allSettled(starts)) {
      if (start.status === "fulfilled") await start.value.stop();
    }
    throw error;
  }
}

function assertBounds(options: BatchVerifierOptions): void {
  const { workers, maxBatch, maxQueuedAttestations, maxQueuedSums, jobTimeoutMs } = options;
  const { gatherMs } = options;
  const isPositive = [workers, maxBatch, maxQueuedAttestations, maxQueuedSums, jobTimeoutMs].every(
    (value) => Number.isSafeInteger(value) && value > 0,
  );
  const isGatherTime = Number.isSafeInteger(gatherMs) && gatherMs >= 0 && gatherMs <= 1_000;
  if (!isPositive || !isGatherTime || workers > 16 || maxBatch > 1024) {
    throw new RangeError("options of the batch verifier out of bounds");
  }
}

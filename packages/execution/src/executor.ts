import type { ExecutionInput } from "./block-input.ts";
import {
  type ExecutionThread,
  spawnExecutionWorker,
  startExecutionThread,
} from "./execution-thread.ts";
import { type Missing, unverifiable, type Verdict } from "./verdict.ts";
import type { Witness } from "./witness.ts";

/**
 * Fetches preimages that a witness lacks, such as the sibling of a deleted slot. What it gives is
 * hashed like the rest; it gives nothing for what it does not find.
 */
export type FetchMissing = (missing: readonly Missing[]) => Promise<Witness>;

export interface ExecutorOptions {
  /** Blocks executed at the same time, each on a thread of its own. */
  readonly threads: number;
  /** Blocks that may wait; more are answered as unverifiable. */
  readonly maxWaiting: number;
  /** After this long a thread is ended and its block is unverifiable. */
  readonly timeoutMs: number;
  /** How often what is missing may be fetched for one block. */
  readonly maxFetches: number;
  /** The most memory of a thread's heap, in MiB; a thread that needs more dies alone. */
  readonly maxHeapMiB: number;
}

export const DEFAULT_EXECUTOR_OPTIONS: ExecutorOptions = {
  threads: 1,
  maxWaiting: 64,
  timeoutMs: 60_000,
  maxFetches: 8,
  maxHeapMiB: 1024,
};

/** Executes blocks off the main thread. */
export interface Executor {
  /** Never rejects. `fetchMissing` is asked for what the witness lacks, and the block run again. */
  execute(input: ExecutionInput, fetchMissing?: FetchMissing): Promise<Verdict>;
  /** Ends every thread; what runs or waits is unverifiable. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/** An executor whose threads start when they are first needed and are replaced when they die. */
export function createExecutor(options: Partial<ExecutorOptions> = {}): Executor {
  const limits = { ...DEFAULT_EXECUTOR_OPTIONS, ...options };
  const idle: ExecutionThread[] = [];
  const threads = new Set<ExecutionThread>();
  const waiting: (() => void)[] = [];
  let busy = 0;
  let isStopped = false;

  async function withThread(input: ExecutionInput): Promise<Verdict> {
    if (isStopped) return unverifiable("unavailable", "the executor is stopped");
    if (busy >= limits.threads) {
      if (waiting.length >= limits.maxWaiting) {
        return unverifiable("unavailable", "too many blocks wait to be executed");
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
      if (isStopped) return unverifiable("unavailable", "the executor is stopped");
    }
    busy++;
    try {
      const thread = idle.pop() ?? (await startThread());
      if (thread === null) return unverifiable("unavailable", "no thread could be started");
      const verdict = await thread.run(input, limits.timeoutMs);
      if (thread.hasEnded()) threads.delete(thread);
      else idle.push(thread);
      return verdict;
    } finally {
      busy--;
      waiting.shift()?.();
    }
  }

  async function startThread(): Promise<ExecutionThread | null> {
    const worker = spawnExecutionWorker(limits.maxHeapMiB);
    const thread = await startExecutionThread(worker, START_TIMEOUT_MS);
    if (thread === null) return null;
    if (isStopped) {
      await thread.stop();
      return null;
    }
    threads.add(thread);
    return thread;
  }

  return {
    async execute(input, fetchMissing) {
      let { witness } = input;
      for (let fetches = 0; ; fetches++) {
        const verdict = await withThread({ ...input, witness });
        const isLacking = verdict.outcome === "unverifiable" && verdict.missing.length > 0;
        if (!isLacking || fetchMissing === undefined || fetches >= limits.maxFetches) {
          return verdict;
        }
        // A source that fails has not found it: the verdict that names what is missing stands.
        const found = await fetchMissing(verdict.missing).catch(() => []);
        if (found.length === 0) return verdict;
        witness = [...witness, ...found];
      }
    },
    async stop() {
      isStopped = true;
      for (const resolve of waiting.splice(0)) resolve();
      await Promise.all([...threads].map((thread) => thread.stop()));
    },
  };
}

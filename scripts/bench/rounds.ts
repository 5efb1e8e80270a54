import { setImmediate as nextTurn } from "node:timers/promises";
import type { BenchContext } from "./bench-context.ts";

export interface RoundCounts {
  /** Rounds that do not count, while code is compiled and caches fill. */
  readonly warmUp: number;
  readonly rounds: number;
}

/** Runs rounds one after the other. */
export async function runRounds<T>(
  context: BenchContext,
  { warmUp, rounds }: RoundCounts,
  round: () => Promise<T> | T,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (let index = -warmUp; index < rounds; index++) {
    // Rounds may block this thread: between two of them a signal gets its turn.
    await nextTurn();
    context.signal.throwIfAborted();
    const result = await round();
    if (index >= 0) results.push(result);
  }
  return results;
}

/** The CPU time of this process, all threads, in microseconds. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The CPU time that a piece of work takes, in microseconds. */
export async function cpuMicrosOf(work: () => Promise<unknown> | unknown): Promise<number> {
  const before = cpuMicros();
  await work();
  return cpuMicros() - before;
}

import { setImmediate as nextTurn } from "node:timers/promises";
import type { BenchContext } from "./bench-context.ts";

/** Runs rounds one after the other, the first of which only warms up. */
export async function runRounds<T>(
  context: BenchContext,
  count: number,
  round: (index: number) => Promise<T> | T,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (let index = -1; index < count; index++) {
    // Rounds may block this thread: between two of them a signal gets its turn.
    await nextTurn();
    context.signal.throwIfAborted();
    const result = await round(index);
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

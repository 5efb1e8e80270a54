import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Distributions that belong together, in milliseconds. */
export interface Chart {
  /** The name of its file, without an ending. */
  readonly name: string;
  readonly title: string;
  readonly series: readonly { readonly label: string; readonly values: readonly number[] }[];
}

/** The repository's root. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

type Task = () => Promise<unknown> | unknown;

/** What a benchmark is given: it leaves nothing behind that it has told `defer` of. */
export interface BenchContext {
  readonly signal: AbortSignal;
  readonly progress: (step: string) => void;
  /** Takes the values behind some rows, to be drawn where charts are asked for. */
  readonly chart: (chart: Chart) => void;
  /** Runs when the benchmark is over, however it ends, the last one first. */
  defer(task: Task): void;
  /** A folder on the disk of the repository, removed at the end. */
  makeFolder(): string;
}

export interface BenchOptions {
  readonly signal: AbortSignal;
  readonly progress: (step: string) => void;
  readonly chart?: (chart: Chart) => void;
}

/** Runs a benchmark and then, whatever came of it, all that it deferred. */
export async function withContext<T>(
  options: BenchOptions,
  bench: (context: BenchContext) => Promise<T>,
): Promise<T> {
  const { signal } = options;
  const tasks: Task[] = [];
  let isOver = false;
  const defer = (task: Task): void => {
    // Something that was still starting when all was ended.
    if (isOver) void task();
    else tasks.push(task);
  };
  const context: BenchContext = {
    ...options,
    chart: options.chart ?? (() => undefined),
    defer,
    makeFolder() {
      const folder = makeFolder();
      defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
      return folder;
    },
  };
  try {
    signal.throwIfAborted();
    return await Promise.race([bench(context), rejectWhenAborted(signal)]);
  } finally {
    isOver = true;
    for (const task of tasks.reverse()) await task();
  }
}

/** Not under the system's folder for temporary files, which may be in memory: nothing syncs there. */
function makeFolder(): string {
  const parent = join(ROOT, "node_modules");
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, ".bench-"));
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

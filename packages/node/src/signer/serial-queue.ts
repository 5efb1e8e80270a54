/** Runs tasks one after the other, in order. */
export interface SerialQueue {
  /** The task's result, or null at once where `maxWaiting` tasks are under way or waiting. */
  run<T>(task: () => Promise<T>): Promise<T> | null;
  /** Resolves when all tasks so far have ended. */
  settled(): Promise<void>;
}

/** A bounded queue; a task that throws does not hold up those behind it. */
export function createSerialQueue(options: { readonly maxWaiting: number }): SerialQueue {
  let waiting = 0;
  let tail: Promise<void> = Promise.resolve();

  return {
    run(task) {
      if (waiting >= options.maxWaiting) return null;
      waiting++;
      const result = tail.then(task);
      const leave = (): void => {
        waiting--;
      };
      tail = result.then(leave, leave);
      return result;
    },
    settled: () => tail,
  };
}

/** The timers of something that runs until it is stopped: pauses that can be cut short, and beats. */
export interface Pacer {
  /** Forgets earlier wake-ups: what is read from now on is up to date. */
  arm(): void;
  /** Ends the current pause, or the next one if none is under way. */
  wake(): void;
  /** At least `minMs`, then until woken, `maxMs` at the most (null: no bound). */
  pause(bounds: { readonly minMs: number; readonly maxMs: number | null }): Promise<void>;
  /** Runs the task again and again, `ms` after its last end. */
  every(ms: number, task: () => Promise<void>): void;
  /** Ends every pause and beat. */
  stop(): void;
}

export function createPacer(): Pacer {
  const sleeping = new Map<() => void, NodeJS.Timeout | undefined>();
  const cuttable = new Set<() => void>();
  let isWoken = false;
  let isStopped = false;

  function sleep(ms: number | null, canCut: boolean): Promise<void> {
    if (isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(sleeping.get(end));
        sleeping.delete(end);
        cuttable.delete(end);
        resolve();
      };
      sleeping.set(end, ms === null ? undefined : setTimeout(end, ms));
      if (canCut) cuttable.add(end);
    });
  }

  async function beat(ms: number, task: () => Promise<void>): Promise<void> {
    while (!isStopped) {
      await sleep(ms, false);
      if (!isStopped) await task();
    }
  }

  return {
    arm() {
      isWoken = false;
    },
    wake() {
      isWoken = true;
      for (const end of [...cuttable]) end();
    },
    async pause({ minMs, maxMs }) {
      if (minMs > 0) await sleep(minMs, false);
      if (!isWoken) await sleep(maxMs === null ? null : Math.max(0, maxMs - minMs), true);
    },
    every(ms, task) {
      void beat(ms, task);
    },
    stop() {
      isStopped = true;
      for (const end of [...sleeping.keys()]) end();
    },
  };
}

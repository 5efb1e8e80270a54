/** Whether the event loop, which the node's own work needs too, keeps up. */
export interface LoopDelay {
  /** Whether it has been late for about a second. */
  isLate(): boolean;
  start(): void;
  stop(): void;
}

const SAMPLE_MS = 100;
/** More than half of so many are to be late: one long task, or a pause of the collector, is no overload. */
const SAMPLES = 9;

/** Measures how much later than asked for a timer fires. */
export function createLoopDelay(
  { now }: { readonly now: () => number },
  { maxDelayMs }: { readonly maxDelayMs: number },
): LoopDelay {
  const delays: number[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  let expectedAt = 0;

  function sample(): void {
    const at = now();
    delays.push(at - expectedAt);
    if (delays.length > SAMPLES) delays.shift();
    isLate = delays.filter((each) => each > maxDelayMs).length > SAMPLES / 2;
    arm(at);
  }

  function arm(at: number): void {
    expectedAt = at + SAMPLE_MS;
    timer = setTimeout(sample, SAMPLE_MS);
    timer.unref();
  }

  return {
    isLate: () => isLate,
    start: () => arm(now()),
    stop() {
      clearTimeout(timer);
      isLate = false;
    },
  };
}

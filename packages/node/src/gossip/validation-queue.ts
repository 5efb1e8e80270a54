import type { Verdict } from "./handlers.ts";

/** Holds messages back while enough of them are being checked. */
export interface ValidationQueue {
  /** Runs the check, now or later; a message that is dropped resolves to a verdict that says so. */
  run(peerId: string, check: () => Promise<Verdict>): Promise<Verdict>;
  /** How many wait. */
  depth(): number;
  /** Drops what waits. */
  close(): void;
}

export interface ValidationQueueOptions {
  /** How many checks run at once. */
  readonly concurrency: number;
  /** How many wait. */
  readonly capacity: number;
  /** Which of those that wait is next: for attestations the newest, which is still of use. */
  readonly next: "newest" | "oldest";
  /** How long one check may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of the verdict that came after its message was given up: slow is not innocent. */
  readonly onLate: (peerId: string, verdict: Verdict) => void;
}

interface Waiting {
  readonly peerId: string;
  readonly check: () => Promise<Verdict>;
  readonly resolve: (verdict: Verdict) => void;
}

/** Own overload punishes nobody. */
const OVERLOADED: Verdict = { accept: false, code: "overloaded", blame: false };
const TIMED_OUT: Verdict = { accept: false, code: "handler-timeout", blame: false };

/**
 * A bounded queue. When it is full, the oldest message of the peer that has most of them waiting
 * makes room, so that one peer's flood does not push out what the others sent.
 */
export function createValidationQueue(options: ValidationQueueOptions): ValidationQueue {
  const waiting: Waiting[] = [];
  let running = 0;
  const start = (entry: Waiting): void => {
    running += 1;
    void settle(entry, options).then((verdict) => {
      running -= 1;
      entry.resolve(verdict);
      const next = options.next === "newest" ? waiting.pop() : waiting.shift();
      if (next !== undefined) start(next);
    });
  };
  return {
    run: (peerId, check) =>
      new Promise((resolve) => {
        const entry = { peerId, check, resolve };
        if (running < options.concurrency) {
          start(entry);
          return;
        }
        waiting.push(entry);
        if (waiting.length > options.capacity) dropOne(waiting);
      }),
    depth: () => waiting.length,
    close(): void {
      for (const entry of waiting.splice(0)) entry.resolve(OVERLOADED);
    },
  };
}

function dropOne(waiting: Waiting[]): void {
  const counts = new Map<string, number>();
  let most = "";
  for (const { peerId } of waiting) {
    const count = (counts.get(peerId) ?? 0) + 1;
    counts.set(peerId, count);
    if (count > (counts.get(most) ?? 0)) most = peerId;
  }
  const [dropped] = waiting.splice(
    waiting.findIndex((entry) => entry.peerId === most),
    1,
  );
  dropped?.resolve(OVERLOADED);
}

/** The check's verdict; a rejection is the caller's to turn into one beforehand. */
async function settle(
  { check, peerId }: Waiting,
  { timeoutMs, onLate }: ValidationQueueOptions,
): Promise<Verdict> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const timeout = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => {
      isLate = true;
      resolve(TIMED_OUT);
    }, timeoutMs);
    timer.unref();
  });
  const checked = check().then((verdict) => {
    if (isLate) onLate(peerId, verdict);
    return verdict;
  });
  try {
    return await Promise.race([checked, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

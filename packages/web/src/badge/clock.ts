/** A moment by two clocks, milliseconds. */
export interface Instant {
  /** Never goes back, but may stand still while the machine sleeps. */
  readonly steadyMs: number;
  /** Since 1970; goes on while the machine sleeps, and may be set back. */
  readonly wallMs: number;
}

export interface Clock {
  now(): Instant;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => ({ steadyMs: performance.now(), wallMs: Date.now() }),
};

/** The longer of what both clocks say: neither sleep nor a clock that is set back makes it young. */
export function elapsedMs(since: Instant, now: Instant): number {
  return Math.max(now.steadyMs - since.steadyMs, now.wallMs - since.wallMs, 0);
}

/** A moment by two clocks: one that no one can set, one that goes on while the device sleeps. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** The clock of a page. */
export type Clock = () => Moment;

/** This browser's clocks. */
export const browserClock: Clock = () => ({ monotonicMs: performance.now(), wallMs: Date.now() });

/**
 * Milliseconds between two moments: the longer of both spans, so that neither sleep nor a clock that
 * was set back makes anything look newer than it is.
 */
export function elapsedMs(from: Moment, to: Moment): number {
  return Math.max(0, to.monotonicMs - from.monotonicMs, to.wallMs - from.wallMs);
}

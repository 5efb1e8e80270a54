/** How old what this process knows is. */
export interface Freshness {
  /** It was so `ageMs` before `askedAtMs` of this process's monotonic clock, or later. */
  set(known: { readonly askedAtMs: number; readonly ageMs: number }): void;
  /** Milliseconds; Infinity where nothing is known. */
  ageMs(): number;
  isFresh(): boolean;
}

/**
 * By the database's clock for as long as it is in the database, by this process's monotonic one
 * from the question on: no two machines' clocks are ever compared.
 */
export function createFreshness(options: {
  readonly maxAgeMs: number;
  /** Monotonic, milliseconds. */
  readonly clock: () => number;
}): Freshness {
  let trueAtMs = Number.NEGATIVE_INFINITY;
  const ageMs = (): number => Math.max(0, options.clock() - trueAtMs);
  return {
    set({ askedAtMs, ageMs: age }) {
      trueAtMs = askedAtMs - Math.max(0, age);
    },
    ageMs,
    isFresh: () => ageMs() <= options.maxAgeMs,
  };
}

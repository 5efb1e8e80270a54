/** How old what this process knows is. */
export interface Freshness {
  /**
   * It was so `ageMs` before `askedAtMs` of this process's monotonic clock, or later. What was
   * written anew has another `version`.
   */
  set(known: {
    readonly askedAtMs: number;
    readonly ageMs: number;
    readonly version: string;
  }): void;
  /** Milliseconds; Infinity where nothing is known. */
  ageMs(): number;
  isFresh(): boolean;
}

/**
 * By the database's clock for as long as it is in the database, by this process's monotonic one
 * from the question on: no two machines' clocks are ever compared. Nor is the database's believed
 * where it was set back: what was not written anew does not become younger.
 */
export function createFreshness(options: {
  readonly maxAgeMs: number;
  /** Monotonic, milliseconds. */
  readonly clock: () => number;
}): Freshness {
  let trueAtMs = Number.NEGATIVE_INFINITY;
  let known: string | null = null;
  const ageMs = (): number => Math.max(0, options.clock() - trueAtMs);
  return {
    set({ askedAtMs, ageMs: age, version }) {
      const saidAtMs = age < 0 ? Number.NEGATIVE_INFINITY : askedAtMs - age;
      trueAtMs = version === known ? Math.min(trueAtMs, saidAtMs) : saidAtMs;
      known = version;
    },
    ageMs,
    isFresh: () => ageMs() <= options.maxAgeMs,
  };
}

/** How often each thing was done, by name. */
export type Counts = Readonly<Record<string, number>>;

/** Counts the faults that were really injected: planned ones may meet nothing. */
export interface Coverage {
  count(name: string, times?: number): void;
  counts(): Counts;
}

/** Nothing counted yet. */
export function createCoverage(): Coverage {
  const counted = new Map<string, number>();
  return {
    count: (name, times = 1) => void counted.set(name, (counted.get(name) ?? 0) + times),
    counts: () => Object.fromEntries([...counted].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** The sums of two, name by name. */
export function addCounts(left: Counts, right: Counts): Counts {
  const sum = createCoverage();
  for (const counts of [left, right]) {
    for (const [name, times] of Object.entries(counts)) sum.count(name, times);
  }
  return sum.counts();
}

/** The benchmarks that can run alone. */
export const GROUPS = [
  "certificate",
  "crypto",
  "execution",
  "gossip",
  "http",
  "store",
  "scale",
  "peers",
  "soak",
] as const;

/** What takes so long that it runs only where it is named. */
export const ON_REQUEST: readonly Group[] = ["scale", "soak"];

export type Group = (typeof GROUPS)[number];

/** What several rounds gave. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** One figure of each round beside the bound that the same round measured. */
export interface Pair {
  readonly figure: number;
  readonly bound: number;
}

/** A figure beside its bound. */
export interface Row {
  readonly group: Group;
  readonly name: string;
  readonly unit: "ms" | "µs" | "/s" | "Mgas/s" | "MB" | "B" | "x" | "heights";
  readonly figure: Spread;
  readonly bound: Spread;
  /** What the bound is, in a few words. */
  readonly boundIs: string;
  /** Figure to bound, the median over rounds. */
  readonly ratio: number;
  readonly goal: Goal;
  /** Null where there is no goal. */
  readonly isMet: boolean | null;
  readonly note: string | null;
}

/** What the design asks for: of the ratio, of the figure itself, or nothing (for comparison). */
export type Goal =
  | { readonly of: "ratio"; readonly atMost: number }
  | { readonly of: "ratio"; readonly atLeast: number }
  | { readonly of: "figure"; readonly atMost: number }
  | { readonly of: "nothing" };

export interface RowHead {
  readonly group: Group;
  readonly name: string;
  readonly unit: Row["unit"];
  readonly boundIs: string;
  readonly goal: Goal;
  readonly note?: string;
}

/** A row from the pairs of its rounds. */
export function toRow(head: RowHead, pairs: readonly Pair[]): Row {
  const figure = spreadOf(pairs.map((pair) => pair.figure));
  const bound = spreadOf(pairs.map((pair) => pair.bound));
  const ratio = median(pairs.map((pair) => pair.figure / pair.bound));
  const { goal, note = null } = head;
  return { ...head, figure, bound, ratio, isMet: isMet(goal, { figure, ratio }), note };
}

function isMet(
  goal: Goal,
  found: { readonly figure: Spread; readonly ratio: number },
): boolean | null {
  if (goal.of === "nothing") return null;
  const judged = goal.of === "ratio" ? found.ratio : found.figure.median;
  return "atMost" in goal ? judged <= goal.atMost : judged >= goal.atLeast;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Between the two nearest values, in proportion; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const lower = sorted[Math.floor(at)] ?? Number.NaN;
  const upper = sorted[Math.ceil(at)] ?? Number.NaN;
  return lower + (upper - lower) * (at - Math.floor(at));
}

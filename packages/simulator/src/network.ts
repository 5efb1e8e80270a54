import type { Coverage } from "./coverage.ts";
import type { Fault } from "./fault.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";

export interface Route {
  readonly from: number;
  readonly to: number;
  /** Milliseconds after the start. */
  readonly atMs: number;
}

/** After how many milliseconds each copy of a message arrives; empty where none does. */
export type Router = (route: Route) => readonly number[];

/** The network under a plan's faults. */
export function createRouter(plan: Plan, random: Random, coverage: Coverage): Router {
  const of = (kind: Fault["kind"]): readonly Fault[] =>
    plan.faults.filter((fault) => fault.kind === kind);
  const cuts = [
    ...of("partition-halves"),
    ...of("partition-ring"),
    ...of("partition-third"),
    ...of("partition-one-way"),
  ];
  const [losses, copies, detours] = [of("loss"), of("duplication"), of("reordering")];
  const places = plan.operators + plan.observers;
  const delay = (): number => random.between(plan.minDelayMs, plan.maxDelayMs);

  return (route) => {
    const cut = cuts.find((fault) => isOn(fault, route.atMs) && isCut(fault, route, places));
    if (cut !== undefined) {
      coverage.count(cut.kind);
      return [];
    }
    const arrivals = [delay()];
    for (const { size } of active(copies, route.atMs)) {
      if (!random.chance(size / 1_000)) continue;
      coverage.count("duplication");
      arrivals.push(delay() + random.between(0, 1_000));
    }
    for (const { size } of active(losses, route.atMs)) {
      if (!random.chance(size / 1_000)) continue;
      coverage.count("loss");
      arrivals.pop();
    }
    const detour = detours.find((fault) => isOn(fault, route.atMs));
    if (detour === undefined) return arrivals;
    coverage.count("reordering", arrivals.length);
    return arrivals.map((ms) => ms + random.between(0, detour.size));
  };
}

/** Whether a fault is on at a time. */
export function isOn(fault: Fault, atMs: number): boolean {
  return fault.fromMs <= atMs && atMs < fault.untilMs;
}

function active(faults: readonly Fault[], atMs: number): readonly Fault[] {
  return faults.length === 0 ? faults : faults.filter((fault) => isOn(fault, atMs));
}

function isCut(fault: Fault, { from, to }: Route, places: number): boolean {
  if (fault.kind === "partition-ring") {
    const distance = Math.abs(from - to);
    return distance !== 1 && distance !== places - 1;
  }
  if (fault.kind === "partition-one-way") return fault.nodes.includes(from);
  return fault.nodes.includes(from) !== fault.nodes.includes(to);
}

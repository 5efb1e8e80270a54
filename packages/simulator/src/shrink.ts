import type { Fault } from "./fault.ts";
import type { Plan } from "./plan.ts";
import type { Outcome, RunOptions } from "./simulate.ts";

/** A smaller plan that breaks the same promise, and how many runs it took to find. */
export interface Shrunk {
  readonly plan: Plan;
  readonly outcome: Outcome;
  readonly runs: number;
}

export interface ShrinkOptions {
  readonly run: (plan: Plan, options: RunOptions) => Outcome;
  /** How many runs may be spent. */
  readonly maxRuns: number;
  /** How many lines of the smallest run are kept. */
  readonly lines: number;
}

/**
 * Leaves out faults, half of them at a time and then fewer (delta debugging), ends the storm as soon
 * as the promise is broken, and calms what is left, as long as the same promise is broken.
 */
export function shrink(plan: Plan, failure: Outcome, options: ShrinkOptions): Shrunk {
  const { run } = options;
  const code = failure.failure?.code;
  let best = plan;
  let runs = 0;
  function isStill(candidate: Plan): boolean {
    if (runs >= options.maxRuns) return false;
    runs += 1;
    if (run(candidate, { lines: 0 }).failure?.code !== code) return false;
    best = candidate;
    return true;
  }
  function withoutFaults(): void {
    for (let size = Math.ceil(best.faults.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < best.faults.length; ) {
        const faults = best.faults.filter((_, i) => i < at || i >= at + size);
        if (!isStill({ ...best, faults })) at += size;
      }
    }
  }
  withoutFaults();
  for (const simpler of [calmNetwork, oneObserver, oneBlockInterval, shortStorm]) {
    const candidate = simpler(best, failure.failure?.atMs ?? 0);
    if (candidate !== null) isStill(candidate);
  }
  best.faults.forEach((_, i) => {
    const smaller = best.faults.map((fault, j) => (i === j ? halved(fault) : fault));
    isStill({ ...best, faults: smaller });
  });
  withoutFaults();
  return { plan: best, outcome: run(best, { lines: options.lines }), runs };
}

function calmNetwork(plan: Plan): Plan {
  return { ...plan, minDelayMs: 5, maxDelayMs: 5 };
}

function oneObserver(plan: Plan): Plan | null {
  return plan.observers > 1 ? { ...plan, observers: 1 } : null;
}

function oneBlockInterval(plan: Plan): Plan | null {
  return plan.attestationInterval > 1 ? { ...plan, attestationInterval: 1 } : null;
}

function shortStorm(plan: Plan, atMs: number): Plan | null {
  const stormBlocks = Math.ceil(atMs / plan.blockMs) + 1;
  return stormBlocks < plan.stormBlocks ? { ...plan, stormBlocks } : null;
}

function halved(fault: Fault): Fault {
  const size = Math.abs(fault.size) > 1 ? Math.trunc(fault.size / 2) : fault.size;
  const nodes =
    fault.nodes.length > 1 ? fault.nodes.slice(0, Math.ceil(fault.nodes.length / 2)) : fault.nodes;
  return fault.kind === "epoch-absent" ? fault : { ...fault, size, nodes };
}

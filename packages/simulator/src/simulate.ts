import { type Counts, createCoverage } from "./coverage.ts";
import { createPlan, type Plan, type PlanOptions } from "./plan.ts";
import { checkEnd } from "./verdict.ts";
import { Violation, type ViolationCode } from "./violation.ts";
import { World } from "./world.ts";

/** A promise that was broken, and when. */
export interface Failure {
  readonly code: ViolationCode;
  readonly message: string;
  /** Milliseconds of virtual time. */
  readonly atMs: number;
}

/** What came of one run. */
export interface Outcome {
  readonly seed: number;
  /** Inputs that engines took. */
  readonly steps: number;
  /** Certificates, one for each claim, and signatures of honest operators. */
  readonly certificates: number;
  readonly signatures: number;
  readonly coverage: Counts;
  readonly failure: Failure | null;
  /** What happened, where it was asked for. */
  readonly lines: readonly string[];
}

export interface RunOptions {
  /** How many lines of what happened are kept, the last ones; 0 for a quick run. */
  readonly lines: number;
}

/** Runs a seed. */
export function simulate(seed: number, options: PlanOptions): Outcome {
  return runPlan(createPlan(seed, options), { lines: 0 });
}

/** Runs a plan to its end, or to the first broken promise. */
export function runPlan(plan: Plan, options: RunOptions): Outcome {
  const coverage = createCoverage();
  const lines: string[] = [];
  const log = (line: () => string): void => {
    if (options.lines === 0) return;
    lines.push(line());
    if (lines.length > options.lines) lines.shift();
  };
  const world = new World(plan, { coverage, log });
  let failure: Failure | null = null;
  try {
    world.run();
    checkEnd(world);
  } catch (error) {
    failure = failureOf(error, world.atMs);
  }
  return {
    seed: plan.seed,
    steps: world.steps(),
    certificates: world.judge.certificates().length,
    signatures: world.judge.signed(),
    coverage: coverage.counts(),
    failure,
    lines,
  };
}

function failureOf(error: unknown, atMs: number): Failure {
  if (error instanceof Violation) return { code: error.code, message: error.message, atMs };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "engine-threw", message, atMs };
}

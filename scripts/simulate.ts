import {
  addCounts,
  type Counts,
  createPlan,
  describeFault,
  type Outcome,
  runPlan,
  shrink,
} from "@mach/simulator";
import { runSeeds } from "./simulation/run-seeds.ts";
import { parseSeedOptions, type SeedOptions } from "./simulation/seed-options.ts";

/** How many failures are made smaller and told; the others are named by their seed. */
const MAX_TOLD = 3;
const MAX_SHRINK_RUNS = 60;
const TOLD_LINES = 60;

/**
 * Simulates seeds and reports the first broken promise of each. The last line on stdout is
 * `N seeds, N steps, N violations`; all else goes to stderr. Exit 1 on any violation.
 */
export async function main(args: readonly string[]): Promise<number> {
  const parsed = parseSeedOptions(args);
  if (!parsed.ok) {
    console.error(parsed.message);
    return 2;
  }
  const { options } = parsed;
  const startedAt = performance.now();
  const failures: Outcome[] = [];
  let coverage: Counts = {};
  const sum = { seeds: 0, steps: 0, certificates: 0, signatures: 0 };
  const isWhole = await runSeeds({
    ...options,
    onOutcome: (outcome) => {
      sum.seeds += 1;
      sum.steps += outcome.steps;
      sum.certificates += outcome.certificates;
      sum.signatures += outcome.signatures;
      coverage = addCounts(coverage, outcome.coverage);
      if (outcome.failure !== null) {
        failures.push(outcome);
        console.error(`seed ${outcome.seed}: ${outcome.failure.code} (${outcome.failure.message})`);
      }
      return false;
    },
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  failures.sort((a, b) => a.seed - b.seed);
  for (const failure of failures.slice(0, MAX_TOLD)) tell(failure, options);
  showCoverage(coverage);
  const rate = (sum.seeds / seconds).toFixed(1);
  const { certificates, signatures } = sum;
  console.error(`${rate} seeds/s, ${certificates} claims certified, ${signatures} signed`);
  if (!isWhole) console.error("a worker ended before its seeds were done");
  console.log(`${sum.seeds} seeds, ${sum.steps} steps, ${failures.length} violations`);
  return failures.length === 0 && isWhole ? 0 : 1;
}

/** The shortest list of faults that was found to break the same promise, and what they did. */
function tell(failure: Outcome, { without, isReplay }: SeedOptions): void {
  const plan = createPlan(failure.seed, { without });
  const {
    plan: smallest,
    outcome,
    runs,
  } = shrink(plan, failure, {
    run: runPlan,
    maxRuns: MAX_SHRINK_RUNS,
    lines: isReplay ? 2_000 : TOLD_LINES,
  });
  const { operators, byzantine, blockMs, attestationInterval, epochSeconds } = smallest;
  console.error(
    `\nseed ${failure.seed}: ${outcome.failure?.code} at ${outcome.failure?.atMs} ms: ` +
      `${outcome.failure?.message}\n${operators} operators, Byzantine ${byzantine.join() || "none"}, ` +
      `a block each ${blockMs} ms, each ${attestationInterval} attested, epochs of ${epochSeconds} s\n` +
      `${smallest.faults.length} of ${plan.faults.length} faults are left after ${runs} runs:`,
  );
  for (const fault of smallest.faults) console.error(`  ${describeFault(fault)}`);
  console.error("what happened:");
  for (const line of outcome.lines) console.error(`  ${line}`);
  const left = without.length > 0 ? ` --without ${without.join()}` : "";
  console.error(`again: npm run simulate -- --seed ${failure.seed}${left}\n`);
}

function showCoverage(coverage: Counts): void {
  console.error("\ninjected:");
  for (const [name, times] of Object.entries(coverage)) {
    console.error(`  ${name.padEnd(36)} ${times}`);
  }
}

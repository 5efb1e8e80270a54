import { buildSite } from "./checks/build-site.ts";
import { compileContracts, runForge } from "./checks/forge.ts";
import { showCommand } from "./checks/run-command.ts";
import { runSimulation } from "./checks/simulation.ts";
import { addTallies, formatTally, NOTHING, type Tally, withExitCode } from "./checks/tally.ts";
import { runVitest } from "./checks/vitest.ts";

interface Check {
  readonly name: string;
  readonly run: () => Promise<Tally>;
}

const BIN = "node_modules/.bin";

const CHECKS: readonly Check[] = [
  { name: "lint", run: () => runTool("biome", "check", "--error-on-warnings", ".") },
  { name: "build", run: () => runTool("tsc", "--build") },
  { name: "explorer", run: runSiteBuild },
  { name: "types", run: () => runTool("tsc", "-p", "tsconfig.test.json") },
  { name: "unused", run: () => runTool("knip", "--no-progress", "--no-config-hints") },
  { name: "unit", run: () => runVitest("unit") },
  { name: "simulation", run: runSimulation },
  { name: "contracts", run: runForge },
  { name: "e2e", run: () => runVitest("e2e") },
];

/**
 * Runs every check and goes on after failures; the last line is the sum over all runners.
 * --no-e2e leaves out the end-to-end runs, --only runs the one check that is named after it, --long
 * runs the long tests at their full counts.
 */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--long")) process.env["MACH_LONG"] = "1";
  const only = args.includes("--only") ? args[args.indexOf("--only") + 1] : undefined;
  const checks = CHECKS.filter(({ name }) => name !== "e2e" || !args.includes("--no-e2e")).filter(
    ({ name }) => only === undefined || name === only,
  );
  // No check at all is no pass.
  if (checks.length === 0) throw new RangeError(`--only takes one of ${CHECKS.map(nameOf)}`);
  const compiling = checks.some(({ name }) => name === "contracts") ? compileContracts() : null;
  let total = NOTHING;
  const lines: string[] = [];
  for (const { name, run } of checks) {
    console.log(`\n── ${name} ${"─".repeat(60 - name.length)}`);
    const startedAt = performance.now();
    if (name === "contracts") await compiling;
    const tally = await run();
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    lines.push(`${name.padEnd(10)} ${formatTally(tally)} (${seconds} s)`);
    total = addTallies(total, tally);
  }
  console.log(`\n${lines.join("\n")}\n${formatTally(total)}`);
  return total.failed === 0 ? 0 : 1;
}

function nameOf({ name }: Check): string {
  return name;
}

async function runSiteBuild(): Promise<Tally> {
  const why = await buildSite();
  console.log(why ?? "vite: clean");
  return withExitCode({ ...NOTHING, passed: why === null ? 1 : 0 }, why === null ? 0 : 1);
}

/** A tool that says yes or no counts as one check. */
async function runTool(tool: string, ...args: readonly string[]): Promise<Tally> {
  const exitCode = await showCommand([`${BIN}/${tool}`, ...args]);
  if (exitCode === 0) console.log(`${tool}: clean`);
  return withExitCode({ ...NOTHING, passed: exitCode === 0 ? 1 : 0 }, exitCode);
}

import { staleAbis } from "../abi.ts";
import { foundryBinary } from "../foundry-binary.ts";
import { buildContracts, CONTRACTS } from "./build-contracts.ts";
import { readCommand } from "./run-command.ts";
import { addTallies, NOTHING, type Tally, withExitCode } from "./tally.ts";

interface ForgeTest {
  readonly status: "Success" | "Failure" | "Skipped";
  readonly reason: string | null;
  readonly counterexample: unknown;
}
type ForgeReport = Readonly<
  Record<string, { readonly test_results: Readonly<Record<string, ForgeTest>> }>
>;

/**
 * Compiles the contracts and their tests. It keeps one core busy for minutes where nothing is cached,
 * so that it is started before the checks that come first. `runForge` says what does not compile.
 */
export async function compileContracts(): Promise<void> {
  await buildContracts();
}

/**
 * Runs the contracts' tests, and then two checks: that the generated ABIs and creation code are the
 * contracts', and forge's lints.
 */
export async function runForge(): Promise<Tally> {
  const tests = await runTests();
  return addTallies(addTallies(tests, await runAbis()), await runLints());
}

async function runAbis(): Promise<Tally> {
  const stale = await staleAbis();
  const fresh = stale?.length === 0;
  console.log(` ${fresh ? "✓" : "×"} generated ABIs and creation code`);
  if (stale && !fresh) console.log(`   run \`npx tsx scripts/abi.ts\`, for: ${stale.join(", ")}`);
  return fresh ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 };
}

async function runLints(): Promise<Tally> {
  const lint = [foundryBinary("forge"), "lint", "--deny", "warnings"];
  const { exitCode } = await readCommand(lint, CONTRACTS);
  console.log(` ${exitCode === 0 ? "✓" : "×"} contracts without a warning of forge lint`);
  return exitCode === 0 ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 };
}

/** forge reports in JSON, so that what a person reads is made here. */
async function runTests(): Promise<Tally> {
  const test = [foundryBinary("forge"), "test", "--json"];
  const { exitCode, stdout } = await readCommand(test, CONTRACTS);
  let report: ForgeReport;
  try {
    report = JSON.parse(stdout) as ForgeReport;
  } catch {
    // It did not come to the tests: what it printed instead says why.
    console.log(stdout);
    return { ...NOTHING, failed: 1 };
  }
  const tests = Object.values(report).flatMap((suite) => Object.values(suite.test_results));
  // No test at all is no pass: contracts without tests would mean that none was found.
  if (tests.length === 0) return { ...NOTHING, failed: 1 };
  for (const [suite, { test_results: results }] of Object.entries(report))
    printSuite(suite, results);
  const count = (status: ForgeTest["status"]): number =>
    tests.filter((test) => test.status === status).length;
  const tally = { passed: count("Success"), failed: count("Failure"), skipped: count("Skipped") };
  return withExitCode(tally, exitCode);
}

function printSuite(suite: string, results: Readonly<Record<string, ForgeTest>>): void {
  const entries = Object.entries(results);
  const passed = entries.filter(([, test]) => test.status === "Success").length;
  console.log(` ${passed === entries.length ? "✓" : "×"} ${suite} (${passed}/${entries.length})`);
  for (const [name, test] of entries) {
    if (test.status !== "Failure") continue;
    console.log(`   × ${name}: ${test.reason ?? "failed"}`);
    if (test.counterexample) console.log(`     ${JSON.stringify(test.counterexample)}`);
  }
}

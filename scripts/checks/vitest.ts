import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { showCommand } from "./run-command.ts";
import { NOTHING, type Tally, withExitCode } from "./tally.ts";

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
}

/** Runs one project of vitest.config.ts. */
export async function runVitest(project: "unit" | "e2e"): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), "mach-test-"));
  const report = join(folder, "report.json");
  try {
    // Not by its shim in .bin, which sets NODE_PATH: nobody who runs a node has that.
    const exitCode = await showCommand([
      ...[
        process.execPath,
        "node_modules/vitest/vitest.mjs",
        "run",
        "--project",
        project,
        "--passWithNoTests",
      ],
      ...["--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    ]);
    return withExitCode(readReport(report), exitCode);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(path: string): Tally {
  let report: VitestReport;
  try {
    report = JSON.parse(readFileSync(path, "utf8")) as VitestReport;
  } catch {
    // It ended before it could report; its exit code then counts as one failure.
    return NOTHING;
  }
  // A file that could not be loaded has no tests, and must not vanish from the sum.
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { runCli } from "../../src/cli/run-cli.ts";

/** What one run of the command line left behind. */
export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in this process. */
export async function mach(...args: readonly string[]): Promise<CliRun> {
  let stdout = "";
  let stderr = "";
  const output = {
    stdout: (text: string) => {
      stdout += text;
    },
    stderr: (text: string) => {
      stderr += text;
    },
  };
  const exitCode = await runCli(args, { output, environment: {} });
  return { exitCode, stdout, stderr };
}

/** Runs with --json: the exit code and the object on stdout. */
export async function machJson(...args: readonly string[]): Promise<unknown> {
  const { exitCode, stdout } = await mach(...args, "--json");
  return { exitCode, ...(JSON.parse(stdout) as object) };
}

/** A folder for this test file's documents, removed when its tests are done. */
export function documentFolder(): {
  readonly path: string;
  write(name: string, content: unknown): string;
} {
  const path = mkdtempSync(join(tmpdir(), "mach-cli-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    write(name, content) {
      const file = join(path, name);
      writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
      return file;
    },
  };
}

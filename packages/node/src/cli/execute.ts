import { readFileSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { createExecutor, parseBlockFile, type Verdict } from "@mach/execution";
import { onlyPositional } from "./arguments.ts";
import { type Answer, type Command, UsageError } from "./command.ts";

/** As large as a block file is accepted before it is decompressed. */
const MAX_FILE_BYTES = 128 * 1024 * 1024;
const DEFAULT_TIMEOUT_SECONDS = 120;
const MAX_TIMEOUT_SECONDS = 3600;

/** `mach execute`: what re-execution from a witness says of one block. */
export const command: Command = {
  usage: `mach execute BLOCK.json.gz [--timeout SECONDS] [--json]

Executes a block of an OP Stack rollup again, from its parent's header, its payload attributes and
a witness of the state, and compares the hash that comes out with the one that the file expects.

  BLOCK.json.gz      the file, gzipped or not: rollup_config, parent_header, executing_payload,
                     expected_block_hash, witness
  --timeout SECONDS  when to give up, ${DEFAULT_TIMEOUT_SECONDS} where it is left out
  --json             one JSON object instead of a sentence

Exit code: 0 valid, 1 invalid or unverifiable (with what is missing), 2 wrong usage.`,
  run: execute,
};

async function execute(args: readonly string[]): Promise<Answer> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { timeout: { type: "string" }, json: { type: "boolean" } },
  });
  const path = onlyPositional(positionals, "BLOCK.json.gz");
  const timeoutMs = parseTimeout(values.timeout) * 1000;
  const parsed = parseBlockFile(readBytes(path));
  if (!parsed.ok) return answer(parsed.verdict, 0);
  const executor = createExecutor({ timeoutMs });
  const startedAt = performance.now();
  try {
    const verdict = await executor.execute(parsed.input);
    return answer(verdict, Math.round(performance.now() - startedAt));
  } finally {
    await executor.stop();
  }
}

function answer(verdict: Verdict, milliseconds: number): Answer {
  switch (verdict.outcome) {
    case "valid": {
      const { outcome, blockHash, surplus } = verdict;
      const gasUsed = verdict.gasUsed.toString();
      return {
        exitCode: 0,
        json: { outcome, blockHash, gasUsed, milliseconds, surplus },
        sentence: `valid: ${blockHash}, ${gasUsed} gas in ${milliseconds} ms`,
      };
    }
    case "invalid": {
      const { field, expected, got } = verdict;
      return {
        exitCode: 1,
        json: { ...verdict, milliseconds },
        sentence: `invalid: ${field} is ${got}, execution gives ${expected}`,
      };
    }
    case "unverifiable":
      return {
        exitCode: 1,
        json: { ...verdict, milliseconds },
        sentence: `unverifiable (${verdict.code}): ${verdict.detail}`,
      };
  }
}

function parseTimeout(value: string | undefined): number {
  if (value === undefined) return DEFAULT_TIMEOUT_SECONDS;
  const seconds = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (seconds >= 1 && seconds <= MAX_TIMEOUT_SECONDS) return seconds;
  throw new UsageError(`--timeout is a whole number of seconds from 1 to ${MAX_TIMEOUT_SECONDS}`);
}

function readBytes(path: string): Uint8Array {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new UsageError(`${path} is over 128 MiB`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new UsageError(`${path} cannot be read (${code})`);
  }
}

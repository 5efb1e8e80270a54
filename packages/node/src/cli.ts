#!/usr/bin/env node
import { runCli } from "./cli/run-cli.ts";
import { createSecretPrompt } from "./cli/secret-prompt.ts";

const { stdin, stderr } = process;

// The code is set rather than exited with, so that what was written to a pipe still arrives.
process.exitCode = await runCli(process.argv.slice(2), {
  output: {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  },
  environment: process.env,
  ...(stdin.isTTY &&
    stderr.isTTY && { askSecret: createSecretPrompt(stdin, (text) => void stderr.write(text)) }),
});

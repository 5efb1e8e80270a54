import { spawn } from "node:child_process";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command whose output a person reads as it comes. */
export async function showCommand(
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  const [program = "", ...args] = command;
  const env = { ...process.env, ...environment };
  return await exitCodeOf(spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], env }));
}

/** Runs a command whose output a program reads; stderr is shown too. */
export async function readCommand(
  command: readonly string[],
  { cwd }: { readonly cwd: string },
): Promise<CommandResult> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    process.stderr.write(chunk);
    stderr.push(chunk);
  });
  const exitCode = await exitCodeOf(child);
  return { exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString("utf8");
}

async function exitCodeOf(child: ReturnType<typeof spawn>): Promise<number> {
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
    process.exitCode = 1;
    child.once("close", () => process.exit());
  };
  for (const signal of SIGNALS) process.once(signal, forward);
  return await new Promise<number>((resolve) => {
    child.once("error", (error) => {
      console.error(`cannot be started: ${error.message}`);
      resolve(127);
    });
    // `close` rather than `exit`: all of the output has arrived by then.
    child.once("close", (code) => resolve(code ?? 1));
  }).finally(() => {
    for (const signal of SIGNALS) process.off(signal, forward);
  });
}

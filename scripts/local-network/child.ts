import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalNetworkError } from "./errors.ts";

/** A process of the local network, started by the launcher. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Settles when the process has ended, whatever ended it. */
  readonly ended: Promise<void>;
  isRunning(): boolean;
}

export interface ChildOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  /** Where true, the launcher reads stdout; the log then has stderr alone. */
  readonly readsStdout: boolean;
  /** Variables beside those of the launcher. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Starts a process in a group of its own, so that a Ctrl-C in the terminal reaches the launcher
 * alone, which then ends the others in order. Variables MACH_* are the launcher's, not the nodes'.
 */
export function startChild(options: ChildOptions): Child {
  const { name, command, cwd, logFile, readsStdout } = options;
  const [program = "", ...args] = command;
  const log = openSync(logFile, "a", 0o600);
  // NODE_PATH, which a test runner's shim may have set, is no part of a node's surroundings.
  const environment = Object.entries(process.env).filter(
    ([key]) => !key.startsWith("MACH_") && key !== "NODE_PATH",
  );
  const child = spawn(program, args, {
    cwd,
    detached: true,
    env: { ...Object.fromEntries(environment), ...options.environment },
    stdio: ["ignore", readsStdout ? "pipe" : log, log],
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  if (child.pid === undefined) {
    throw new LocalNetworkError("start-failed", `${name} cannot be started: ${program}`);
  }
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  return { name, pid: child.pid, process: child, ended, isRunning };
}

/** Asks the processes to end and kills those that are still there after the grace. */
export async function stopChildren(children: readonly Child[], graceMs: number): Promise<void> {
  for (const child of children) child.process.kill("SIGTERM");
  const allEnded = Promise.all(children.map((child) => child.ended));
  await Promise.race([allEnded, sleep(graceMs, undefined, { ref: false })]);
  for (const child of children) {
    if (child.isRunning()) child.process.kill("SIGKILL");
  }
  await allEnded;
}

import { parseArgs } from "node:util";
import { BlsError } from "@mach/bls";
import type { NodeConfig } from "../config.ts";
import { GossipError } from "../gossip/gossip-error.ts";
import type { NodeOptions, RunningNode } from "../main.ts";
import { NodeError } from "../node-error.ts";
import type { CommandContext, ExitCode } from "./command.ts";
import { CONFIG_OPTIONS, requireConfig } from "./config-options.ts";
import { stopInTime } from "./stop-in-time.ts";

/** Starts what a configuration asks for. */
export type Start = (config: NodeConfig, options: NodeOptions) => Promise<RunningNode>;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Long enough for a line on stderr to be written. */
const LEAVE_MS = 250;

/** Runs what `start` starts until a signal ends it, or a fault of its own. */
export async function runProcess(
  args: readonly string[],
  context: CommandContext,
  start: Start,
): Promise<ExitCode> {
  const { values } = parseArgs({ args: [...args], options: CONFIG_OPTIONS });
  const config = requireConfig(values, context);
  const controller = new AbortController();
  const { signal } = controller;
  const stop = (): void => controller.abort();
  for (const name of SIGNALS) process.once(name, stop);
  try {
    const running = await start(config, { onStop: stop, signal }).catch((error) => {
      // What was told to stop before it had started fails for that reason alone.
      if (signal.aborted) return null;
      throw error;
    });
    if (running === null) return 0;
    await untilAborted(signal);
    await stopInTime(running.stop, { say: (line) => context.output.stderr(`${line}\n`) });
    return 0;
  } catch (error) {
    if (!isExplained(error)) throw error;
    context.output.stderr(`mach: ${error.message}${describeCause(error)}\n`);
    return 1;
  } finally {
    leaveSoon();
  }
}

/** An error that says by itself what to do: a stack would only hide it. */
function isExplained(error: unknown): error is Error {
  return error instanceof NodeError || error instanceof GossipError || error instanceof BlsError;
}

/**
 * All that belongs to the node is closed. A question that its L1 or a rollup has not answered yet
 * is not worth waiting for, and would keep the process until it timed out.
 */
function leaveSoon(): void {
  setTimeout(() => process.exit(), LEAVE_MS).unref();
}

/** In one line, and of this package's errors alone: what libraries say is for who uses them. */
function describeCause(error: Error): string {
  if (!(error instanceof NodeError) || !(error.cause instanceof Error)) return "";
  return ` (${error.cause.message.split("\n", 1)[0]})`;
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener("abort", resolve, { once: true });
  });
}

import { parseArgs } from "node:util";
import { BlsError } from "@mach/bls";
import type { NodeConfig } from "../config.ts";
import { GossipError } from "../gossip/gossip-error.ts";
import { NodeError } from "../node-error.ts";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { CONFIG_OPTIONS, describeProblems, loadByOptions } from "./config-options.ts";

/** `mach run`: the node itself, until a signal ends it. */
export const command: Command = {
  usage: `mach run [--config FILE] [--set PATH=VALUE ...] [--no-env]

Runs a node: an operator where the configuration names one, an observer otherwise. The file is
YAML; the environment (MACH_LOG_LEVEL for logLevel, MACH_API_PORT for api.port) overrides it, and
--set overrides both. Secrets are given by path only.

  --config FILE      the configuration file
  --set PATH=VALUE   one field, such as api.port=4501; may be repeated
  --no-env           read no MACH_* variables

Exit code: 0 stopped by a signal, 1 stopped by a fault, 2 wrong configuration or usage.`,
  run: runNode,
};

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Long enough for a line on stderr to be written. */
const LEAVE_MS = 250;

async function runNode(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const { values } = parseArgs({ args: [...args], options: CONFIG_OPTIONS });
  const result = loadByOptions(values, context);
  if (!result.ok) {
    context.output.stderr(describeProblems(result.problems));
    return 2;
  }
  const controller = new AbortController();
  const { signal } = controller;
  const stop = (): void => controller.abort();
  for (const name of SIGNALS) process.once(name, stop);
  const node = await startUnlessStopped(result.config, { signal, stop }, context);
  if (node === null) {
    leaveSoon();
    return signal.aborted ? 0 : 1;
  }
  await untilAborted(signal);
  await node.stop();
  leaveSoon();
  return 0;
}

async function startUnlessStopped(
  config: NodeConfig,
  { signal, stop }: { readonly signal: AbortSignal; readonly stop: () => void },
  context: CommandContext,
): Promise<{ stop(): Promise<void> } | null> {
  const { startNode } = await import("../main.ts");
  try {
    return await startNode(config, { onStop: stop, signal });
  } catch (error) {
    // What was told to stop before it had started fails for that reason alone.
    if (signal.aborted) return null;
    if (!isExplained(error)) throw error;
    context.output.stderr(`mach: ${error.message}${describeCause(error)}\n`);
    return null;
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

import { parseArgs } from "node:util";
import { type ConfigProblem, loadConfig } from "../config.ts";
import { type Command, type CommandContext, type ExitCode, UsageError } from "./command.ts";

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

async function runNode(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: "string" },
      set: { type: "string", multiple: true },
      "no-env": { type: "boolean" },
    },
  });
  const result = loadConfig({
    file: values.config,
    env: values["no-env"] === true ? {} : context.environment,
    flags: parseSettings(values.set ?? []),
  });
  if (!result.ok) {
    context.output.stderr(describe(result.problems));
    return 2;
  }
  const stopped = untilSignal();
  const { startNode } = await import("../main.ts");
  const node = await startNode(result.config, { onStop: stopped.stop });
  await stopped.promise;
  await node.stop();
  return 0;
}

function parseSettings(settings: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    settings.map((setting) => {
      const separator = setting.indexOf("=");
      if (separator < 1) throw new UsageError("--set takes PATH=VALUE, such as api.port=4501");
      return [setting.slice(0, separator), setting.slice(separator + 1)];
    }),
  );
}

function describe(problems: readonly ConfigProblem[]): string {
  const lines = problems.map(({ path, message }) => `  ${path}: ${message}`);
  return `The configuration is wrong in ${problems.length} place(s):\n${lines.join("\n")}\n`;
}

function untilSignal(): { readonly promise: Promise<void>; readonly stop: () => void } {
  let stop = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    stop = resolve;
  });
  for (const signal of SIGNALS) process.once(signal, stop);
  return { promise, stop };
}

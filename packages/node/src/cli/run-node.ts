import type { Command } from "./command.ts";
import { runProcess } from "./run-process.ts";

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
  run: (args, context) =>
    runProcess(args, context, async (config, options) => {
      const { startNode } = await import("../main.ts");
      return await startNode(config, options);
    }),
};

import type { Command } from "./command.ts";
import { runProcess } from "./run-process.ts";

/** `mach api`: the HTTP API from the database, until a signal ends it. */
export const command: Command = {
  usage: `mach api --config FILE [--set PATH=VALUE ...] [--no-env]

Serves the HTTP API from the PostgreSQL that the configuration names (its field database), to which
nodes write. It keeps nothing of its own and signs nothing: run as many as readers need, behind a
load balancer. A node's own configuration file will do; its fields network, database, api and
rollups are used. What the node published last is answered with 503 \`stale\` once it is older than
api.maxStaleMs.

  --config FILE      the configuration file
  --set PATH=VALUE   one field, such as api.port=4501; may be repeated
  --no-env           read no MACH_* variables

Exit code: 0 stopped by a signal, 1 stopped by a fault, 2 wrong configuration or usage.`,
  run: (args, context) =>
    runProcess(args, context, async (config, options) => {
      const { startApi } = await import("../api-process.ts");
      return await startApi(config, options);
    }),
};

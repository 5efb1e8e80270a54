import { parseArgs } from "node:util";
import type { Answer, Command, CommandContext } from "./command.ts";
import { CONFIG_OPTIONS, loadByOptions, wrongConfig } from "./config-options.ts";

/** `mach config check`: what is wrong in a configuration, before a node is started with it. */
export const command: Command = {
  usage: `mach config check --config FILE [--set PATH=VALUE ...] [--no-env] [--json]

Names every field of a configuration that is wrong, where it is written and what is expected there
instead, as \`mach run\` would. It asks no endpoint and opens no key.

  --config FILE      the configuration file
  --set PATH=VALUE   one field, such as api.port=4501; may be repeated
  --no-env           read no MACH_* variables
  --json             one JSON object instead of sentences

Exit code: 0 nothing is wrong, 1 something is, 2 wrong usage.`,
  run: checkConfig,
};

async function checkConfig(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: { ...CONFIG_OPTIONS, json: { type: "boolean" } },
  });
  const result = loadByOptions(values, context);
  if (!result.ok) return wrongConfig(result.problems);
  const { network, rollups, operator } = result.config;
  const { chainId, registry } = network;
  const ids = rollups.map(({ rollupId }) => String(rollupId));
  const role = operator === undefined ? "an observer" : `the operator ${operator.address}`;
  return {
    exitCode: 0,
    json: { valid: true, chainId: String(chainId), registry, rollups: ids },
    sentence:
      `nothing is wrong: ${role} on chain ${chainId}, registry ${registry}, ` +
      `rollup${ids.length === 1 ? "" : "s"} ${ids.join(", ")}`,
  };
}

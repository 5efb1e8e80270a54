import { parseArgs } from "node:util";
import { loadConfig } from "../config.ts";
import { openDataFolder } from "../data-folder.ts";
import { initialiseProtection } from "../signer/open-protection.ts";
import { required } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";

/** `mach protection init`: the one way in which a signing record comes to be. */
export const command: Command = {
  usage: `mach protection init --config FILE [--json]

Makes the empty signing record of the operator that the configuration names, in its data folder.
To be done once in an operator's life: an operator that goes on without its old record can sign
twice, and be slashed for it. A record that exists is never touched.

Exit code: 0 made, 1 not made (with the reason's code), 2 wrong configuration or usage.`,
  run: initProtection,
};

async function initProtection(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: "string" }, json: { type: "boolean" } },
  });
  const file = required(values.config, "config");
  const loaded = loadConfig({ file, env: context.environment });
  if (!loaded.ok) {
    const problems = loaded.problems.map(({ path, message }) => `${path}: ${message}`);
    throw new UsageError(`the configuration is wrong: ${problems.join("; ")}`);
  }
  const { operator, dataDir, network } = loaded.config;
  if (operator === undefined) throw new UsageError("the configuration names no operator");
  const opened = await openDataFolder(dataDir);
  if (!opened.ok) {
    const sentence = `not made (${opened.code}): ${dataDir} cannot be used now`;
    return { exitCode: 1, json: { code: opened.code, dataDir }, sentence };
  }
  try {
    const domain = { chainId: network.chainId, verifyingContract: network.registry };
    const made = await initialiseProtection(opened.folder, { domain, operator: operator.address });
    if (!made.ok) {
      const sentence = `not made (${made.code}): see what is in ${dataDir}`;
      return { exitCode: 1, json: { code: made.code, dataDir }, sentence };
    }
    const sentence = `the signing record of ${operator.address} stands in ${dataDir}`;
    return { exitCode: 0, json: { operator: operator.address, dataDir }, sentence };
  } finally {
    await opened.folder.release();
  }
}

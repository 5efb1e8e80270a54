import { parseArgs } from "node:util";
import { initialiseProtection } from "../signer/open-protection.ts";
import { required } from "./arguments.ts";
import type { Answer, Command, CommandContext } from "./command.ts";
import { withOperatorFolder } from "./operator-folder.ts";

/** `mach protection init`: the one way in which a signing record comes to be. */
export const command: Command = {
  usage: `mach protection init --config FILE [--new] [--json]

Makes the empty signing record of the operator that the configuration names, in its data folder.
A record that exists is never touched.

  --new   the operator has never signed on this network, from any machine and with any key. It
          signs at once; where this is not true it can sign twice, and be slashed for it.

Without --new the record counts as lost: on each rollup the operator signs again only above what
it may have signed before, once L1 has finalised that. It takes some 4,096 blocks.

Exit code: 0 made, 1 not made (with the reason's code), 2 wrong configuration or usage.`,
  run: initProtection,
};

async function initProtection(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: "string" }, new: { type: "boolean" }, json: { type: "boolean" } },
  });
  const file = required(values.config, "config");
  return await withOperatorFolder(file, context, async (folder, identity) => {
    const { operator } = identity;
    const dataDir = folder.path;
    const origin = values.new === true ? "never-signed" : "record-lost";
    const made = await initialiseProtection(folder, identity, origin);
    if (!made.ok) {
      const sentence = `not made (${made.code}): see what is in ${dataDir}`;
      return { exitCode: 1, json: { code: made.code, dataDir }, sentence };
    }
    const sentence = `the signing record of ${operator} stands in ${dataDir}`;
    return { exitCode: 0, json: { operator, dataDir }, sentence };
  });
}

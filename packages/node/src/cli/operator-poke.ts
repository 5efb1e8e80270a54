import { parseArgs } from "node:util";
import { parseAddress } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import { ACTION_EXIT_CODES, ACTION_OPTIONS, ACTION_USAGE, runAction } from "./operator-run.ts";

/** `mach operator poke`: counts what an operator has allocated at EigenLayer. */
export const command: Command = {
  usage: `mach operator poke [OPERATOR]
            (--config FILE | --network NAME | --l1 URL --registry 0x...)
            (--wallet FILE | --signer URL) [--dry-run] [--json]

Has every EigenLayer source that weighs look at what an operator has allocated there. A new operator
does it before it registers, and one with more stake once it is allocated: EigenLayer keeps no
history, and the nodes that pay for epochs only keep known weights fresh. Anyone may, for anyone.

  OPERATOR                         its address; the configuration's, or the account, where it is
                                   left out
${ACTION_USAGE}

  mach operator poke --config node.yaml --wallet account.json

${ACTION_EXIT_CODES}`,
  run: poke,
};

async function poke(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: ACTION_OPTIONS,
  });
  if (positionals.length > 1) throw new UsageError("one OPERATOR is expected");
  const [text] = positionals;
  const named = text === undefined ? null : parseAddress(text, "OPERATOR");
  return await runAction(
    {
      operatorOf: (account, { operator }) => ({ ok: true, value: named ?? operator ?? account }),
      intentOf: async () => ({ ok: true, value: { action: "poke" } }),
    },
    values,
    context,
  );
}

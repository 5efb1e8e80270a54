import { parseArgs } from "node:util";
import type { Answer, Command, CommandContext } from "./command.ts";
import { KEY_OPTIONS, KEY_USAGE, readPossession, withOwnKey } from "./operator-key.ts";
import {
  ACTION_EXIT_CODES,
  ACTION_OPTIONS,
  ACTION_USAGE,
  onlyTheOperator,
  runAction,
} from "./operator-run.ts";

/** `mach operator register`: the account becomes an operator, with its first key. */
export const command: Command = {
  usage: `mach operator register (--config FILE | --network NAME | --l1 URL --registry 0x...)
            (--wallet FILE | --signer URL) [--keystore FILE | --proof FILE] [--dry-run] [--json]

Registers the account as an operator with its first BLS key. It needs stake first. An operator that
registers during epoch j weighs from epoch j + 2 on.

${KEY_USAGE}
                    without either the configuration's own keystore is taken
${ACTION_USAGE}

  mach operator register --config node.yaml --wallet account.json --dry-run

${ACTION_EXIT_CODES}`,
  run: register,
};

async function register(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({ args: [...args], options: { ...ACTION_OPTIONS, ...KEY_OPTIONS } });
  return await runAction(
    {
      operatorOf: onlyTheOperator,
      async intentOf(state, place) {
        const possession = await readPossession(withOwnKey(values, place), { state, context });
        if (!possession.ok) return possession;
        return { ok: true, value: { action: "register", ...possession.value } };
      },
    },
    values,
    context,
  );
}

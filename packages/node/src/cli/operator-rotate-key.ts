import { parseArgs } from "node:util";
import type { Answer, Command, CommandContext } from "./command.ts";
import { KEY_OPTIONS, KEY_USAGE, readPossession } from "./operator-key.ts";
import {
  ACTION_EXIT_CODES,
  ACTION_OPTIONS,
  ACTION_USAGE,
  onlyTheOperator,
  runAction,
} from "./operator-run.ts";

/** `mach operator rotate-key`: another BLS key for an operator, from a later epoch on. */
export const command: Command = {
  usage: `mach operator rotate-key (--config FILE | --network NAME | --l1 URL --registry 0x...)
            (--wallet FILE | --signer URL) (--keystore FILE | --proof FILE) [--dry-run] [--json]

Gives an operator another BLS key. Keys change between epochs alone: until the epoch that this
prints begins the node signs with the old key, and from then on with the new one, where its keystore
stands at operator.nextKey of the configuration.

${KEY_USAGE}
${ACTION_USAGE}

  mach operator rotate-key --config node.yaml --wallet account.json --keystore keys/second.json

${ACTION_EXIT_CODES}`,
  run: rotateKey,
};

async function rotateKey(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({ args: [...args], options: { ...ACTION_OPTIONS, ...KEY_OPTIONS } });
  return await runAction(
    {
      operatorOf: onlyTheOperator,
      async intentOf(state) {
        const possession = await readPossession(values, { state, context });
        if (!possession.ok) return possession;
        return { ok: true, value: { action: "rotate-key", ...possession.value } };
      },
    },
    values,
    context,
  );
}

import { parseArgs } from "node:util";
import { parseAddress, required } from "./arguments.ts";
import type { Answer, Command, CommandContext } from "./command.ts";
import { ACTION_EXIT_CODES, ACTION_OPTIONS, ACTION_USAGE, runAction } from "./operator-run.ts";

/** `mach operator deposit`: an operator's own stake. */
export const command: Command = {
  usage: `mach operator deposit (--config FILE | --network NAME | --l1 URL --registry 0x...)
            (--wallet FILE | --signer URL) --amount AMOUNT [--vault 0x...] [--dry-run] [--json]

Puts the account's assets behind the configuration's operator, or behind the account itself where
the configuration names none: an approval of exactly the amount where there is none yet, then the
deposit. Stake behind another operator is \`mach operator delegate\`.

  --amount AMOUNT                  in the asset's own unit, such as 32 or 1.5
  --vault 0x...                    which vault, where several weigh
${ACTION_USAGE}

  mach operator deposit --config node.yaml --wallet account.json --amount 100

${ACTION_EXIT_CODES}`,
  run: deposit,
};

async function deposit(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: { ...ACTION_OPTIONS, amount: { type: "string" }, vault: { type: "string" } },
  });
  const amount = required(values.amount, "amount");
  const vault = values.vault === undefined ? null : parseAddress(values.vault, "--vault");
  return await runAction(
    {
      operatorOf: (account, { operator }) => ({ ok: true, value: operator ?? account }),
      intentOf: async () => ({ ok: true, value: { action: "deposit", vault, amount } }),
    },
    values,
    context,
  );
}

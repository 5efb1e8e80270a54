import { parseArgs } from "node:util";
import { onlyPositional, parseAddress, required } from "./arguments.ts";
import type { Answer, Command, CommandContext } from "./command.ts";
import { ACTION_EXIT_CODES, ACTION_OPTIONS, ACTION_USAGE, runAction } from "./operator-run.ts";
import { refusedAction } from "./operator-words.ts";

/** `mach operator delegate`: stake behind another operator. */
export const command: Command = {
  usage: `mach operator delegate OPERATOR
            (--config FILE | --network NAME | --l1 URL --registry 0x...)
            (--wallet FILE | --signer URL) --amount AMOUNT [--vault 0x...] [--unregistered]
            [--dry-run] [--json]

Puts the account's assets behind an operator, which can then be slashed for what that operator
does. They stay the account's: \`mach operator exit --operator OPERATOR\` takes them out.

  OPERATOR                         its address
  --amount AMOUNT                  in the asset's own unit, such as 32 or 1.5
  --vault 0x...                    which vault, where several weigh
  --unregistered                   also behind an address that has not registered yet, which
                                   weighs nothing
${ACTION_USAGE}

  mach operator delegate 0x70997970c51812dc3a010c7d01b50e0d17dc79c8 --network .local/network.json \\
    --wallet account.json --amount 100 --dry-run

${ACTION_EXIT_CODES}`,
  run: delegate,
};

async function delegate(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...ACTION_OPTIONS,
      amount: { type: "string" },
      vault: { type: "string" },
      unregistered: { type: "boolean" },
    },
  });
  const operator = parseAddress(onlyPositional(positionals, "OPERATOR"), "OPERATOR");
  const amount = required(values.amount, "amount");
  const vault = values.vault === undefined ? null : parseAddress(values.vault, "--vault");
  return await runAction(
    {
      operatorOf: () => ({ ok: true, value: operator }),
      async intentOf({ keyCount }) {
        if (keyCount === 0n && values.unregistered !== true) {
          return { ok: false, answer: refusedAction({ code: "unknown-operator" }) };
        }
        return { ok: true, value: { action: "deposit", vault, amount } };
      },
    },
    values,
    context,
  );
}

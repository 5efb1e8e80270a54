import { parseArgs } from "node:util";
import { parseAddress } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import { ACTION_EXIT_CODES, ACTION_OPTIONS, ACTION_USAGE, runAction } from "./operator-run.ts";

/** `mach operator exit`: takes stake from behind an operator, in two steps. */
export const command: Command = {
  usage: `mach operator exit (--config FILE | --network NAME | --l1 URL --registry 0x...)
            (--wallet FILE | --signer URL) [--amount AMOUNT | --complete ID] [--operator 0x...]
            [--vault 0x...] [--dry-run] [--json]

Begins the exit of the account's stake from behind the configuration's operator, or the account's
own. The stake goes on weighing until the epoch that this prints: the node signs until then. After
that the assets stay locked, and can be slashed for what the operator signed, until the time that
this prints; --complete pays them then.

  --amount AMOUNT                  in the asset's own unit, such as 1.5; all of it where it is
                                   left out
  --complete ID                    pays an exit that is released, by the number that \`mach
                                   operator status\` lists
  --operator 0x...                 from behind another operator
  --vault 0x...                    which vault, where several weigh
${ACTION_USAGE}

  mach operator exit --config node.yaml --wallet account.json --dry-run

${ACTION_EXIT_CODES}`,
  run: exit,
};

async function exit(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...ACTION_OPTIONS,
      amount: { type: "string" },
      complete: { type: "string" },
      operator: { type: "string" },
      vault: { type: "string" },
    },
  });
  const { amount = null, complete } = values;
  if (amount !== null && complete !== undefined) {
    throw new UsageError("--complete pays a whole exit: there is no --amount to it");
  }
  const exitId = complete === undefined ? null : parseExitId(complete);
  const vault = values.vault === undefined ? null : parseAddress(values.vault, "--vault");
  const named = values.operator === undefined ? null : parseAddress(values.operator, "--operator");
  return await runAction(
    {
      operatorOf: (account, { operator }) => ({ ok: true, value: named ?? operator ?? account }),
      intentOf: async () => ({
        ok: true,
        value:
          exitId === null
            ? { action: "exit", vault, amount }
            : { action: "complete-exit", vault, exitId },
      }),
    },
    values,
    context,
  );
}

function parseExitId(text: string): bigint {
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new UsageError("--complete is the number of an exit");
}

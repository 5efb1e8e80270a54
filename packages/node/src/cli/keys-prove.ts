import { parseArgs } from "node:util";
import { createNativeBls } from "@mach/bls";
import { encodePossession } from "../keys/possession.ts";
import { onlyPositional, parseAddress, parseDomain, required } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import { proveUnlocked, unlockKeystore } from "./keys-keystores.ts";

/** `mach keys prove`: that an operator has the key which it registers. */
export const command: Command = {
  usage: `mach keys prove KEYSTORE --operator 0x... --chain-id N --contract 0x... [--nonce N]
            [--password-file FILE] [--json]

Proves possession of a key to a registry, offline, and prints the proof as a JSON document: for
\`mach operator register --proof FILE\` (or rotate-key) on a machine that does not have the key, or
for any other way to the registry's registerOperator(publicKeyPoint, proof). It is no secret, and
of use to that operator on that network alone.

  --operator 0x...      the account that registers the key
  --chain-id N          the L1's chain id, and
  --contract 0x...      the registry on it
  --nonce N             how many keys the operator has registered before, 0 where it is left out
  --password-file FILE  the password of KEYSTORE, mode 0600; asked for without it
  --json                the document in one line

  mach keys prove keys/operator.json --operator 0x70997970c51812dc3a010c7d01b50e0d17dc79c8 \\
    --chain-id 31337 --contract 0x5fbdb2315678afecb367f032d93f642f64180aa3 > proof.json

Exit code: 0 proved, 1 the key cannot be used (with a code), 2 wrong usage.`,
  run: proveKey,
};

async function proveKey(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      operator: { type: "string" },
      "chain-id": { type: "string" },
      contract: { type: "string" },
      nonce: { type: "string" },
      "password-file": { type: "string" },
      json: { type: "boolean" },
    },
  });
  const file = onlyPositional(positionals, "KEYSTORE");
  const operator = parseAddress(required(values.operator, "operator"), "--operator");
  const domain = parseDomain({ chainId: values["chain-id"], contract: values.contract });
  if (domain === undefined) throw new UsageError("--chain-id and --contract are missing");
  const nonce = parseNonce(values.nonce ?? "0");
  const passwordFile = values["password-file"];
  const bls = createNativeBls();
  const request = { file, passwordFile, option: "password-file" };
  const unlocked = await unlockKeystore(bls, request, context);
  if (!unlocked.ok) return unlocked.answer;
  const json = encodePossession(
    proveUnlocked(unlocked.value.secretKey, { domain, operator, nonce }),
  );
  return { exitCode: 0, json, sentence: JSON.stringify(json, null, 2) };
}

function parseNonce(text: string): bigint {
  if (/^\d{1,9}$/.test(text)) return BigInt(text);
  throw new UsageError("--nonce is a whole number, from 0 on");
}

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { createNativeBls, type SecretKey } from "@mach/bls";
import { describePath, keyPath } from "../keys/key-path.ts";
import { createMnemonic, seedOfMnemonic } from "../keys/mnemonic.ts";
import { required } from "./arguments.ts";
import type { Answer, Command, CommandContext } from "./command.ts";
import { fileExists, parseKdf, writeKeystore } from "./keys-keystores.ts";
import { readNewPassword } from "./keys-secrets.ts";
import { writeNewFile } from "./new-file.ts";

/** `mach keys new`: a fresh BLS key in a keystore. */
export const command: Command = {
  usage: `mach keys new --out FILE [--password-file FILE] [--mnemonic-out FILE] [--kdf NAME] [--json]

Makes a BLS key, writes it into a new EIP-2335 keystore of mode 0600, and prints its public key. A
file that exists is never overwritten; a folder that does not exist is made with mode 0700.

  --out FILE            the keystore, such as keys/operator.json
  --password-file FILE  its password, a file of mode 0600; asked for at the terminal without it
  --mnemonic-out FILE   make the key from 24 new words (BIP-39), at ${describePath(keyPath(0))}
                        (EIP-2334), and write the words there: copy them to paper, then delete it
  --kdf NAME            scrypt, or pbkdf2; scrypt where it is left out
  --json                one JSON object instead of a sentence

  mach keys new --out keys/operator.json --password-file password

Exit code: 0 written, 1 not written (with a code), 2 wrong usage.`,
  run: newKey,
};

async function newKey(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: "string" },
      "password-file": { type: "string" },
      "mnemonic-out": { type: "string" },
      kdf: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const file = required(values.out, "out");
  const mnemonicFile = values["mnemonic-out"];
  const kdf = parseKdf(values.kdf);
  if (existsSync(file)) return fileExists(file);
  const password = await readNewPassword(
    { file: values["password-file"], option: "password-file", of: file },
    context,
  );
  if (!password.ok) return password.answer;
  const bls = createNativeBls();
  let secretKey: SecretKey | null = bls.generateSecretKey();
  let path = "";
  if (mnemonicFile !== undefined) {
    const words = createMnemonic();
    const seed = seedOfMnemonic(words);
    secretKey = seed && bls.deriveSecretKey(seed, keyPath(0));
    path = describePath(keyPath(0));
    // The words first: a key without them would only look as if it could be made again.
    if (!writeNewFile(mnemonicFile, `${words}\n`)) return fileExists(mnemonicFile);
  }
  if (secretKey === null) throw new Error("a new mnemonic makes no key");
  const written = await writeKeystore(bls, {
    ...{ file, secretKey, path, kdf },
    password: password.value,
  });
  if (!written.ok) return written.answer;
  const publicKey = written.value;
  const words = mnemonicFile === undefined ? {} : { mnemonicFile };
  return { exitCode: 0, json: { publicKey, file, path, ...words }, sentence: publicKey };
}

import { parseArgs } from "node:util";
import { createNativeBls } from "@mach/bls";
import { toHex } from "@mach/core";
import { onlyPositional, required } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import { fileExists, parseKdf, unlockKeystore, writeKeystore } from "./keys-keystores.ts";
import { readNewPassword } from "./keys-secrets.ts";
import { writeNewFile } from "./new-file.ts";

/** `mach keys export`: a copy of a key, under another password or in plain hex. */
export const command: Command = {
  usage: `mach keys export KEYSTORE --out FILE [--plain] [--password-file FILE]
            [--new-password-file FILE] [--kdf NAME] [--json]

Writes a key into another keystore, under a password of its own, or with --plain as 32 bytes of
hex, for a store of secrets that keeps it safe in its own way. Two nodes with one key and a signing
record each can be slashed: move the record with the key.

  --out FILE                what is written, mode 0600; a file that exists is never overwritten
  --plain                   write the bare secret key, which whoever reads the file has
  --password-file FILE      the password of KEYSTORE, mode 0600; asked for without it
  --new-password-file FILE  the password of what is written, mode 0600; asked for without it
  --kdf NAME                scrypt, or pbkdf2; scrypt where it is left out
  --json                    one JSON object instead of a sentence

  mach keys export keys/operator.json --out /media/stick/operator.json

Exit code: 0 written, 1 not written (with a code), 2 wrong usage.`,
  run: exportKey,
};

async function exportKey(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: "string" },
      plain: { type: "boolean" },
      "password-file": { type: "string" },
      "new-password-file": { type: "string" },
      kdf: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const keystore = onlyPositional(positionals, "KEYSTORE");
  const out = required(values.out, "out");
  const kdf = parseKdf(values.kdf);
  const isPlain = values.plain === true;
  if (isPlain && (values["new-password-file"] ?? values.kdf) !== undefined) {
    throw new UsageError("--plain writes no keystore: it has no password and no --kdf");
  }
  const bls = createNativeBls();
  const passwordFile = values["password-file"];
  const request = { file: keystore, passwordFile, option: "password-file" };
  const unlocked = await unlockKeystore(bls, request, context);
  if (!unlocked.ok) return unlocked.answer;
  const { secretKey, publicKey, path } = unlocked.value;
  const answer: Answer = { exitCode: 0, json: { publicKey, file: out, path }, sentence: publicKey };
  if (isPlain) {
    return writeNewFile(out, `${toHex(secretKey.toBytes())}\n`) ? answer : fileExists(out);
  }
  const password = await readNewPassword(
    { file: values["new-password-file"], option: "new-password-file", of: out },
    context,
  );
  if (!password.ok) return password.answer;
  const written = await writeKeystore(bls, {
    ...{ file: out, secretKey, path, kdf },
    password: password.value,
  });
  return written.ok ? answer : written.answer;
}

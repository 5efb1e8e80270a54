import { parseArgs } from "node:util";
import { createNativeBls, type NativeBls, type SecretKey } from "@mach/bls";
import { fromHex, isHex } from "@mach/core";
import { describePath, keyPath, MAX_ACCOUNT } from "../keys/key-path.ts";
import { seedOfMnemonic } from "../keys/mnemonic.ts";
import { readOwnFile } from "../secret-file.ts";
import { required } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import { parseKdf, unlockKeystore, writeKeystore } from "./keys-keystores.ts";
import { ask, notDone, readNewPassword, type Step } from "./keys-secrets.ts";

/** `mach keys import`: a key that exists, in a new keystore. */
export const command: Command = {
  usage: `mach keys import --out FILE (--mnemonic | --mnemonic-file FILE | --keystore FILE | --plain FILE)
            [--index N] [--password-file FILE] [--keystore-password-file FILE] [--kdf NAME] [--json]

Writes a BLS key that exists into a new EIP-2335 keystore, and prints its public key. What it is
read from is left as it is.

  --out FILE                     the new keystore; a file that exists is never overwritten
  --mnemonic                     asks at the terminal for BIP-39's words, in English
  --mnemonic-file FILE           the words in a file of mode 0600
  --index N                      which of their keys, from 0 on: N in m/12381/${keyPath(0)[1]}/N/0
  --keystore FILE                a keystore of EIP-2335, by this program or another
  --plain FILE                   32 bytes of hex in a file of mode 0600
  --password-file FILE           the new password, mode 0600; asked for without it
  --keystore-password-file FILE  the password of --keystore, mode 0600; asked for without it
  --kdf NAME                     scrypt, or pbkdf2; scrypt where it is left out
  --json                         one JSON object instead of a sentence

  mach keys import --mnemonic --out keys/operator.json

A key of the beacon chain's validators is refused: it must sign nothing else.

Exit code: 0 written, 1 not written (with a code), 2 wrong usage.`,
  run: importKey,
};

const MAX_WORDS_BYTES = 1_024;
const MAX_PLAIN_BYTES = 256;

interface Found {
  readonly secretKey: SecretKey;
  readonly path: string;
}

interface Origin {
  readonly mnemonic?: boolean | undefined;
  readonly "mnemonic-file"?: string | undefined;
  readonly keystore?: string | undefined;
  readonly plain?: string | undefined;
  readonly index?: string | undefined;
  readonly "keystore-password-file"?: string | undefined;
}

async function importKey(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: "string" },
      mnemonic: { type: "boolean" },
      "mnemonic-file": { type: "string" },
      keystore: { type: "string" },
      plain: { type: "string" },
      index: { type: "string" },
      "password-file": { type: "string" },
      "keystore-password-file": { type: "string" },
      kdf: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const file = required(values.out, "out");
  const kdf = parseKdf(values.kdf);
  const bls = createNativeBls();
  const found = await find(bls, values, context);
  if (!found.ok) return found.answer;
  const password = await readNewPassword(
    { file: values["password-file"], option: "password-file", of: file },
    context,
  );
  if (!password.ok) return password.answer;
  const { secretKey, path } = found.value;
  const written = await writeKeystore(bls, {
    ...{ file, secretKey, path, kdf },
    password: password.value,
  });
  if (!written.ok) return written.answer;
  const publicKey = written.value;
  return { exitCode: 0, json: { publicKey, file, path }, sentence: publicKey };
}

async function find(bls: NativeBls, from: Origin, context: CommandContext): Promise<Step<Found>> {
  const { mnemonic, "mnemonic-file": wordsFile, keystore, plain } = from;
  const given = [mnemonic, wordsFile, keystore, plain].filter((each) => each !== undefined);
  if (given.length !== 1) {
    throw new UsageError("one of --mnemonic, --mnemonic-file, --keystore and --plain is expected");
  }
  const isFromWords = mnemonic !== undefined || wordsFile !== undefined;
  if (!isFromWords && from.index !== undefined) {
    throw new UsageError("--index picks one of a mnemonic's keys");
  }
  if (keystore !== undefined) {
    const passwordFile = from["keystore-password-file"];
    const option = "keystore-password-file";
    return await unlockKeystore(bls, { file: keystore, passwordFile, option }, context);
  }
  if (plain !== undefined) return await fromPlain(bls, plain);
  return await fromWords(bls, { wordsFile, account: parseAccount(from.index) }, context);
}

async function fromWords(
  bls: NativeBls,
  { wordsFile, account }: { readonly wordsFile: string | undefined; readonly account: number },
  context: CommandContext,
): Promise<Step<Found>> {
  let words: string;
  if (wordsFile === undefined) {
    words = await ask("Mnemonic: ", "mnemonic-file", context);
  } else {
    const read = await readOwnFile(wordsFile, MAX_WORDS_BYTES);
    if (!read.ok) return notDone(wordsFile, read.code);
    words = read.text;
  }
  const path = keyPath(account);
  const seed = seedOfMnemonic(words);
  const secretKey = seed && bls.deriveSecretKey(seed, path);
  if (secretKey !== null) return { ok: true, value: { secretKey, path: describePath(path) } };
  const sentence =
    "nothing done (malformed-mnemonic): these are no words of BIP-39, or one is wrong or missing";
  return { ok: false, answer: { exitCode: 1, json: { code: "malformed-mnemonic" }, sentence } };
}

async function fromPlain(bls: NativeBls, file: string): Promise<Step<Found>> {
  const read = await readOwnFile(file, MAX_PLAIN_BYTES);
  if (!read.ok) return notDone(file, read.code);
  const text = read.text.trim().toLowerCase();
  const hex = text.startsWith("0x") ? text : `0x${text}`;
  const secretKey = isHex(hex, 32) ? bls.secretKeyFromBytes(fromHex(hex)) : null;
  if (secretKey !== null) return { ok: true, value: { secretKey, path: "" } };
  const sentence = `nothing done (malformed-key): ${file} does not hold a BLS secret key in hex`;
  return { ok: false, answer: { exitCode: 1, json: { code: "malformed-key", file }, sentence } };
}

function parseAccount(text: string | undefined): number {
  const account = /^\d{1,10}$/.test(text ?? "0") ? Number(text ?? "0") : Number.NaN;
  if (account <= MAX_ACCOUNT) return account;
  throw new UsageError(`--index is a whole number from 0 to ${MAX_ACCOUNT}`);
}

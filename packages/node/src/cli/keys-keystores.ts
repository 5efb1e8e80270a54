import { dirname } from "node:path";
import type { NativeBls, SecretKey } from "@mach/bls";
import type { Hex } from "@mach/core";
import { encryptKeystore, KDFS, type Kdf } from "../keys/keystore.ts";
import { openKeystore, readKeystoreFile } from "../keys/keystore-file.ts";
import { type Possession, provePossession, type Registration } from "../keys/possession.ts";
import { type Answer, type CommandContext, UsageError } from "./command.ts";
import { notDone, readPassword, type Step } from "./keys-secrets.ts";
import { makeFolder, writeNewFile } from "./new-file.ts";

/** One of EIP-2335's two functions; scrypt where nothing is said. */
export function parseKdf(name: string | undefined): Kdf {
  const kdf = KDFS.find((each) => each === (name ?? "scrypt"));
  if (kdf === undefined) throw new UsageError(`--kdf is one of ${KDFS.join(", ")}`);
  return kdf;
}

export interface NewKeystore {
  readonly file: string;
  readonly secretKey: SecretKey;
  readonly password: string;
  /** Where it was derived, empty for a key that was not. */
  readonly path: string;
  readonly kdf: Kdf;
}

/** Writes a key into a new keystore, once it opens again; into a folder of its own where none is. */
export async function writeKeystore(bls: NativeBls, request: NewKeystore): Promise<Step<Hex>> {
  const { file, secretKey, password, path, kdf } = request;
  const publicKey = bls.publicKeyOf(secretKey);
  const secret = secretKey.toBytes();
  const keystore = await encryptKeystore({ secret, publicKey, password, path, kdf });
  secret.fill(0);
  // A key that nobody can open any more is lost with its first restart.
  const opened = await openKeystore(bls, keystore, password);
  if (!opened.ok) return notDone(file, opened.code);
  makeFolder(dirname(file));
  if (writeNewFile(file, `${JSON.stringify(keystore, null, 2)}\n`)) {
    return { ok: true, value: publicKey };
  }
  return { ok: false, answer: fileExists(file) };
}

/** The key in a keystore, by the password of a file or a terminal. */
export async function unlockKeystore(
  bls: NativeBls,
  request: {
    readonly file: string;
    readonly passwordFile: string | undefined;
    /** The name of the option that gives the password's file. */
    readonly option: string;
  },
  context: CommandContext,
): Promise<
  Step<{ readonly secretKey: SecretKey; readonly publicKey: Hex; readonly path: string }>
> {
  const { file, passwordFile, option } = request;
  const read = await readKeystoreFile(file);
  if (!read.ok) return notDone(file, read.code);
  const password = await readPassword({ file: passwordFile, option, of: file }, context);
  if (!password.ok) return password;
  const opened = await openKeystore(bls, read.keystore, password.value);
  if (!opened.ok) return notDone(file, opened.code);
  const { secretKey, publicKey } = opened;
  return { ok: true, value: { secretKey, publicKey, path: read.keystore.path } };
}

/** Proves that an operator has a key that was unlocked. */
export function proveUnlocked(secretKey: SecretKey, registration: Registration): Possession {
  const secret = secretKey.toBytes();
  const possession = provePossession(secret, registration);
  secret.fill(0);
  if (possession === null) throw new Error("a secret key that opened is none");
  return possession;
}

/** The answer where a file would be overwritten. */
export function fileExists(file: string): Answer {
  const sentence = `nothing written (file-exists): ${file} exists, and no key is ever overwritten`;
  return { exitCode: 1, json: { code: "file-exists", file }, sentence };
}

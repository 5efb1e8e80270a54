import type { NativeBls, SecretKey } from "@mach/bls";
import type { Hex } from "@mach/core";
import { OWN_FILE_WORDS, type OwnFileFailure, readOwnFile } from "../secret-file.ts";
import { isBeaconPath } from "./key-path.ts";
import { decryptKeystore, type Keystore, type KeystoreFailure, parseKeystore } from "./keystore.ts";

const MAX_KEYSTORE_BYTES = 16_384;
const MAX_PASSWORD_BYTES = 4_096;

export type KeyFailure =
  | OwnFileFailure
  | KeystoreFailure
  /** The checksum is not that of this password. */
  | "wrong-password"
  /** What is in it is another key than the one that it names, or none. */
  | "wrong-public-key"
  /** It is a key of the beacon chain's validators, which must sign nothing else. */
  | "beacon-key";

/** What to do about a keystore that is not used; each completes "the file X ...". */
export const KEY_FAILURE_WORDS: Readonly<Record<KeyFailure, string>> = {
  ...OWN_FILE_WORDS,
  "malformed-keystore": "is no EIP-2335 keystore of version 4: give the file of `mach keys new`",
  "kdf-too-costly": "asks for more work or memory to open it than any honest keystore",
  "wrong-password": "does not open with this password: look for the right one",
  "wrong-public-key": "holds another key than the one that it names: take another copy",
  "beacon-key":
    "is the key of a beacon chain validator, which must sign nothing else: make a new one",
};

export interface KeyRefusal {
  readonly ok: false;
  readonly code: KeyFailure;
}

export type ReadKeystoreResult = { readonly ok: true; readonly keystore: Keystore } | KeyRefusal;

/** Reads a keystore that its owner alone can read. Never rejects. */
export async function readKeystoreFile(file: string): Promise<ReadKeystoreResult> {
  const read = await readOwnFile(file, MAX_KEYSTORE_BYTES);
  return read.ok ? parseKeystore(read.text) : { ok: false, code: read.code };
}

/** Reads a password from a file that its owner alone can read, without the last line's end. */
export async function readPasswordFile(
  file: string,
): Promise<{ readonly ok: true; readonly password: string } | KeyRefusal> {
  const read = await readOwnFile(file, MAX_PASSWORD_BYTES);
  if (!read.ok) return { ok: false, code: read.code };
  return { ok: true, password: read.text.replace(/\r?\n$/, "") };
}

export type OpenKeystoreResult =
  | { readonly ok: true; readonly secretKey: SecretKey; readonly publicKey: Hex }
  | KeyRefusal;

/** The key in a keystore, once it is the one that the keystore names. */
export async function openKeystore(
  bls: Pick<NativeBls, "secretKeyFromBytes" | "publicKeyOf">,
  keystore: Keystore,
  password: string,
): Promise<OpenKeystoreResult> {
  if (isBeaconPath(keystore.path)) return { ok: false, code: "beacon-key" };
  const secret = await decryptKeystore(keystore, password);
  if (secret === null) return { ok: false, code: "wrong-password" };
  const secretKey = bls.secretKeyFromBytes(secret);
  secret.fill(0);
  if (secretKey === null) return { ok: false, code: "wrong-public-key" };
  const publicKey = bls.publicKeyOf(secretKey);
  const named = keystore.pubkey?.toLowerCase();
  if (named !== undefined && publicKey !== `0x${named}`) {
    return { ok: false, code: "wrong-public-key" };
  }
  return { ok: true, secretKey, publicKey };
}

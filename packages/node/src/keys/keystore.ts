import {
  createCipheriv,
  createDecipheriv,
  createHash,
  pbkdf2,
  randomBytes,
  randomUUID,
  type ScryptOptions,
  scrypt,
  timingSafeEqual,
} from "node:crypto";
import { promisify } from "node:util";
import type { Hex } from "@mach/core";
import { z } from "zod";
import { encodePassword } from "./password.ts";

/** How a keystore's password becomes a key: EIP-2335's two functions. */
export const KDFS = ["scrypt", "pbkdf2"] as const;
export type Kdf = (typeof KDFS)[number];

const SECRET_BYTES = 32;
const SALT_BYTES = 32;
const IV_BYTES = 16;
const KEY_BYTES = 16;
const DERIVED_BYTES = 32;
/** What EIP-2335's examples ask for: some 0.6 s by scrypt, 0.1 s by pbkdf2. */
const SCRYPT = { n: 262_144, r: 8, p: 1 };
const PBKDF2_ROUNDS = 262_144;
/** A file may not make its reader work for minutes, or take a machine's memory. */
const MAX_SCRYPT_BYTES = 1_073_741_824;
const MAX_SCRYPT_WORK = 16 * 1_048_576 * 8;
const MAX_PBKDF2_ROUNDS = 16_777_216;

const deriveScrypt: (
  password: Uint8Array,
  salt: Uint8Array,
  length: number,
  options: ScryptOptions,
) => Promise<Buffer> = promisify(scrypt);
const derivePbkdf2 = promisify(pbkdf2);

function hexOf(min: number, max = min): z.ZodType<string, unknown> {
  return z.string().regex(new RegExp(`^([0-9a-fA-F]{2}){${min},${max}}$`));
}

const count = z.number().int().positive();
const dklen = count.min(DERIVED_BYTES).max(64);
const salt = hexOf(1, 128);

interface ScryptModule {
  readonly function: "scrypt";
  readonly params: {
    readonly dklen: number;
    readonly n: number;
    readonly r: number;
    readonly p: number;
    readonly salt: string;
  };
  readonly message: "";
}

interface Pbkdf2Module {
  readonly function: "pbkdf2";
  readonly params: {
    readonly dklen: number;
    readonly c: number;
    readonly prf: "hmac-sha256";
    readonly salt: string;
  };
  readonly message: "";
}

/** A BLS secret key under a password: EIP-2335, version 4. Bytes are hex without 0x. */
export interface Keystore {
  readonly version: 4;
  readonly uuid: string;
  /** Where the key was derived (EIP-2334), empty for a random one. */
  readonly path: string;
  readonly pubkey?: string | undefined;
  readonly description?: string | undefined;
  readonly crypto: {
    readonly kdf: ScryptModule | Pbkdf2Module;
    readonly checksum: {
      readonly function: "sha256";
      readonly params: object;
      readonly message: string;
    };
    readonly cipher: {
      readonly function: "aes-128-ctr";
      readonly params: { readonly iv: string };
      readonly message: string;
    };
  };
}

const keystoreSchema: z.ZodType<Keystore, unknown> = z.object({
  version: z.literal(4),
  uuid: z.guid(),
  path: z.string().max(256),
  pubkey: hexOf(48).optional(),
  description: z.string().max(4_096).optional(),
  crypto: z.object({
    kdf: z.discriminatedUnion("function", [
      z.object({
        function: z.literal("scrypt"),
        params: z.object({ dklen, n: count, r: count, p: count, salt }),
        message: z.literal(""),
      }),
      z.object({
        function: z.literal("pbkdf2"),
        params: z.object({ dklen, c: count, prf: z.literal("hmac-sha256"), salt }),
        message: z.literal(""),
      }),
    ]),
    checksum: z.object({
      function: z.literal("sha256"),
      params: z.object({}),
      message: hexOf(32),
    }),
    cipher: z.object({
      function: z.literal("aes-128-ctr"),
      params: z.object({ iv: hexOf(IV_BYTES) }),
      message: hexOf(SECRET_BYTES),
    }),
  }),
});

export type KeystoreFailure =
  /** It is no EIP-2335 keystore of version 4 with a secret of 32 bytes. */
  | "malformed-keystore"
  /** To derive its key would take minutes, or gigabytes. */
  | "kdf-too-costly";

export type ParseKeystoreResult =
  | { readonly ok: true; readonly keystore: Keystore }
  | { readonly ok: false; readonly code: KeystoreFailure };

/** Reads a keystore from its JSON text. It says nothing of the password. */
export function parseKeystore(text: string): ParseKeystoreResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON, and so no keystore.
    return { ok: false, code: "malformed-keystore" };
  }
  const parsed = keystoreSchema.safeParse(value);
  if (!parsed.success || !isPowerOfTwo(parsed.data)) {
    return { ok: false, code: "malformed-keystore" };
  }
  if (isTooCostly(parsed.data)) return { ok: false, code: "kdf-too-costly" };
  return { ok: true, keystore: parsed.data };
}

export interface EncryptRequest {
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** Compressed, 48 bytes. */
  readonly publicKey: Hex;
  readonly password: string;
  /** Where it was derived (EIP-2334), empty for a random key. */
  readonly path: string;
  readonly kdf: Kdf;
}

/** Puts a secret key under a password, with a salt and an initialisation vector of their own. */
export async function encryptKeystore(request: EncryptRequest): Promise<Keystore> {
  const { secret, publicKey, password, path } = request;
  const kdf = createKdf(request.kdf);
  const key = await deriveKey(kdf, password);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-128-ctr", key.subarray(0, KEY_BYTES), iv);
  const message = Buffer.concat([cipher.update(secret), cipher.final()]);
  const keystore: Keystore = {
    crypto: {
      kdf,
      checksum: {
        function: "sha256",
        params: {},
        message: checksumOf(key, message).toString("hex"),
      },
      cipher: {
        function: "aes-128-ctr",
        params: { iv: iv.toString("hex") },
        message: message.toString("hex"),
      },
    },
    description: "MACH operator key",
    pubkey: publicKey.slice(2),
    path,
    uuid: randomUUID(),
    version: 4,
  };
  key.fill(0);
  return keystore;
}

/** The 32 bytes in a keystore, or null for a wrong password. */
export async function decryptKeystore(
  { crypto: { kdf, checksum, cipher } }: Keystore,
  password: string,
): Promise<Uint8Array | null> {
  const key = await deriveKey(kdf, password);
  try {
    const message = Buffer.from(cipher.message, "hex");
    const expected = Buffer.from(checksum.message, "hex");
    if (!timingSafeEqual(checksumOf(key, message), expected)) return null;
    const iv = Buffer.from(cipher.params.iv, "hex");
    const decipher = createDecipheriv("aes-128-ctr", key.subarray(0, KEY_BYTES), iv);
    return Uint8Array.from(Buffer.concat([decipher.update(message), decipher.final()]));
  } finally {
    key.fill(0);
  }
}

type KdfModule = ScryptModule | Pbkdf2Module;

function createKdf(kdf: Kdf): KdfModule {
  const salt = randomBytes(SALT_BYTES).toString("hex");
  const dklen = DERIVED_BYTES;
  if (kdf === "scrypt") {
    return { function: "scrypt", params: { dklen, ...SCRYPT, salt }, message: "" };
  }
  const params = { dklen, c: PBKDF2_ROUNDS, prf: "hmac-sha256" as const, salt };
  return { function: "pbkdf2", params, message: "" };
}

async function deriveKey(kdf: KdfModule, password: string): Promise<Buffer> {
  const encoded = encodePassword(password);
  const { dklen } = kdf.params;
  const salt = Buffer.from(kdf.params.salt, "hex");
  if (kdf.function === "pbkdf2") {
    return await derivePbkdf2(encoded, salt, kdf.params.c, dklen, "sha256");
  }
  const { n: N, r, p } = kdf.params;
  // Node's own bound is 32 MiB; the bound on what is accepted is `isTooCostly`.
  return await deriveScrypt(encoded, salt, dklen, { N, r, p, maxmem: 2 * MAX_SCRYPT_BYTES });
}

function checksumOf(key: Buffer, message: Buffer): Buffer {
  return createHash("sha256")
    .update(key.subarray(KEY_BYTES, DERIVED_BYTES))
    .update(message)
    .digest();
}

function isPowerOfTwo({ crypto: { kdf } }: Keystore): boolean {
  if (kdf.function !== "scrypt") return true;
  const { n } = kdf.params;
  return n > 1 && Number.isInteger(Math.log2(n));
}

function isTooCostly({ crypto: { kdf } }: Keystore): boolean {
  if (kdf.function === "pbkdf2") return kdf.params.c > MAX_PBKDF2_ROUNDS;
  const { n, r, p } = kdf.params;
  return (
    128 * n * r > MAX_SCRYPT_BYTES || n * r * p > MAX_SCRYPT_WORK || 128 * r * p > MAX_SCRYPT_BYTES
  );
}

import { readFileSync } from "node:fs";
import { create, decrypt, isValidKeystore } from "@chainsafe/bls-keystore";
import { createNativeBls } from "@mach/bls";
import { fromHex, type Hex, toHex } from "@mach/core";
import { describe, expect, it } from "vitest";
import {
  decryptKeystore,
  encryptKeystore,
  type Kdf,
  type Keystore,
  parseKeystore,
} from "../../src/keys/keystore.ts";
import { openKeystore } from "../../src/keys/keystore-file.ts";
import { encodePassword, weaknessOf } from "../../src/keys/password.ts";

interface Vector {
  readonly password: string;
  readonly encoded_password: Hex;
  readonly secret: Hex;
  readonly keystore: Keystore;
}

function vector(kdf: Kdf): Vector {
  const file = new URL(`../../../../test/vectors/eip2335/${kdf}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Vector;
}

const bls = createNativeBls();
const PASSWORD = "correct horse";
const SECRET: Hex = `0x${"11".repeat(32)}`;

/** One for all tests that only look at it: making it is what takes time. */
const keystoreMade = made("pbkdf2");

async function made(kdf: Kdf, secret: Hex = SECRET): Promise<Keystore> {
  const secretKey = bls.secretKeyFromBytes(fromHex(secret));
  const publicKey = secretKey ? bls.publicKeyOf(secretKey) : "0x";
  const request = { publicKey, password: PASSWORD, path: "", kdf };
  return await encryptKeystore({ ...request, secret: fromHex(secret) });
}

function parsed(keystore: unknown): Keystore {
  const result = parseKeystore(JSON.stringify(keystore));
  if (!result.ok) throw new Error(result.code);
  return result.keystore;
}

describe("a keystore of EIP-2335", () => {
  it.each<Kdf>(["scrypt", "pbkdf2"])("opens: %s", async (kdf) => {
    const { keystore, password, secret, encoded_password } = vector(kdf);
    expect(toHex(encodePassword(password))).toBe(encoded_password);
    expect(toHex((await decryptKeystore(parsed(keystore), password)) ?? new Uint8Array())).toBe(
      secret,
    );
  });

  it("does not open by another password", async () => {
    const { keystore, password } = vector("pbkdf2");
    expect(await decryptKeystore(parsed(keystore), `${password}!`)).toBeNull();
  });

  it.each<Kdf>(["scrypt", "pbkdf2"])("made here opens in another program: %s", async (kdf) => {
    const keystore = await made(kdf);
    expect(isValidKeystore(keystore)).toBe(true);
    const secret = await decrypt(JSON.parse(JSON.stringify(keystore)), PASSWORD);
    expect(toHex(Uint8Array.from(secret))).toBe(SECRET);
  });

  it("made by another program opens here", async () => {
    const publicKey = fromHex((await keystoreMade).pubkey?.replace(/^/, "0x") ?? "0x");
    const theirs = await create(PASSWORD, fromHex(SECRET), publicKey, "m/12381/60/0/0");
    const opened = await openKeystore(bls, parsed(theirs), PASSWORD);
    expect(opened.ok && toHex(opened.secretKey.toBytes())).toBe(SECRET);
  });

  it("never has a salt, a vector or an id of another", async () => {
    const [first, second] = [await keystoreMade, await made("pbkdf2")];
    for (const pick of [
      ({ uuid }: Keystore) => uuid,
      ({ crypto }: Keystore) => crypto.kdf.params.salt,
      ({ crypto }: Keystore) => crypto.cipher.params.iv,
      ({ crypto }: Keystore) => crypto.cipher.message,
    ]) {
      expect(pick(first)).not.toBe(pick(second));
    }
  });
});

describe("a keystore is refused", () => {
  it("where it names another key, or is a validator's", async () => {
    const keystore = await keystoreMade;
    const other = await made("pbkdf2", `0x${"22".repeat(32)}`);
    const swapped = { ...keystore, pubkey: other.pubkey };
    expect(await openKeystore(bls, swapped, PASSWORD)).toEqual({
      ok: false,
      code: "wrong-public-key",
    });
    const validator = { ...keystore, path: "m/12381/3600/0/0/0" };
    expect(await openKeystore(bls, validator, PASSWORD)).toEqual({ ok: false, code: "beacon-key" });
  });

  it("where the secret in it is no key", async () => {
    const keystore = await encryptKeystore({
      ...{ secret: new Uint8Array(32), publicKey: "0x", password: PASSWORD },
      ...{ path: "", kdf: "pbkdf2" },
    });
    const nameless = parsed({ ...keystore, pubkey: undefined });
    expect(await openKeystore(bls, nameless, PASSWORD)).toMatchObject({ code: "wrong-public-key" });
  });

  it.each<[string, (keystore: Keystore) => unknown]>([
    ["an account's (version 3)", (keystore) => ({ ...keystore, version: 3 })],
    ["a cipher of no such kind", change("cipher", { function: "aes-256-gcm" })],
    ["a checksum of no such kind", change("checksum", { function: "md5" })],
    ["a derivation of no such kind", change("kdf", { function: "argon2" })],
    ["a secret of 31 bytes", change("cipher", { message: "11".repeat(31) })],
    ["a derived key of 16 bytes", changeKdf({ dklen: 16 })],
    ["another hash", changeKdf({ prf: "hmac-sha1" })],
    ["no salt", changeKdf({ salt: "" })],
    ["no round", changeKdf({ c: 0 })],
  ])("with %s", async (_, break_) => {
    const broken = JSON.stringify(break_(await keystoreMade));
    expect(parseKeystore(broken)).toEqual({ ok: false, code: "malformed-keystore" });
  });

  it("where opening it would take minutes, or a machine's memory", async () => {
    const { keystore } = vector("scrypt");
    const { keystore: other } = vector("pbkdf2");
    const codeOf = (broken: unknown): unknown => parseKeystore(JSON.stringify(broken));
    const refused = { ok: false, code: "kdf-too-costly" };
    expect(codeOf(changeKdf({ n: 2 ** 24 })(keystore))).toEqual(refused);
    expect(codeOf(changeKdf({ r: 2 ** 13 })(keystore))).toEqual(refused);
    expect(codeOf(changeKdf({ p: 2 ** 20 })(keystore))).toEqual(refused);
    expect(codeOf(changeKdf({ c: 2 ** 30 })(other))).toEqual(refused);
    expect(codeOf(changeKdf({ n: 1000 })(keystore))).toMatchObject({ code: "malformed-keystore" });
  });

  it.each(["", "{", "[]", "null", '"x"'])("that is %j", (text) => {
    expect(parseKeystore(text)).toEqual({ ok: false, code: "malformed-keystore" });
  });
});

describe("a password", () => {
  it("loses control codes, keeps spaces, and is one however its letters are composed", () => {
    expect(encodePassword("a\u0000b\u001fc\u007fd\u0080e\u009ff g\n")).toEqual(
      Buffer.from("abcdef g"),
    );
    expect(encodePassword("\u00c5")).toEqual(encodePassword("A\u030a"));
  });

  it("of a new file has eight characters", () => {
    expect(weaknessOf("1234567\n")).not.toBeNull();
    expect(weaknessOf("12345678")).toBeNull();
  });
});

function change(module: "kdf" | "checksum" | "cipher", values: object) {
  return (keystore: Keystore): unknown => ({
    ...keystore,
    crypto: { ...keystore.crypto, [module]: { ...keystore.crypto[module], ...values } },
  });
}

function changeKdf(values: object) {
  return (keystore: Keystore): unknown =>
    change("kdf", { params: { ...keystore.crypto.kdf.params, ...values } })(keystore);
}

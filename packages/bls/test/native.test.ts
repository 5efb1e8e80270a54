import { type Hex, toHex } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNativeBls, type SecretKey } from "../src/native.ts";
import { createPortableBls } from "../src/portable.ts";
import {
  blst,
  digestOf,
  INFINITY_PUBLIC_KEY,
  INFINITY_SIGNATURE,
  PUBLIC_KEY_OUT_OF_GROUP,
  SIGNATURE_OUT_OF_GROUP,
  secretKeyBytes,
} from "./vector-files.ts";

const native = createNativeBls();
const message = digestOf(0x33);

function secretKeyOf(seed: number): SecretKey {
  const secretKey = native.secretKeyFromBytes(secretKeyBytes(seed));
  if (secretKey === null) throw new Error("not a secret key");
  return secretKey;
}

const signers = Array.from({ length: 12 }, (_, seed) => {
  const secretKey = secretKeyOf(seed);
  const { compressed, uncompressed } = native.sign(secretKey, message);
  return { secretKey, publicKey: native.publicKeyOf(secretKey), compressed, uncompressed };
});
const [signer] = signers;
if (signer === undefined) throw new Error("no signer");
const publicKeys = signers.map((each) => each.publicKey);

function bytesOf(hex: Hex): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.slice(2), "hex"));
}

/** Signatures that must be refused on every path in, with what is wrong with them. */
const illegalSignatures: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", new Uint8Array()],
  ["infinity, compressed", bytesOf(INFINITY_SIGNATURE)],
  ["infinity, uncompressed", bytesOf(`0x40${"00".repeat(191)}`)],
  ["zeros, uncompressed", new Uint8Array(192)],
  ["out of the subgroup", bytesOf(SIGNATURE_OUT_OF_GROUP)],
  ["95 bytes", signer.uncompressed.subarray(0, 95)],
  ["97 bytes", Uint8Array.of(...bytesOf(signer.compressed), 0)],
  ["193 bytes", Uint8Array.of(...signer.uncompressed, 0)],
  ["a compressed flag on 192 bytes", withFlag(signer.uncompressed, 0x80)],
  ["a sign flag on 192 bytes", withFlag(signer.uncompressed, 0x20)],
  ["no compressed flag on 96 bytes", signer.uncompressed.subarray(0, 96)],
  ["a point off the curve", withLastByteChanged(signer.uncompressed)],
  ["a key", bytesOf(signer.publicKey)],
];

const illegalPublicKeys: readonly (readonly [string, Hex])[] = [
  ["nothing", "0x"],
  ["infinity", INFINITY_PUBLIC_KEY],
  ["out of the subgroup", PUBLIC_KEY_OUT_OF_GROUP],
  ["96 bytes, uncompressed", toHex(blst.PublicKey.fromHex(signer.publicKey).toBytes(false))],
  ["49 bytes", `${signer.publicKey}00`],
  ["upper-case hex", signer.publicKey.toUpperCase().replace("0X", "0x") as Hex],
  ["not hex", `0x${"zz".repeat(48)}`],
];

function withFlag(bytes: Uint8Array, flag: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => (index === 0 ? byte | flag : byte));
}

function withLastByteChanged(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte));
}

describe("keys and single signatures", () => {
  it("a generated key signs what its public key verifies, and no other digest", () => {
    const secretKey = native.generateSecretKey();
    const publicKey = native.publicKeyOf(secretKey);
    const { compressed, uncompressed } = native.sign(secretKey, message);
    const signed = { publicKeys: [publicKey], message, signature: compressed };
    expect(native.verifyAggregate(signed)).toBe(true);
    expect(native.verifyAggregate({ ...signed, message: digestOf(0x34) })).toBe(false);
    expect(native.verifyAggregate({ ...signed, publicKeys: [signer.publicKey] })).toBe(false);
    expect(uncompressed).toHaveLength(192);
    expect(native.compressSignature(uncompressed)).toBe(compressed);
    expect(native.compressSignature(bytesOf(compressed))).toBe(compressed);
  });

  it("two generated keys differ, and neither shows itself when it is printed", () => {
    const [first, second] = [native.generateSecretKey(), native.generateSecretKey()];
    expect(toHex(first.toBytes())).not.toBe(toHex(second.toBytes()));
    const secret = toHex(first.toBytes()).slice(2);
    expect(JSON.stringify(first) + String(first)).not.toContain(secret);
  });

  it("a secret key is 32 bytes above zero and below the order", () => {
    const order = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";
    for (const bytes of [
      new Uint8Array(32),
      new Uint8Array(31).fill(1),
      new Uint8Array(33).fill(1),
      bytesOf(`0x${order}`),
      new Uint8Array(32).fill(0xff),
    ]) {
      expect(native.secretKeyFromBytes(bytes)).toBeNull();
      expect(createPortableBls().publicKeyOf(bytes)).toBeNull();
    }
    expect(native.secretKeyFromBytes(bytesOf(`0x${order.slice(0, -2)}00`))).not.toBeNull();
  });

  it("a digest of another form is not signed", () => {
    expect(() => native.sign(signer.secretKey, "0x1234")).toThrow(RangeError);
    expect(() => native.sign({ toBytes: () => secretKeyBytes(1) }, message)).toThrow(TypeError);
  });

  it("the 96-byte form has the sign of y for either of a point and its negative", () => {
    for (const { compressed, uncompressed } of signers) {
      const library = blst.Signature.fromBytes(uncompressed, true).toHex(true);
      expect(compressed).toBe(library);
    }
    // The loop proves something only if both signs occur in it.
    const signs = signers.map((each) => (bytesOf(each.compressed)[0] ?? 0) & 0x20);
    expect(new Set(signs).size).toBe(2);
  });
});

describe("the certificate check", () => {
  const signatures = signers.map((each) => each.uncompressed);

  it("accepts the sum of all signatures in either encoding and returns it compressed", () => {
    const mixed = signers.map((each, index) =>
      index % 2 === 0 ? each.uncompressed : bytesOf(each.compressed),
    );
    const expected = native.aggregateSignatures(signatures);
    expect(native.verifySum({ publicKeys, message, signatures: mixed })).toEqual({
      ok: true,
      signature: expected,
    });
    const signature = expected ?? "0x";
    expect(native.verifyAggregate({ publicKeys, message, signature })).toBe(true);
  });

  it("accepts a sum to which one more signature is added", () => {
    const sum = native.aggregateSignatures(signatures.slice(1)) ?? "0x";
    const parts = [bytesOf(sum), signer.uncompressed];
    expect(native.verifySum({ publicKeys, message, signatures: parts }).ok).toBe(true);
  });

  it("refuses a missing signer, a missing signature, another message and no signers", () => {
    const bad = { ok: false, code: "bad-signature" };
    const sum = { publicKeys, message, signatures };
    expect(native.verifySum({ ...sum, publicKeys: publicKeys.slice(1) })).toEqual(bad);
    expect(native.verifySum({ ...sum, signatures: signatures.slice(1) })).toEqual(bad);
    expect(native.verifySum({ ...sum, message: digestOf(0x34) })).toEqual(bad);
    expect(native.verifySum({ ...sum, signatures: [] })).toEqual(bad);
    const noKey = { ok: false, code: "bad-public-key" };
    expect(native.verifySum({ ...sum, publicKeys: [] })).toEqual(noKey);
    const noMessage = { ok: false, code: "bad-message" };
    expect(native.verifySum({ ...sum, message: "0x33" })).toEqual(noMessage);
  });

  it.each(illegalSignatures)("refuses a sum with an illegal signature: %s", (_what, illegal) => {
    const sum = { publicKeys, message, signatures: [...signatures, illegal] };
    expect(native.verifySum(sum)).toEqual({ ok: false, code: "bad-signature" });
    expect(native.aggregateSignatures([...signatures, illegal])).toBeNull();
  });

  it.each(illegalPublicKeys)("refuses a sum under an illegal key: %s", (_what, illegal) => {
    const sum = { publicKeys: [...publicKeys, illegal], message, signatures };
    expect(native.verifySum(sum)).toEqual({ ok: false, code: "bad-public-key" });
    expect(native.aggregatePublicKeys([...publicKeys, illegal])).toBeNull();
  });
});

describe("the attribution check", () => {
  const entries = signers.map(({ publicKey, uncompressed }) => ({
    publicKey,
    signature: uncompressed,
  }));
  const good = signers.map(({ compressed }) => ({ ok: true, signature: compressed }));

  it("accepts every good signature and returns each one compressed", () => {
    expect(native.verifyBatch({ message, entries })).toEqual(good);
    expect(native.verifyBatch({ message, entries: [] })).toEqual([]);
  });

  it("names exactly the bad ones, whichever and however many they are", () => {
    const positions = fc.uniqueArray(fc.nat({ max: signers.length - 1 }), { minLength: 1 });
    fc.assert(
      fc.property(positions, (bad) => {
        const mixed = entries.map((entry, index) =>
          bad.includes(index) ? { ...entry, publicKey: secretKeyPublic(index + 100) } : entry,
        );
        const oks = native.verifyBatch({ message, entries: mixed }).map((verdict) => verdict.ok);
        expect(oks).toEqual(signers.map((_, index) => !bad.includes(index)));
      }),
      { numRuns: 25 },
    );
  });

  it.each(illegalSignatures)("refuses an illegal signature and no other: %s", (_what, illegal) => {
    const mixed = entries.map((entry, index) =>
      index === 5 ? { ...entry, signature: illegal } : entry,
    );
    const expected = good.with(5, { ok: false, code: "bad-signature" } as never);
    expect(native.verifyBatch({ message, entries: mixed })).toEqual(expected);
    expect(native.compressSignature(illegal)).toBeNull();
  });

  it.each(illegalPublicKeys)("refuses an illegal key and no other: %s", (_what, illegal) => {
    const mixed = entries.map((entry, index) =>
      index === 5 ? { ...entry, publicKey: illegal } : entry,
    );
    const expected = good.with(5, { ok: false, code: "bad-public-key" } as never);
    expect(native.verifyBatch({ message, entries: mixed })).toEqual(expected);
    expect(native.publicKeyToPoint(illegal)).toBeNull();
  });

  it("refuses everything under a message that is no digest", () => {
    const verdicts = native.verifyBatch({ message: "0x", entries: entries.slice(0, 2) });
    const refused = { ok: false, code: "bad-message" };
    expect(verdicts).toEqual([refused, refused]);
  });
});

function secretKeyPublic(seed: number): Hex {
  return native.publicKeyOf(secretKeyOf(seed));
}

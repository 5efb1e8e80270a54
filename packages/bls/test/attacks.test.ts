import { fromHex, type Hex, toHex } from "@mach/core";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { describe, expect, it } from "vitest";
import { attribute } from "../src/attribution.ts";
import { createNativeBls } from "../src/native.ts";
import { loadNativeLibrary } from "../src/native-library.ts";
import { createPortableBls, proveKeyPossession, verifyKeyPossession } from "../src/portable.ts";
import { blst, digestOf, secretKeyBytes } from "./vector-files.ts";

const { G1, G2, fields } = bls12_381;
const native = createNativeBls();
const portable = createPortableBls();
const both = [native, portable];

const message = digestOf(0x11);
const otherMessage = digestOf(0x22);

function keyPair(seed: number): { readonly publicKey: Hex; sign(message: Hex): Uint8Array } {
  const secretKey = native.secretKeyFromBytes(secretKeyBytes(seed));
  if (secretKey === null) throw new Error("not a secret key");
  return {
    publicKey: native.publicKeyOf(secretKey),
    sign: (digest) => native.sign(secretKey, digest).uncompressed,
  };
}

/** The signature plus or minus a point of G2 that nobody signed. */
function shift(signature: Uint8Array, sign: "plus" | "minus"): Uint8Array {
  const delta = G2.Point.BASE.multiply(987_654_321n);
  const point = G2.Point.fromBytes(signature);
  return (sign === "plus" ? point.add(delta) : point.subtract(delta)).toBytes(false);
}

describe("known attacks on BLS signatures", () => {
  it("a rogue key forges an aggregate, and cannot prove its possession", () => {
    const victim = keyPair(1);
    const attackerSecret = secretKeyBytes(777);
    const attackerPoint = G1.Point.BASE.multiply(BigInt(toHex(attackerSecret)));
    const roguePoint = attackerPoint.subtract(G1.Point.fromHex(victim.publicKey.slice(2)));
    const rogueKey = toHex(roguePoint.toBytes(true));

    const publicKeys = [victim.publicKey, rogueKey];
    const signature = portable.sign({ secretKey: attackerSecret, message }) ?? "0x";
    for (const bls of both) {
      expect(bls.verifyAggregate({ publicKeys, message, signature })).toBe(true);
    }

    const proof = proveKeyPossession({ secretKey: attackerSecret, digest: message }) ?? "0x";
    expect(verifyKeyPossession({ publicKey: rogueKey, digest: message, proof })).toBe(false);
  });

  it("two keys that cancel out ride on an honest signature, and alone make nothing valid", () => {
    const honest = keyPair(2);
    const [plus, minus] = [secretKeyBytes(4242), negate(secretKeyBytes(4242))];
    const pair = [plus, minus].map((secret) => portable.publicKeyOf(secret) ?? "0x");
    const publicKeys = [honest.publicKey, ...pair];
    const signature = native.compressSignature(honest.sign(message)) ?? "0x";
    for (const bls of both) {
      expect(bls.verifyAggregate({ publicKeys, message, signature })).toBe(true);
      expect(bls.verifyAggregate({ publicKeys: pair, message, signature })).toBe(false);
      expect(bls.aggregatePublicKeys(pair)).toBeNull();
    }
    const cancelling = [plus, minus].map((secretKey) =>
      fromHex(portable.sign({ secretKey, message }) ?? "0x"),
    );
    const sum = { publicKeys: pair, message, signatures: cancelling };
    expect(native.verifySum(sum)).toEqual({ ok: false, code: "bad-public-key" });
    expect(native.aggregateSignatures(cancelling)).toBeNull();
    const ridden = { publicKeys: [honest.publicKey], message, signatures: cancelling };
    expect(native.verifySum(ridden)).toEqual({ ok: false, code: "bad-signature" });
  });

  it("s1 + D and s2 - D pass as a sum, and neither passes as an attestation", () => {
    const [first, second] = [keyPair(3), keyPair(4)];
    const publicKeys = [first.publicKey, second.publicKey];
    const signatures = [shift(first.sign(message), "plus"), shift(second.sign(message), "minus")];

    expect(native.verifySum({ publicKeys, message, signatures })).toEqual({
      ok: true,
      signature: native.aggregateSignatures([first.sign(message), second.sign(message)]),
    });
    const entries = publicKeys.map((publicKey, index) => ({
      publicKey,
      signature: signatures[index] ?? new Uint8Array(),
    }));
    expect(native.verifyBatch({ message, entries })).toEqual([
      { ok: false, code: "bad-signature" },
      { ok: false, code: "bad-signature" },
    ]);
  });

  it("the same over two messages passes as a sum, and neither passes as an attestation", () => {
    const [first, second] = [keyPair(5), keyPair(6)];
    const signatures = [
      shift(first.sign(message), "plus"),
      shift(second.sign(otherMessage), "minus"),
    ];
    const messages = [message, otherMessage].map(fromHex);
    const points = [first, second].map(({ publicKey }) => blst.PublicKey.fromHex(publicKey, true));
    const sum = blst.aggregateSerializedSignatures(signatures, true);
    expect(blst.aggregateVerify(messages, points, sum, true, true)).toBe(true);

    const groups = [first, second].map(({ publicKey }, index) => ({
      message: messages[index] ?? new Uint8Array(),
      publicKeys: [publicKey],
      signatures: signatures.slice(index, index + 1),
    }));
    expect(attribute(loadNativeLibrary(), groups)).toEqual([["bad-signature"], ["bad-signature"]]);
  });
});

describe("a batch of bad signatures", () => {
  const digest = digestOf(0x60);
  const pairs = Array.from({ length: 64 }, (_, seed) => keyPair(seed + 100));
  /** Every one but the last is another key's. */
  const signatures = pairs.map((pair, i) => (pairs[i + 1] ?? pair).sign(digest));
  const group = {
    message: fromHex(digest),
    publicKeys: pairs.map(({ publicKey }) => publicKey),
    signatures,
  };

  it("is given up after as many checks as it may cost, and the rest is left undecided", () => {
    const [found = []] = attribute(loadNativeLibrary(), [group], 16);
    const decided = found.filter((each) => each !== "undecided");
    expect(decided.length).toBeGreaterThan(0);
    expect(decided.every((each) => each === "bad-signature")).toBe(true);
    expect(found.at(-1)).toBe("undecided");
  });

  it("names each of them where nothing bounds it", () => {
    const [found = []] = attribute(loadNativeLibrary(), [group]);
    expect(found.filter((each) => each === "bad-signature")).toHaveLength(63);
    expect(found.at(-1)).toBeNull();
  });
});

function negate(secretKey: Uint8Array): Uint8Array {
  return fromHex(
    `0x${(fields.Fr.ORDER - BigInt(toHex(secretKey))).toString(16).padStart(64, "0")}`,
  );
}

import { fromHex, type Hex } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNativeBls } from "../src/native.ts";
import { toEip2537 } from "../src/point-encoding.ts";
import { createPortableBls, proveKeyPossession, verifyKeyPossession } from "../src/portable.ts";
import {
  blst,
  digestOf,
  INFINITY_PUBLIC_KEY,
  INFINITY_SIGNATURE,
  PUBLIC_KEY_OUT_OF_GROUP,
  SIGNATURE_OUT_OF_GROUP,
  secretKeyBytes,
} from "./vector-files.ts";

const portable = createPortableBls();
const native = createNativeBls();
const both = [
  ["portable", portable],
  ["native", native],
] as const;

const secretKey = secretKeyBytes(1);
const publicKey = portable.publicKeyOf(secretKey) ?? "0x";
const message = digestOf(0x44);
const signature = portable.sign({ secretKey, message }) ?? "0x";
const publicKeyPoint = portable.publicKeyToPoint(publicKey) ?? "0x";
const signaturePoint = portable.signatureToPoint(signature) ?? "0x";

const illegalSignatures: readonly Hex[] = [
  "0x",
  INFINITY_SIGNATURE,
  SIGNATURE_OUT_OF_GROUP,
  publicKey,
  `${signature}00`,
  signature.toUpperCase().replace("0X", "0x") as Hex,
  `0x${"zz".repeat(96)}`,
];
const illegalPublicKeys: readonly Hex[] = [
  "0x",
  INFINITY_PUBLIC_KEY,
  PUBLIC_KEY_OUT_OF_GROUP,
  signature,
  `${publicKey}00`,
  `0x${"zz".repeat(48)}`,
];

describe.each(both)("refusals of the %s implementation", (_name, bls) => {
  it("no illegal key verifies, sums or converts", () => {
    for (const illegal of illegalPublicKeys) {
      const publicKeys = [publicKey, illegal];
      expect(bls.verifyAggregate({ publicKeys, message, signature })).toBe(false);
      expect(bls.verifyAggregate({ publicKeys: [illegal], message, signature })).toBe(false);
      expect(bls.aggregatePublicKeys(publicKeys)).toBeNull();
      expect(bls.publicKeyToPoint(illegal)).toBeNull();
    }
    expect(bls.verifyAggregate({ publicKeys: [], message, signature })).toBe(false);
    expect(bls.aggregatePublicKeys([])).toBeNull();
  });

  it("no illegal signature verifies or converts", () => {
    for (const illegal of illegalSignatures) {
      const signed = { publicKeys: [publicKey], message, signature: illegal };
      expect(bls.verifyAggregate(signed)).toBe(false);
      expect(bls.signatureToPoint(illegal)).toBeNull();
    }
  });

  it("a message that is no digest of 32 bytes verifies nothing", () => {
    for (const illegal of ["0x", `${message}00`, message.slice(0, -2)] as Hex[]) {
      const signed = { publicKeys: [publicKey], message: illegal, signature };
      expect(bls.verifyAggregate(signed)).toBe(false);
    }
  });

  it("points of EIP-2537 with padding, flags, infinity or another length are none", () => {
    const padded = (point: Hex): Hex => `0x01${point.slice(4)}`;
    const flagged = (point: Hex, flag: string): Hex =>
      `0x${"00".repeat(16)}${flag}${point.slice(36)}`;
    for (const illegal of [
      "0x" as Hex,
      `0x${"00".repeat(128)}` as Hex,
      padded(publicKeyPoint),
      flagged(publicKeyPoint, "80"),
      flagged(publicKeyPoint, "40"),
      `${publicKeyPoint}00` as Hex,
      `${publicKeyPoint.slice(0, -1)}${publicKeyPoint.endsWith("1") ? "2" : "1"}` as Hex,
      signaturePoint,
    ]) {
      expect(bls.publicKeyFromPoint(illegal)).toBeNull();
    }
    for (const illegal of [
      "0x" as Hex,
      `0x${"00".repeat(256)}` as Hex,
      padded(signaturePoint),
      flagged(signaturePoint, "80"),
      publicKeyPoint,
      `${signaturePoint.slice(0, -1)}${signaturePoint.endsWith("1") ? "2" : "1"}` as Hex,
    ]) {
      expect(bls.signatureFromPoint(illegal)).toBeNull();
    }
    const keyBytes = blst.PublicKey.fromHex(PUBLIC_KEY_OUT_OF_GROUP, false).toBytes(false);
    expect(bls.publicKeyFromPoint(toEip2537(keyBytes))).toBeNull();
    const bytes = blst.Signature.fromHex(SIGNATURE_OUT_OF_GROUP, false).toBytes(false);
    expect(bls.signatureFromPoint(toEip2537(bytes))).toBeNull();
    expect(bls.publicKeyFromPoint(publicKeyPoint)).toBe(publicKey);
    expect(bls.signatureFromPoint(signaturePoint)).toBe(signature);
  });
});

describe("proofs of possession", () => {
  const digest = digestOf(0x45);
  const proof = proveKeyPossession({ secretKey, digest }) ?? "0x";

  it("a proof stands for its key and digest alone", () => {
    expect(verifyKeyPossession({ publicKey, digest, proof })).toBe(true);
    const otherKey = portable.publicKeyOf(secretKeyBytes(2)) ?? "0x";
    expect(verifyKeyPossession({ publicKey: otherKey, digest, proof })).toBe(false);
    expect(verifyKeyPossession({ publicKey, digest: message, proof })).toBe(false);
  });

  it("a signature is no proof and a proof is no signature", () => {
    const asSignature = portable.sign({ secretKey, message: digest }) ?? "0x";
    expect(verifyKeyPossession({ publicKey, digest, proof: asSignature })).toBe(false);
    const asAggregate = { publicKeys: [publicKey], message: digest, signature: proof };
    for (const [, bls] of both) expect(bls.verifyAggregate(asAggregate)).toBe(false);
  });

  it("illegal keys, digests and proofs are refused without a throw", () => {
    for (const illegal of illegalPublicKeys) {
      expect(verifyKeyPossession({ publicKey: illegal, digest, proof })).toBe(false);
    }
    for (const illegal of illegalSignatures) {
      expect(verifyKeyPossession({ publicKey, digest, proof: illegal })).toBe(false);
    }
    expect(verifyKeyPossession({ publicKey, digest: "0x45", proof })).toBe(false);
    expect(proveKeyPossession({ secretKey: new Uint8Array(32), digest })).toBeNull();
    expect(proveKeyPossession({ secretKey, digest: "0x45" })).toBeNull();
  });
});

describe("the two implementations", () => {
  const seeds = fc.uniqueArray(fc.integer({ min: 0, max: 1_000_000 }), {
    minLength: 1,
    maxLength: 4,
  });
  const digests = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes): Hex => {
    return `0x${Buffer.from(bytes).toString("hex")}`;
  });

  it("agree on keys, signatures, sums and what verifies", () => {
    fc.assert(
      fc.property(seeds, digests, fc.boolean(), (each, digest, isTampered) => {
        const secrets = each.map(secretKeyBytes);
        const publicKeys = secrets.map((secret) => portable.publicKeyOf(secret) ?? "0x");
        const signatures = secrets.map(
          (secret) => portable.sign({ secretKey: secret, message: digest }) ?? "0x",
        );
        const natively = secrets.map((secret) => {
          const key = native.secretKeyFromBytes(secret);
          return key && [native.publicKeyOf(key), native.sign(key, digest).compressed];
        });
        expect(natively).toEqual(publicKeys.map((key, index) => [key, signatures[index]]));
        expect(native.aggregatePublicKeys(publicKeys)).toBe(
          portable.aggregatePublicKeys(publicKeys),
        );
        const sum = portable.aggregateSignatures(signatures) ?? "0x";
        expect(native.aggregateSignatures(signatures.map(fromHex))).toBe(sum);
        const signed = { publicKeys, message: isTampered ? message : digest, signature: sum };
        expect(native.verifyAggregate(signed)).toBe(!isTampered);
        expect(portable.verifyAggregate(signed)).toBe(!isTampered);
      }),
      { numRuns: 8 },
    );
  });

  it("agree on which bytes are a key or a signature", () => {
    const flips = fc.tuple(fc.nat({ max: 95 }), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(flips, ([position, mask]) => {
        const flip = (hex: Hex): Hex => {
          const bytes = fromHex(hex);
          const index = position % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ mask;
          return `0x${Buffer.from(bytes).toString("hex")}`;
        };
        const key = flip(publicKey);
        expect(native.publicKeyToPoint(key)).toBe(portable.publicKeyToPoint(key));
        const point = flip(publicKeyPoint);
        expect(native.publicKeyFromPoint(point)).toBe(portable.publicKeyFromPoint(point));
        const bytes = flip(signature);
        expect(native.signatureToPoint(bytes)).toBe(portable.signatureToPoint(bytes));
      }),
      { numRuns: 60 },
    );
  });
});

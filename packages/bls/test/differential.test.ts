import { fromHex, type Hex, toHex } from "@mach/core";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createNativeBls } from "../src/native.ts";
import { createPortableBls } from "../src/portable.ts";

/** blst against @noble/curves: what one says, the other has to say, of honest bytes and others. */
const native = createNativeBls();
const portable = createPortableBls();

const IS_LONG = process.env["MACH_LONG"] === "1";
const CASES = IS_LONG ? 10_000 : 100;
const { ORDER } = bls12_381.fields.Fr;

const secrets = fc
  .bigInt({ min: 1n, max: ORDER - 1n })
  .map((secret) => fromHex(`0x${secret.toString(16).padStart(64, "0")}`));
const digests = bytesOf(32);

/** What happens to an honest signature, key or digest before it is checked. */
const tampering = fc.oneof(
  fc.constant({ what: "nothing" } as const),
  fc.record({
    what: fc.constantFrom("signature" as const, "public key" as const, "message" as const),
    at: fc.nat({ max: 95 }),
    mask: fc.integer({ min: 1, max: 255 }),
  }),
  fc.record({
    what: fc.constantFrom("negated signature" as const, "negated key" as const),
  }),
  fc.record({ what: fc.constant("other signers" as const) }),
);

/** 48 or 96 bytes that may be a point: the flags of a compressed one, and anything behind them. */
const keyBytes = fc.oneof(bytesOf(48), flagged(48), nearField(48));
const signatureBytes = fc.oneof(bytesOf(96), flagged(96), nearField(96));

const cases = fc.record({
  signers: fc.uniqueArray(secrets, { minLength: 1, maxLength: 2, selector: toHex }),
  digest: digests,
  tampering,
  key: keyBytes,
  signature: signatureBytes,
  repeated: fc.boolean(),
});

it(`both libraries agree in ${CASES} cases`, { timeout: IS_LONG ? 7_200_000 : 300_000 }, () => {
  const seen = { valid: 0, invalid: 0 };
  fc.assert(
    fc.property(cases, (each) => {
      const signed = agreeOnSigning(each.signers, each.digest);
      agreeOnBytes(each.key, each.signature);
      const publicKeys = each.repeated
        ? [...signed.publicKeys, ...signed.publicKeys.slice(0, 1)]
        : signed.publicKeys;
      expect(native.aggregatePublicKeys(publicKeys)).toBe(portable.aggregatePublicKeys(publicKeys));
      const asked = tamper({ ...signed, publicKeys }, each.tampering);
      const verdict = native.verifyAggregate(asked);
      expect(portable.verifyAggregate(asked)).toBe(verdict);
      if (each.tampering.what === "nothing") expect(verdict).toBe(!each.repeated);
      seen[verdict ? "valid" : "invalid"]++;
    }),
    { numRuns: CASES },
  );
  // Neither verdict for the lack of the other's cases.
  expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(CASES / 50);
});

interface Signed {
  readonly publicKeys: readonly Hex[];
  readonly message: Hex;
  readonly signature: Hex;
}

function agreeOnSigning(signers: readonly Uint8Array[], message: Hex): Signed {
  const publicKeys = signers.map((secretKey) => portable.publicKeyOf(secretKey) ?? "0x");
  const signatures = signers.map((secretKey) => portable.sign({ secretKey, message }) ?? "0x");
  for (const [i, secretKey] of signers.entries()) {
    const key = native.secretKeyFromBytes(secretKey);
    if (key === null) throw new Error("a secret key below the order was refused");
    expect(native.publicKeyOf(key)).toBe(publicKeys[i]);
    expect(native.sign(key, message).compressed).toBe(signatures[i]);
  }
  const signature = portable.aggregateSignatures(signatures);
  expect(native.aggregateSignatures(signatures.map(fromHex))).toBe(signature);
  return { publicKeys, message, signature: signature ?? "0x" };
}

function agreeOnBytes(key: Hex, signature: Hex): void {
  const point = native.publicKeyToPoint(key);
  expect(portable.publicKeyToPoint(key)).toBe(point);
  if (point !== null) expect(portable.publicKeyFromPoint(point)).toBe(key);
  const signaturePoint = native.signatureToPoint(signature);
  expect(portable.signatureToPoint(signature)).toBe(signaturePoint);
  if (signaturePoint !== null) expect(portable.signatureFromPoint(signaturePoint)).toBe(signature);
}

type Tampering = typeof tampering extends fc.Arbitrary<infer Value> ? Value : never;

function tamper(signed: Signed, how: Tampering): Signed {
  const [first = "0x", ...others] = signed.publicKeys;
  switch (how.what) {
    case "nothing":
      return signed;
    case "signature":
      return { ...signed, signature: flip(signed.signature, how) };
    case "public key":
      return { ...signed, publicKeys: [flip(first, how), ...others] };
    case "message":
      return { ...signed, message: flip(signed.message, how) };
    // The flag of the sign: another valid point of the same subgroup.
    case "negated signature":
      return { ...signed, signature: flip(signed.signature, { at: 0, mask: 0x20 }) };
    case "negated key":
      return { ...signed, publicKeys: [flip(first, { at: 0, mask: 0x20 }), ...others] };
    case "other signers":
      return { ...signed, publicKeys: others };
  }
}

function flip(hex: Hex, { at, mask }: { readonly at: number; readonly mask: number }): Hex {
  const bytes = fromHex(hex);
  const index = at % bytes.length;
  bytes[index] = (bytes[index] ?? 0) ^ mask;
  return toHex(bytes);
}

function bytesOf(length: number): fc.Arbitrary<Hex> {
  return fc.uint8Array({ minLength: length, maxLength: length }).map(toHex);
}

/** A compressed point by its flags: half of them on the curve, next to none in the subgroup. */
function flagged(length: number): fc.Arbitrary<Hex> {
  const body = fc.uint8Array({ minLength: length, maxLength: length });
  return fc.tuple(body, fc.constantFrom(0x80, 0xa0)).map(([bytes, flags]) => {
    // Below the field's modulus, which begins with 0x1a.
    bytes[0] = flags | ((bytes[0] ?? 0) % 0x1a);
    return toHex(bytes);
  });
}

/** Infinity, zero, the modulus and what lies beside it, under all flags. */
function nearField(length: number): fc.Arbitrary<Hex> {
  const modulus = bls12_381.fields.Fp.ORDER;
  const coordinates = fc.constantFrom(0n, 1n, modulus - 1n, modulus, modulus + 1n, 2n ** 381n - 1n);
  return fc.tuple(coordinates, fc.integer({ min: 0, max: 7 })).map(([coordinate, flags]) => {
    const bytes = fromHex(`0x${coordinate.toString(16).padStart(length * 2, "0")}`);
    bytes[0] = (bytes[0] ?? 0) | (flags << 5);
    return toHex(bytes);
  });
}

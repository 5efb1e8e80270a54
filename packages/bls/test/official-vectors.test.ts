import { fromHex, type Hex, toHex } from "@mach/core";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { describe, expect, it } from "vitest";
import { createNativeBls } from "../src/native.ts";
import { createPortableBls } from "../src/portable.ts";
import { blst, officialCases } from "./vector-files.ts";

interface Implementation {
  readonly name: string;
  sign(input: { readonly privkey: Hex; readonly message: Hex }): Hex | null;
  verify(publicKeys: readonly Hex[], message: Hex, signature: Hex): boolean;
  aggregate(signatures: readonly Hex[]): Hex | null;
  aggregateVerify(publicKeys: readonly Hex[], messages: readonly Hex[], signature: Hex): boolean;
  verifyEach(
    publicKeys: readonly Hex[],
    messages: readonly Hex[],
    signatures: readonly Hex[],
  ): boolean;
  isPublicKey(publicKey: Hex): boolean;
  isSignature(signature: Hex): boolean;
}

const native = createNativeBls();
const portable = createPortableBls();
const { longSignatures, G1, G2 } = bls12_381;

const implementations: readonly Implementation[] = [
  {
    name: "native",
    sign({ privkey, message }) {
      const secretKey = native.secretKeyFromBytes(fromHex(privkey));
      return secretKey && native.sign(secretKey, message).compressed;
    },
    verify: (publicKeys, message, signature) =>
      native.verifyAggregate({ publicKeys, message, signature }),
    aggregate: (signatures) => native.aggregateSignatures(signatures.map(fromHex)),
    aggregateVerify(publicKeys, messages, signature) {
      if (publicKeys.some((each) => native.publicKeyToPoint(each) === null)) return false;
      if (native.signatureToPoint(signature) === null) return false;
      return blst.aggregateVerify(
        messages.map(fromHex),
        publicKeys.map((each) => blst.PublicKey.fromHex(each, true)),
        blst.Signature.fromHex(signature, true),
      );
    },
    verifyEach: (publicKeys, messages, signatures) =>
      messages.every((message, index) => {
        const publicKey = publicKeys[index] ?? "0x";
        const entries = [{ publicKey, signature: fromHex(signatures[index] ?? "0x") }];
        return native.verifyBatch({ message, entries }).every((verdict) => verdict.ok);
      }),
    isPublicKey: (publicKey) => native.publicKeyToPoint(publicKey) !== null,
    isSignature: (signature) => native.compressSignature(fromHex(signature)) === signature,
  },
  {
    name: "portable",
    sign: ({ privkey, message }) => portable.sign({ secretKey: fromHex(privkey), message }),
    verify: (publicKeys, message, signature) =>
      portable.verifyAggregate({ publicKeys, message, signature }),
    aggregate: (signatures) => portable.aggregateSignatures(signatures),
    aggregateVerify(publicKeys, messages, signature) {
      if (publicKeys.some((each) => portable.publicKeyToPoint(each) === null)) return false;
      if (portable.signatureToPoint(signature) === null) return false;
      const tag = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
      return longSignatures.verifyBatch(
        fromHex(signature),
        messages.map((message, index) => ({
          message: longSignatures.hash(fromHex(message), tag),
          publicKey: G1.Point.fromHex((publicKeys[index] ?? "0x").slice(2)),
        })),
      );
    },
    verifyEach: (publicKeys, messages, signatures) =>
      messages.every((message, index) =>
        portable.verifyAggregate({
          publicKeys: publicKeys.slice(index, index + 1),
          message,
          signature: signatures[index] ?? "0x",
        }),
      ),
    isPublicKey: (publicKey) => portable.publicKeyToPoint(publicKey) !== null,
    isSignature: (signature) => portable.signatureToPoint(signature) !== null,
  },
];

/** Encodings that the reference accepts: here a key or a signature at infinity is never legal. */
const REFUSED_INFINITY = new Set([
  "aggregate_infinity_signature",
  "deserialization_succeeds_infinity_with_true_b_flag",
]);

describe.each(implementations)("bls12-381-tests with the $name implementation", (bls) => {
  it.each(officialCases<{ privkey: Hex; message: Hex }, Hex | null>("sign"))(
    "sign: $name",
    ({ input, output }) => expect(bls.sign(input)).toBe(output),
  );

  it.each(officialCases<{ pubkey: Hex; message: Hex; signature: Hex }, boolean>("verify"))(
    "verify: $name",
    ({ input, output }) =>
      expect(bls.verify([input.pubkey], input.message, input.signature)).toBe(output),
  );

  it.each(officialCases<readonly Hex[], Hex | null>("aggregate"))(
    "aggregate: $name",
    ({ name, input, output }) => {
      if (REFUSED_INFINITY.has(name)) expect(output).not.toBeNull();
      expect(bls.aggregate(input)).toBe(REFUSED_INFINITY.has(name) ? null : output);
    },
  );

  it.each(
    officialCases<{ pubkeys: Hex[]; messages: Hex[]; signature: Hex }, boolean>("aggregate_verify"),
  )("aggregate_verify: $name", ({ input, output }) =>
    expect(bls.aggregateVerify(input.pubkeys, input.messages, input.signature)).toBe(output),
  );

  it.each(
    officialCases<{ pubkeys: Hex[]; message: Hex; signature: Hex }, boolean>(
      "fast_aggregate_verify",
    ),
  )("fast_aggregate_verify: $name", ({ input, output }) =>
    expect(bls.verify(input.pubkeys, input.message, input.signature)).toBe(output),
  );

  it.each(
    officialCases<{ pubkeys: Hex[]; messages: Hex[]; signatures: Hex[] }, boolean>("batch_verify"),
  )("batch_verify: $name", ({ input, output }) =>
    expect(bls.verifyEach(input.pubkeys, input.messages, input.signatures)).toBe(output),
  );

  it.each(officialCases<{ pubkey: string }, boolean>("deserialization_G1"))(
    "deserialization_G1: $name",
    ({ name, input, output }) => {
      if (REFUSED_INFINITY.has(name)) expect(output).toBe(true);
      const expected = REFUSED_INFINITY.has(name) ? false : output;
      expect(bls.isPublicKey(`0x${input.pubkey}`)).toBe(expected);
    },
  );

  it.each(officialCases<{ signature: string }, boolean>("deserialization_G2"))(
    "deserialization_G2: $name",
    ({ name, input, output }) => {
      if (REFUSED_INFINITY.has(name)) expect(output).toBe(true);
      const expected = REFUSED_INFINITY.has(name) ? false : output;
      expect(bls.isSignature(`0x${input.signature}`)).toBe(expected);
    },
  );
});

// The native library cannot be asked: it hashes under its own tag only, which `sign` covers.
describe("bls12-381-tests with the portable library", () => {
  it.each(officialCases<{ msg: string }, { x: string; y: string }>("hash_to_G2"))(
    "hash_to_G2: $name",
    ({ input, output }) => {
      const DST = "QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_";
      const point = G2.hashToCurve(new TextEncoder().encode(input.msg), { DST }).toAffine();
      const coordinate = ({ c0, c1 }: { c0: bigint; c1: bigint }): string =>
        [c0, c1].map((part) => toHex(bls12_381.fields.Fp.toBytes(part))).join(",");
      expect({ x: coordinate(point.x), y: coordinate(point.y) }).toEqual({
        x: padded(output.x),
        y: padded(output.y),
      });
    },
  );
});

function padded(coordinate: string): string {
  return coordinate
    .split(",")
    .map((part) => `0x${part.slice(2).padStart(96, "0")}`)
    .join(",");
}

import { buildOperatorSet, fromHex, type Hex, keyRegistrationDigest, merklePath } from "@mach/core";
import { describe, expect, it } from "vitest";
import { createNativeBls } from "../src/native.ts";
import { createPortableBls, proveKeyPossession, verifyKeyPossession } from "../src/portable.ts";
import { readVectors } from "./vector-files.ts";

interface KeyVector {
  readonly secretKey: Hex;
  readonly publicKey: Hex;
  readonly publicKeyEip2537: Hex;
  readonly operator: Hex;
  readonly domain: { readonly chainId: string; readonly verifyingContract: Hex };
  readonly keyRegistration: {
    readonly nonce: string;
    readonly digest: Hex;
    readonly proof: Hex;
    readonly proofEip2537: Hex;
  };
  readonly claimDigest: Hex;
  readonly signature: Hex;
  readonly signatureEip2537: Hex;
  readonly peerBinding: { readonly digest: Hex; readonly signature: Hex };
}

interface OperatorSetVector {
  readonly epoch: string;
  readonly operatorSetHash: Hex;
  readonly operatorsRoot: Hex;
  readonly totalWeight: string;
  readonly aggregatePublicKey: Hex;
  readonly aggregatePublicKeyEip2537: Hex;
  readonly operators: readonly {
    readonly index: number;
    readonly operator: Hex;
    readonly publicKey: Hex;
    readonly weight: string;
  }[];
  readonly leaves: readonly Hex[];
  readonly proofs: readonly { readonly index: number; readonly path: readonly Hex[] }[];
}

const keys = readVectors<KeyVector[]>("mach/keys.json");
const operatorSets = readVectors<OperatorSetVector[]>("mach/operator-sets.json");
const native = createNativeBls();
const portable = createPortableBls();

describe.each([
  ["native", native],
  ["portable", portable],
] as const)("the protocol's vectors with the %s implementation", (_name, bls) => {
  it.each(keys)("key $publicKey converts to and from EIP-2537", (key) => {
    expect(bls.publicKeyToPoint(key.publicKey)).toBe(key.publicKeyEip2537);
    expect(bls.publicKeyFromPoint(key.publicKeyEip2537)).toBe(key.publicKey);
    for (const [signature, point] of [
      [key.signature, key.signatureEip2537],
      [key.keyRegistration.proof, key.keyRegistration.proofEip2537],
    ] as const) {
      expect(bls.signatureToPoint(signature)).toBe(point);
      expect(bls.signatureFromPoint(point)).toBe(signature);
    }
  });

  it.each(keys)("key $publicKey signed its claim and its peer binding", (key) => {
    const publicKeys = [key.publicKey];
    const { claimDigest, peerBinding, signature, keyRegistration } = key;
    expect(bls.verifyAggregate({ publicKeys, message: claimDigest, signature })).toBe(true);
    const binding = { message: peerBinding.digest, signature: peerBinding.signature };
    expect(bls.verifyAggregate({ publicKeys, ...binding })).toBe(true);
    const proof = { message: keyRegistration.digest, signature: keyRegistration.proof };
    expect(bls.verifyAggregate({ publicKeys, ...proof })).toBe(false);
  });

  it.each(operatorSets)("operator set of epoch $epoch has its leaves, root and hash", (vector) => {
    const operators = vector.operators.map(({ operator, publicKey, weight }) => ({
      operator,
      publicKey,
      weight: BigInt(weight),
    }));
    const built = buildOperatorSet(bls, { epoch: BigInt(vector.epoch), operators });
    if (!built.ok) throw new Error(built.code);
    expect(built.operatorSet).toEqual({
      epoch: BigInt(vector.epoch),
      operatorSetHash: vector.operatorSetHash,
      operatorsRoot: vector.operatorsRoot,
      totalWeight: BigInt(vector.totalWeight),
      aggregatePublicKey: vector.aggregatePublicKey,
      operators: vector.operators.map((each) => ({ ...each, weight: BigInt(each.weight) })),
    });
    expect(built.leaves).toEqual(vector.leaves);
    for (const { index, path } of vector.proofs) {
      expect(merklePath(built.leaves, index)).toEqual(path);
    }
    expect(bls.publicKeyToPoint(vector.aggregatePublicKey)).toBe(vector.aggregatePublicKeyEip2537);
  });
});

describe("secret keys of the protocol's vectors", () => {
  it.each(keys)("key $publicKey signs the same bytes in both implementations", (key) => {
    const secretKey = native.secretKeyFromBytes(fromHex(key.secretKey));
    if (secretKey === null) throw new Error("not a secret key");
    expect(native.publicKeyOf(secretKey)).toBe(key.publicKey);
    expect(native.sign(secretKey, key.claimDigest).compressed).toBe(key.signature);
    expect(portable.publicKeyOf(secretKey.toBytes())).toBe(key.publicKey);
    const request = { secretKey: secretKey.toBytes(), message: key.peerBinding.digest };
    expect(portable.sign(request)).toBe(key.peerBinding.signature);
  });

  it.each(keys)("key $publicKey proves its possession under its own ciphersuite", (key) => {
    const { publicKey, operator } = key;
    const { digest, proof, nonce } = key.keyRegistration;
    const domain = { ...key.domain, chainId: BigInt(key.domain.chainId) };
    const registration = { operator, publicKeyPoint: key.publicKeyEip2537, nonce: BigInt(nonce) };
    expect(keyRegistrationDigest(domain, registration)).toBe(digest);
    expect(proveKeyPossession({ secretKey: fromHex(key.secretKey), digest })).toBe(proof);
    expect(verifyKeyPossession({ publicKey, digest, proof })).toBe(true);
    expect(verifyKeyPossession({ publicKey, digest: key.claimDigest, proof })).toBe(false);
    const signature = native.secretKeyFromBytes(fromHex(key.secretKey));
    const asSignature = signature && native.sign(signature, digest).compressed;
    expect(verifyKeyPossession({ publicKey, digest, proof: asSignature ?? "0x" })).toBe(false);
  });
});

import { type Bls, type Hex, toHex } from "@mach/core";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { createBoundedCache, PUBLIC_KEY_CACHE_ENTRIES } from "./bounded-cache.ts";
import {
  fromEip2537,
  isPublicKeyEncoding,
  isSignatureEncoding,
  MESSAGE_BYTES,
  PUBLIC_KEY_BYTES,
  parseHex,
  SECRET_KEY_BYTES,
  SIGNATURE_BYTES,
  toEip2537,
} from "./point-encoding.ts";

// The library's own default ends in _NUL_ and belongs to another ciphersuite.
const SIGNATURE_DST = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const POSSESSION_DST = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

const { longSignatures, G1, G2 } = bls12_381;
type G1Point = InstanceType<typeof G1.Point>;
type G2Point = InstanceType<typeof G2.Point>;

/** BLS12-381 in plain JavaScript: for browsers, about twenty times slower than the native one. */
export interface PortableBls extends Bls {
  /** A compressed signature or proof as the 256-byte G2 point of EIP-2537. */
  signatureToPoint(signature: Hex): Hex | null;
  /** A 256-byte G2 point of EIP-2537 as a compressed signature (96 bytes). */
  signatureFromPoint(point: Hex): Hex | null;
  /** The compressed sum of compressed signatures; null for none, and for a sum at infinity. */
  aggregateSignatures(signatures: readonly Hex[]): Hex | null;
  /** The compressed key of a secret key of 32 bytes, or null where it is none. */
  publicKeyOf(secretKey: Uint8Array): Hex | null;
  /** The compressed signature of a 32-byte digest, or null for a wrong key or digest. */
  sign(request: { readonly secretKey: Uint8Array; readonly message: Hex }): Hex | null;
}

/** A `PortableBls` that remembers the keys it has decoded. */
export function createPortableBls(): PortableBls {
  const cache = createBoundedCache<Hex, G1Point>(PUBLIC_KEY_CACHE_ENTRIES);

  function publicKeyPoint(publicKey: Hex): G1Point | null {
    const cached = cache.get(publicKey);
    if (cached !== undefined) return cached;
    const point = decodePublicKey(publicKey);
    if (point !== null) cache.set(publicKey, point);
    return point;
  }

  function sumPublicKeys(publicKeys: readonly Hex[]): G1Point | null {
    let sum = G1.Point.ZERO;
    for (const publicKey of publicKeys) {
      const point = publicKeyPoint(publicKey);
      if (point === null) return null;
      sum = sum.add(point);
    }
    return sum.is0() ? null : sum;
  }

  return {
    publicKeyToPoint(publicKey) {
      const point = publicKeyPoint(publicKey);
      return point && toEip2537(point.toBytes(false));
    },
    publicKeyFromPoint(point) {
      const bytes = fromEip2537(point, 2);
      const key = bytes && checkedPoint(() => G1.Point.fromBytes(bytes));
      return key && toHex(key.toBytes(true));
    },
    aggregatePublicKeys(publicKeys) {
      const sum = sumPublicKeys(publicKeys);
      return sum && toHex(sum.toBytes(true));
    },
    verifyAggregate({ publicKeys, message, signature }) {
      return verifies(SIGNATURE_DST, { publicKey: sumPublicKeys(publicKeys), message, signature });
    },
    signatureToPoint(signature) {
      const point = decodeSignature(signature);
      return point && toEip2537(point.toBytes(false));
    },
    signatureFromPoint(point) {
      const bytes = fromEip2537(point, 4);
      const signature = bytes && checkedPoint(() => G2.Point.fromBytes(bytes));
      return signature && toHex(signature.toBytes(true));
    },
    aggregateSignatures(signatures) {
      let sum = G2.Point.ZERO;
      for (const signature of signatures) {
        const point = decodeSignature(signature);
        if (point === null) return null;
        sum = sum.add(point);
      }
      return sum.is0() ? null : toHex(sum.toBytes(true));
    },
    publicKeyOf(secretKey) {
      if (!isSecretKey(secretKey)) return null;
      return toHex(longSignatures.getPublicKey(secretKey).toBytes(true));
    },
    sign({ secretKey, message }) {
      return signUnder(SIGNATURE_DST, { secretKey, message });
    },
  };
}

/**
 * A proof of possession (96 bytes) over a key registration's 32-byte digest, under the POP
 * ciphersuite's own tag (draft-irtf-cfrg-bls-signature, section 4.2.3); null for a secret key or
 * a digest of another form. The native library has one tag built in and cannot make it.
 */
export function proveKeyPossession(request: {
  readonly secretKey: Uint8Array;
  readonly digest: Hex;
}): Hex | null {
  return signUnder(POSSESSION_DST, { secretKey: request.secretKey, message: request.digest });
}

/** Whether a proof of possession stands for this key (48 bytes) and digest. Never throws. */
export function verifyKeyPossession(request: {
  readonly publicKey: Hex;
  readonly digest: Hex;
  readonly proof: Hex;
}): boolean {
  const { publicKey, digest, proof } = request;
  const point = decodePublicKey(publicKey);
  return verifies(POSSESSION_DST, { publicKey: point, message: digest, signature: proof });
}

function verifies(
  tag: string,
  signed: { readonly publicKey: G1Point | null; readonly message: Hex; readonly signature: Hex },
): boolean {
  const message = parseHex(signed.message, MESSAGE_BYTES);
  if (message === null || signed.publicKey === null) return false;
  const signature = decodeSignature(signed.signature);
  if (signature === null) return false;
  return longSignatures.verify(signature, longSignatures.hash(message, tag), signed.publicKey);
}

function signUnder(
  tag: string,
  request: { readonly secretKey: Uint8Array; readonly message: Hex },
): Hex | null {
  const message = parseHex(request.message, MESSAGE_BYTES);
  if (message === null || !isSecretKey(request.secretKey)) return null;
  const signature = longSignatures.sign(longSignatures.hash(message, tag), request.secretKey);
  return toHex(signature.toBytes(true));
}

/** 0 < key < r: the library would reduce a larger one and sign with a key nobody meant. */
function isSecretKey(secretKey: Uint8Array): boolean {
  if (secretKey.length !== SECRET_KEY_BYTES) return false;
  const scalar = BigInt(toHex(secretKey));
  return scalar > 0n && scalar < bls12_381.fields.Fr.ORDER;
}

function decodePublicKey(publicKey: Hex): G1Point | null {
  const bytes = parseHex(publicKey, PUBLIC_KEY_BYTES);
  if (bytes === null || !isPublicKeyEncoding(bytes)) return null;
  return checkedPoint(() => G1.Point.fromBytes(bytes));
}

function decodeSignature(signature: Hex): G2Point | null {
  const bytes = parseHex(signature, SIGNATURE_BYTES);
  if (bytes === null || !isSignatureEncoding(bytes)) return null;
  return checkedPoint(() => G2.Point.fromBytes(bytes));
}

/** The library checks curve and subgroup but lets infinity pass as a valid point. */
function checkedPoint<Point extends { is0(): boolean; assertValidity(): void }>(
  decode: () => Point,
): Point | null {
  try {
    const point = decode();
    point.assertValidity();
    return point.is0() ? null : point;
  } catch {
    // The decoder's one way to refuse bytes from outside is to throw.
    return null;
  }
}

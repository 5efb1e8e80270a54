import { type SecretKey as NativeSecretKey, PointFormat } from "@chainsafe/bls/types";
import { type Bls, type Hex, toHex } from "@mach/core";
import { attribute } from "./attribution.ts";
import { deriveKey } from "./key-derivation.ts";
import { attempt, decodeSignature, loadNativeLibrary, sumPublicKeys } from "./native-library.ts";
import {
  compressValidSignature,
  fromEip2537,
  MESSAGE_BYTES,
  parseHex,
  SECRET_KEY_BYTES,
  SIGNATURE_BYTES,
  toEip2537,
} from "./point-encoding.ts";
import { addSignatures, checkSum } from "./signature-sum.ts";
import { acceptSignature, type SignatureVerdict } from "./verdict.ts";

/** A secret key that the native library holds; its 32 bytes leave it only through `toBytes`. */
export interface SecretKey {
  toBytes(): Uint8Array;
}

/** One signature in both encodings: for documents, and for a wire between two nodes. */
export interface SignatureEncodings {
  /** 96 bytes. */
  readonly compressed: Hex;
  /** 192 bytes: nine times faster to decode. */
  readonly uncompressed: Uint8Array;
}

/** BLS12-381 by blst, on the calling thread. What is said of `Bls` holds for all of it. */
export interface NativeBls extends Bls {
  generateSecretKey(): SecretKey;
  /** The key of 32 big-endian bytes, or null for another length, zero, or one not below r. */
  secretKeyFromBytes(bytes: Uint8Array): SecretKey | null;
  /**
   * The key at a path below a seed's master key (EIP-2333); null for a seed of fewer than 32 bytes
   * and for an index that is not a whole number below 2^32.
   */
  deriveSecretKey(seed: Uint8Array, path: readonly number[]): SecretKey | null;
  /** The compressed key (48 bytes). */
  publicKeyOf(secretKey: SecretKey): Hex;
  /** Signs a 32-byte digest, about 0.27 ms. Throws a RangeError for a digest of another form. */
  sign(secretKey: SecretKey, message: Hex): SignatureEncodings;
  /** The 96-byte form of a signature in either form, or null. */
  compressSignature(signature: Uint8Array): Hex | null;
  /** A compressed signature as the 256-byte G2 point of EIP-2537. */
  signatureToPoint(signature: Hex): Hex | null;
  /** A 256-byte G2 point of EIP-2537 as a compressed signature (96 bytes). */
  signatureFromPoint(point: Hex): Hex | null;
  /** The compressed sum; null for none, for a bad encoding, and for a sum at infinity. */
  aggregateSignatures(signatures: readonly Uint8Array[]): Hex | null;
  /**
   * The certificate check: one sum, one verification. It proves that these keys together signed,
   * and nothing about a single signature.
   */
  verifySum(sum: {
    readonly publicKeys: readonly Hex[];
    readonly message: Hex;
    readonly signatures: readonly Uint8Array[];
  }): SignatureVerdict;
  /** The attribution check: a verdict for each entry, as if each had been verified by itself. */
  verifyBatch(batch: {
    readonly message: Hex;
    readonly entries: readonly { readonly publicKey: Hex; readonly signature: Uint8Array }[];
  }): readonly SignatureVerdict[];
}

/** The native `Bls`. Throws a BlsError `native-unavailable` where blst is not behind it. */
export function createNativeBls(): NativeBls {
  const library = loadNativeLibrary();
  const { bls, blst } = library;

  function aggregatePoint(publicKeys: readonly Hex[]): ReturnType<typeof sumPublicKeys> {
    const points = publicKeys.map((publicKey) => library.publicKey(publicKey));
    const valid = points.filter((point) => point !== null);
    return valid.length === points.length ? sumPublicKeys(library, valid) : null;
  }

  return {
    publicKeyToPoint(publicKey) {
      const point = library.publicKey(publicKey);
      return point && toEip2537(point.toBytes(false));
    },
    publicKeyFromPoint(point) {
      const bytes = fromEip2537(point, 2);
      const key = bytes && attempt(() => blst.PublicKey.fromBytes(bytes, true));
      return key && toHex(key.toBytes(true));
    },
    aggregatePublicKeys(publicKeys) {
      const sum = aggregatePoint(publicKeys);
      return sum && toHex(sum.toBytes(true));
    },
    verifyAggregate({ publicKeys, message, signature }) {
      const digest = parseHex(message, MESSAGE_BYTES);
      const bytes = parseHex(signature, SIGNATURE_BYTES);
      if (digest === null || bytes === null) return false;
      return checkSum(library, { publicKeys, message: digest, signatures: [bytes] }).ok;
    },
    generateSecretKey: () => bls.SecretKey.fromKeygen(),
    secretKeyFromBytes(bytes) {
      if (bytes.length !== SECRET_KEY_BYTES) return null;
      return attempt(() => bls.SecretKey.fromBytes(bytes));
    },
    deriveSecretKey: (seed, path) => deriveKey(library, seed, path),
    publicKeyOf: (secretKey) => toHex(nativeKey(secretKey).toPublicKey().toBytes()),
    sign(secretKey, message) {
      const digest = parseHex(message, MESSAGE_BYTES);
      if (digest === null) throw new RangeError("expected a digest of 32 bytes as lower-case hex");
      const signature = nativeKey(secretKey).sign(digest);
      const uncompressed = signature.toBytes(PointFormat.uncompressed);
      return { compressed: toHex(compressValidSignature(uncompressed)), uncompressed };
    },
    compressSignature(signature) {
      const point = decodeSignature(library, signature);
      return point && toHex(point.toBytes(true));
    },
    signatureToPoint(signature) {
      const bytes = parseHex(signature, SIGNATURE_BYTES);
      const point = bytes && decodeSignature(library, bytes);
      return point && toEip2537(point.toBytes(false));
    },
    signatureFromPoint(point) {
      const bytes = fromEip2537(point, 4);
      const signature = bytes && decodeSignature(library, bytes);
      return signature && toHex(signature.toBytes(true));
    },
    aggregateSignatures(signatures) {
      const sum = addSignatures(library, signatures);
      return sum && toHex(sum.toBytes(true));
    },
    verifySum({ publicKeys, message, signatures }) {
      const digest = parseHex(message, MESSAGE_BYTES);
      if (digest === null) return { ok: false, code: "bad-message" };
      const check = checkSum(library, { publicKeys, message: digest, signatures });
      return check.ok ? acceptSignature(check.signature) : check;
    },
    verifyBatch({ message, entries }) {
      const digest = parseHex(message, MESSAGE_BYTES);
      if (digest === null) return entries.map(() => ({ ok: false, code: "bad-message" }));
      const signatures = entries.map((entry) => entry.signature);
      const publicKeys = entries.map((entry) => entry.publicKey);
      const [failures] = attribute(library, [{ message: digest, publicKeys, signatures }]);
      return signatures.map((signature, index) => {
        const failure = failures?.[index];
        if (failure === null) return acceptSignature(signature);
        // Without a bound on the checks none is left undecided.
        const isNamed = failure !== undefined && failure !== "undecided";
        return { ok: false, code: isNamed ? failure : "bad-signature" };
      });
    },
  };

  function nativeKey(secretKey: SecretKey): NativeSecretKey {
    if (secretKey instanceof bls.SecretKey) return secretKey;
    throw new TypeError("expected a secret key that this library made");
  }
}

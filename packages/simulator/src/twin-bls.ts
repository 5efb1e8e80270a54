import { type AggregateSignature, type Bls, fromHex, type Hex, toHex } from "@mach/core";

/**
 * BLS without its cost: a signature is 16 bytes drawn from key and message and 80 zeros, a sum is
 * their exclusive or. It aggregates as BLS does, and whoever has the key alone makes a valid one as
 * long as nobody sets out to forge: the simulated adversary does not try to.
 */
export interface TwinBls extends Bls {
  sign(publicKey: Hex, message: Hex): Uint8Array;
  verify(publicKey: Hex, message: Hex, signature: Uint8Array): boolean;
  /** The sum, compressed. */
  sum(signatures: readonly Uint8Array[]): Hex;
}

const SIGNATURE_BYTES = 96;
const SEEDS = [0x811c9dc5, 0x2f0b4c47, 0x6c62272e, 0x1b873593] as const;

/** A twin that remembers what it has signed. */
export function createTwinBls(): TwinBls {
  const made = new Map<Hex, Map<Hex, Uint8Array>>();

  function sign(publicKey: Hex, message: Hex): Uint8Array {
    let ofKey = made.get(publicKey);
    if (ofKey === undefined) {
      ofKey = new Map();
      made.set(publicKey, ofKey);
    }
    let signature = ofKey.get(message);
    if (signature === undefined) {
      signature = draw(publicKey, message);
      ofKey.set(message, signature);
    }
    return signature;
  }

  return {
    sign,
    verify: (publicKey, message, signature) => isEqual(sign(publicKey, message), signature),
    sum: (signatures) => toHex(xor(signatures)),
    verifyAggregate({ publicKeys, message, signature }: AggregateSignature): boolean {
      if (publicKeys.length === 0) return false;
      return isEqual(xor(publicKeys.map((key) => sign(key, message))), fromHex(signature));
    },
    publicKeyToPoint: (publicKey) => `${publicKey}${publicKey.slice(2)}${"00".repeat(32)}` as Hex,
    publicKeyFromPoint: (point) => point.slice(0, 98) as Hex,
    aggregatePublicKeys(publicKeys) {
      const sum = new Uint8Array(48);
      for (const key of publicKeys) {
        for (const [i, byte] of fromHex(key).entries()) sum[i] = (sum[i] ?? 0) ^ byte;
      }
      return publicKeys.length === 0 ? null : toHex(sum);
    },
  };
}

function draw(publicKey: Hex, message: Hex): Uint8Array {
  const signature = new Uint8Array(SIGNATURE_BYTES);
  const words = new DataView(signature.buffer);
  for (const [i, seed] of SEEDS.entries()) {
    let word: number = seed;
    for (const text of [publicKey, message]) {
      for (let at = 2; at < text.length; at++) {
        word = Math.imul(word ^ text.charCodeAt(at), 0x01000193);
        word ^= word >>> 15;
      }
    }
    words.setUint32(4 * i, word >>> 0);
  }
  return signature;
}

function xor(signatures: readonly Uint8Array[]): Uint8Array {
  const sum = new Uint8Array(SIGNATURE_BYTES);
  for (const signature of signatures) {
    // Garbage of other lengths adds up to garbage.
    if (signature.length !== SIGNATURE_BYTES) sum[SIGNATURE_BYTES - 1] = 1;
    for (let i = 0; i < SIGNATURE_BYTES; i++) sum[i] = (sum[i] ?? 0) ^ (signature[i] ?? 0);
  }
  return sum;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

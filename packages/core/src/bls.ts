import type { Hex } from "./hex.ts";

/**
 * What the protocol needs of BLS12-381 (keys in G1, signatures in G2, the POP ciphersuite).
 * Every function refuses wrong lengths, invalid encodings, points outside the subgroup and
 * infinity: by null where it returns a point, by false where it answers a question. None throws.
 */
export interface Bls {
  /** A compressed key (48 bytes) as the 128-byte G1 point of EIP-2537. */
  publicKeyToPoint(publicKey: Hex): Hex | null;
  /** A 128-byte G1 point of EIP-2537 as a compressed key (48 bytes). */
  publicKeyFromPoint(point: Hex): Hex | null;
  /** The compressed sum of compressed keys; null for no keys, and for a sum at infinity. */
  aggregatePublicKeys(publicKeys: readonly Hex[]): Hex | null;
  /** Whether `signature` (96 bytes) verifies for `message` under the sum of the keys. */
  verifyAggregate(signed: AggregateSignature): boolean;
}

export interface AggregateSignature {
  readonly publicKeys: readonly Hex[];
  /** The 32-byte digest. */
  readonly message: Hex;
  readonly signature: Hex;
}

import { concatHex, fromHex, type Hex, keccak256, toHex } from "../src/index.ts";

/**
 * A twin of BLS without its cost, for tests of the protocol alone: a signature is 96 bytes drawn
 * from key and message, a sum is their exclusive or. It aggregates as BLS does and forges easily.
 */
export function xorSign(publicKey: Hex, message: Hex): Uint8Array {
  const signature = [0, 1, 2].map((part) =>
    keccak256(concatHex(publicKey, message, `0x0${part}` as Hex)),
  );
  return fromHex(concatHex(...signature));
}

export function xorSum(signatures: readonly Uint8Array[]): Uint8Array {
  const sum = new Uint8Array(96);
  for (const signature of signatures) {
    for (const [i, byte] of signature.entries()) sum[i] = (sum[i] ?? 0) ^ byte;
  }
  return sum;
}

export const xorBls = {
  verifyAggregate(signed: { publicKeys: readonly Hex[]; message: Hex; signature: Hex }): boolean {
    const { publicKeys, message, signature } = signed;
    if (publicKeys.length === 0) return false;
    return toHex(xorSum(publicKeys.map((key) => xorSign(key, message)))) === signature;
  },
  publicKeyToPoint: (publicKey: Hex): Hex =>
    concatHex(publicKey, publicKey, `0x${"00".repeat(32)}`),
  aggregatePublicKeys: (publicKeys: readonly Hex[]): Hex => {
    const sum = new Uint8Array(48);
    for (const key of publicKeys) {
      for (const [i, byte] of fromHex(key).entries()) sum[i] = (sum[i] ?? 0) ^ byte;
    }
    return toHex(sum);
  },
};

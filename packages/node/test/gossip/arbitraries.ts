import { type Certificate, type Claim, type Hex, toHex, type WireAttestation } from "@mach/core";
import fc from "fast-check";
import { DOMAIN } from "./network.ts";

export const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

export function hexOf(minLength: number, maxLength: number = minLength): fc.Arbitrary<Hex> {
  return fc.uint8Array({ minLength, maxLength }).map(toHex);
}

export const claims: fc.Arbitrary<Claim> = fc.record({
  rollupId: uint64,
  blockNumber: uint64,
  blockHash: hexOf(32),
  stateRoot: hexOf(32),
  outputRoot: hexOf(32),
  timestamp: uint64,
  epoch: uint64,
  verification: fc.constantFrom(1 as const, 2 as const),
});

export const signatureLengths = fc.constantFrom(96, 192);

/** Attestations that fit one message. */
export const groups: fc.Arbitrary<readonly WireAttestation[]> = fc
  .tuple(hexOf(20), signatureLengths)
  .chain(([operator, length]) =>
    fc.array(
      fc.record({
        claim: claims,
        operator: fc.constant(operator),
        signature: fc.uint8Array({ minLength: length, maxLength: length }),
      }),
      { minLength: 1, maxLength: 64 },
    ),
  );

export const certificates: fc.Arbitrary<Certificate> = fc.record({
  version: fc.constant(1 as const),
  certificateId: hexOf(32),
  domain: fc.constant(DOMAIN),
  claim: claims,
  operatorSetHash: hexOf(32),
  signers: hexOf(1, 512),
  signature: hexOf(96),
});

/** Bytes that nobody encoded: cut, lengthened, or with a byte changed. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    fc.nat({ max: bytes.length - 1 }).map((length) => bytes.slice(0, length)),
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((tail) => Buffer.concat([bytes, tail])),
    fc
      .tuple(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }))
      .map(([at, by]) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ by;
        return changed;
      }),
  );
}

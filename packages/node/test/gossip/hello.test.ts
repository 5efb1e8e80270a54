import type { SignedPeerBinding } from "@mach/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeHello, encodeHello, type Hello } from "../../src/gossip/hello.ts";
import { damaged, hexOf, uint64 } from "./arbitraries.ts";

const bindings: fc.Arbitrary<SignedPeerBinding> = fc.record({
  operator: hexOf(20),
  peerId: hexOf(1, 64),
  sequence: uint64,
  expiry: uint64,
  signature: hexOf(96),
});
const hellos: fc.Arbitrary<Hello> = fc.record({
  networkId: hexOf(32),
  binding: fc.option(bindings),
});

it("a hello comes back as it was written", () => {
  fc.assert(
    fc.property(hellos, (hello) => {
      expect(decodeHello(encodeHello(hello))).toEqual(hello);
    }),
  );
});

it("a damaged hello decodes to nothing, or to what encodes to the same bytes", () => {
  const bytes = hellos.chain((hello) => damaged(encodeHello(hello)));
  fc.assert(
    fc.property(bytes, (any) => {
      const decoded = decodeHello(any);
      if (decoded !== null) expect(Buffer.compare(encodeHello(decoded), any)).toBe(0);
    }),
    { numRuns: 500 },
  );
});

it("a hello of another version is malformed", () => {
  const bytes = encodeHello({ networkId: `0x${"11".repeat(32)}`, binding: null });
  bytes[0] = 2;
  expect(decodeHello(bytes)).toBeNull();
});

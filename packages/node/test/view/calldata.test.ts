import { createPortableBls } from "@mach/bls/portable";
import { expect, it } from "vitest";
import { createCalldataEncoder } from "../../src/view/calldata.ts";
import { fixture } from "../http/memory-view.ts";

const { certificate, operatorSet } = fixture;

it("many at once come one after the other, and too many are refused", async () => {
  let underWay = 0;
  const bls = createPortableBls();
  const encoder = createCalldataEncoder({
    publicKeyToPoint: (key) => bls.publicKeyToPoint(key),
    signatureToPoint(signature) {
      underWay += 1;
      return bls.signatureToPoint(signature);
    },
  });
  const all = Array.from({ length: 66 }, () => encoder.encode(certificate, { ...operatorSet }));
  expect(await all.at(-1)).toBeNull();
  expect(await all.at(-2)).toBeNull();
  const first = await all[0];
  expect(first?.certificateId).toBe(certificate.certificateId);
  // Each encodes it for both contracts: most of the others still wait.
  expect(underWay).toBeLessThan(20);
});

it("one that fails keeps nobody behind it from an answer", async () => {
  const bls = createPortableBls();
  let isBroken = true;
  const encoder = createCalldataEncoder({
    publicKeyToPoint: (key) => bls.publicKeyToPoint(key),
    signatureToPoint(signature) {
      if (isBroken) throw new Error("broken");
      return bls.signatureToPoint(signature);
    },
  });
  await expect(encoder.encode(certificate, operatorSet)).rejects.toThrow("broken");
  isBroken = false;
  expect(await encoder.encode(certificate, operatorSet)).not.toBeNull();
});

import { expect, it } from "vitest";
import type { Domain } from "../src/domain.ts";
import type { Hex } from "../src/hex.ts";
import { keyRegistrationDigest } from "../src/key-registration.ts";
import { isBindingExpired, peerBindingDigest, supersedesBinding } from "../src/peer-binding.ts";
import { setUpdateDigest } from "../src/set-update.ts";
import { readVectors } from "./vectors.ts";

interface KeyVector {
  operator: Hex;
  publicKeyEip2537: Hex;
  domain: { chainId: string; verifyingContract: Hex };
  keyRegistration: { nonce: string; digest: Hex };
  peerBinding: { peerId: Hex; sequence: string; expiry: string; digest: Hex };
}

interface SetUpdateVectors {
  digest: Hex;
  cases: {
    name: string;
    update: {
      domain: { chainId: string; verifyingContract: Hex };
      epoch: string;
      operatorSetHash: Hex;
    };
  }[];
}

const keys = readVectors<KeyVector[]>("keys");
const domainOf = (json: { chainId: string; verifyingContract: Hex }): Domain => ({
  ...json,
  chainId: BigInt(json.chainId),
});

it("the digests of key registrations and peer bindings are the golden ones", () => {
  expect(keys.length).toBeGreaterThan(3);
  for (const { domain, operator, publicKeyEip2537, keyRegistration, peerBinding } of keys) {
    const registration = {
      operator,
      publicKeyPoint: publicKeyEip2537,
      nonce: BigInt(keyRegistration.nonce),
    };
    expect(keyRegistrationDigest(domainOf(domain), registration)).toBe(keyRegistration.digest);
    const binding = {
      operator,
      peerId: peerBinding.peerId,
      sequence: BigInt(peerBinding.sequence),
      expiry: BigInt(peerBinding.expiry),
    };
    expect(peerBindingDigest(domainOf(domain), binding)).toBe(peerBinding.digest);
  }
});

it("the digest of a set update is the golden one", () => {
  const { digest, cases } = readVectors<SetUpdateVectors>("set-updates");
  const whole = cases.find((each) => each.name === "all sign")?.update;
  if (whole === undefined) throw new Error("no vector");
  const { domain, epoch, operatorSetHash } = whole;
  expect(setUpdateDigest(domainOf(domain), { epoch: BigInt(epoch), operatorSetHash })).toBe(digest);
});

it("the binding of the highest sequence counts, and of equal ones that of the smaller digest", () => {
  const domain = { chainId: 1n, verifyingContract: `0x${"11".repeat(20)}` } as const;
  const base = { operator: `0x${"22".repeat(20)}`, peerId: "0x0011", expiry: 100n } as const;
  const older = { ...base, sequence: 1n };
  const newer = { ...base, sequence: 2n };
  expect(supersedesBinding(domain, newer, older)).toBe(true);
  expect(supersedesBinding(domain, older, newer)).toBe(false);
  const twin = { ...newer, expiry: 101n };
  const isSmaller = peerBindingDigest(domain, twin) < peerBindingDigest(domain, newer);
  expect(supersedesBinding(domain, twin, newer)).toBe(isSmaller);
  expect(supersedesBinding(domain, newer, twin)).toBe(!isSmaller);
  expect(supersedesBinding(domain, newer, newer)).toBe(false);
});

it("a binding has expired in its second of expiry, not before", () => {
  const binding = { operator: "0x", peerId: "0x", sequence: 0n, expiry: 100n } as const;
  expect(isBindingExpired(binding, 99n)).toBe(false);
  expect(isBindingExpired(binding, 100n)).toBe(true);
});

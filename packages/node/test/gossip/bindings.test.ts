import { type Hex, type SignedPeerBinding, supersedesBinding } from "@mach/core";
import { beforeEach, describe, expect, it } from "vitest";
import { type Bindings, createBindings } from "../../src/gossip/bindings.ts";
import { DOMAIN, OPERATOR } from "./network.ts";

const PEER_A: Hex = "0x00aa";
const PEER_B: Hex = "0x00bb";
let now: number;
let isVerified: (binding: SignedPeerBinding) => boolean;
let bindings: Bindings;
beforeEach(() => {
  now = 1_000_000;
  isVerified = () => true;
  bindings = create();
});

function create(): Bindings {
  return createBindings({
    domain: DOMAIN,
    now: () => now,
    verify: (binding) => isVerified(binding),
    maxOperators: 8,
  });
}

function binding(fields: Partial<SignedPeerBinding> = {}): SignedPeerBinding {
  return {
    operator: OPERATOR,
    peerId: PEER_A,
    sequence: 5n,
    expiry: 2_000n,
    signature: `0x${"00".repeat(96)}`,
    ...fields,
  };
}

describe("peer bindings", () => {
  it("bind a peer to the operator that signed for it, until the peer leaves", () => {
    expect(bindings.offer(PEER_A, binding())).toEqual({ ok: true, operator: OPERATOR });
    expect(bindings.operatorOf(PEER_A)).toBe(OPERATOR);
    bindings.forget(PEER_A);
    expect(bindings.operatorOf(PEER_A)).toBeUndefined();
  });

  it("of another peer are refused before anything is verified", () => {
    isVerified = () => {
      throw new Error("verified");
    };
    const result = bindings.offer(PEER_B, binding());
    expect(result).toEqual({ ok: false, code: "binding-of-another-peer" });
  });

  it("that are forged bind nobody, and supersede nothing", () => {
    bindings.offer(PEER_A, binding());
    isVerified = (each) => each.peerId === PEER_A;
    const forged = binding({ peerId: PEER_B, sequence: 9n });
    expect(bindings.offer(PEER_B, forged)).toEqual({ ok: false, code: "binding-not-verified" });
    expect(bindings.operatorOf(PEER_B)).toBeUndefined();
    expect(bindings.operatorOf(PEER_A)).toBe(OPERATOR);
  });

  it("with a higher sequence win over those of another peer; lower ones are refused", () => {
    bindings.offer(PEER_A, binding());
    expect(bindings.offer(PEER_B, binding({ peerId: PEER_B, sequence: 6n })).ok).toBe(true);
    expect(bindings.operatorOf(PEER_A)).toBeUndefined();
    expect(bindings.operatorOf(PEER_B)).toBe(OPERATOR);
    const again = bindings.offer(PEER_A, binding());
    expect(again).toEqual({ ok: false, code: "binding-superseded" });
    bindings.forget(PEER_B);
    expect(bindings.offer(PEER_A, binding())).toEqual({ ok: false, code: "binding-superseded" });
  });

  it("of equal sequence: the smaller digest counts, whichever comes first", () => {
    const a = binding();
    const b = binding({ peerId: PEER_B });
    const isB = supersedesBinding(DOMAIN, b, a);
    for (const order of [
      [a, b],
      [b, a],
    ]) {
      const fresh = create();
      for (const each of order) fresh.offer(each.peerId, each);
      const operators = [fresh.operatorOf(PEER_A), fresh.operatorOf(PEER_B)];
      expect(operators).toEqual(isB ? [undefined, OPERATOR] : [OPERATOR, undefined]);
    }
  });

  it("run out, and an expired highest revives no lower one", () => {
    bindings.offer(PEER_A, binding());
    const expired = binding({ peerId: PEER_B, sequence: 6n, expiry: 1_000n });
    expect(bindings.offer(PEER_B, expired)).toEqual({ ok: false, code: "binding-expired" });
    expect(bindings.operatorOf(PEER_A)).toBeUndefined();
    expect(bindings.operatorOf(PEER_B)).toBeUndefined();
    bindings.offer(PEER_A, binding({ sequence: 7n, expiry: 1_001n }));
    expect(bindings.operatorOf(PEER_A)).toBe(OPERATOR);
    now = 1_001_000;
    expect(bindings.operatorOf(PEER_A)).toBeUndefined();
  });

  it("are verified again when the operator sets have changed", () => {
    isVerified = () => false;
    bindings.offer(PEER_A, binding());
    isVerified = () => true;
    bindings.recheck();
    expect(bindings.operatorOf(PEER_A)).toBe(OPERATOR);
    isVerified = () => false;
    bindings.recheck();
    expect(bindings.operatorOf(PEER_A)).toBeUndefined();
  });
});

import { type Hex, peerBindingDigest, type SignedPeerBinding, toHex } from "@mach/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BindingSigner } from "../../src/gossip/own-binding.ts";
import { certificateAt, DOMAIN, OPERATOR, TestNetwork, type TestNode, until } from "./network.ts";
import { type RawPeer, startRawPeer } from "./raw-peer.ts";

let network: TestNetwork;
const peers: RawPeer[] = [];
beforeEach(() => {
  network = new TestNetwork();
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
  await network.close();
});

const LATER = 4_000_000_000n;

/** Stands for a BLS signature: whoever knows the digest could make it, which these tests do not. */
function signatureOver(digest: Hex): Hex {
  return `0x${digest.slice(2).repeat(3)}`;
}

function verifyBinding(binding: SignedPeerBinding): boolean {
  return binding.signature === signatureOver(peerBindingDigest(DOMAIN, binding));
}

function signerOf(operator: Hex): BindingSigner {
  let sequence = 0n;
  return {
    async signPeerBinding(asked): Promise<SignedPeerBinding> {
      sequence += 1n;
      const unsigned = { ...asked, operator, sequence };
      return { ...unsigned, signature: signatureOver(peerBindingDigest(DOMAIN, unsigned)) };
    },
  };
}

function bindingOf(peer: RawPeer, fields: Partial<SignedPeerBinding> = {}): SignedPeerBinding {
  const peerId = toHex(peer.libp2p.peerId.toMultihash().bytes);
  const unsigned = { operator: OPERATOR, peerId, sequence: 5n, expiry: LATER, ...fields };
  return { ...unsigned, signature: signatureOver(peerBindingDigest(DOMAIN, unsigned)), ...fields };
}

async function observer(): Promise<TestNode> {
  const node = await network.add();
  node.behaviour.verifyBinding = verifyBinding;
  return node;
}

async function greeted(node: TestNode, binding: (peer: RawPeer) => SignedPeerBinding) {
  const peer = await startRawPeer();
  peers.push(peer);
  const result = await peer.greet(node.gossip.addresses()[0] ?? "", { binding: binding(peer) });
  expect(result.ok).toBe(true);
  await until(() => node.gossip.peers().some((each) => each.peerId === peer.peerId));
  return peer;
}

const operatorOf = (node: TestNode, peerId: string): Hex | null | undefined =>
  node.gossip.peers().find((each) => each.peerId === peerId)?.operator;
const countOf = (node: TestNode, code: string): number => node.gossip.stats().total[code] ?? 0;

describe("an operator's node", () => {
  it("is known as the operator's by the other, with a better score, and an observer is not", async () => {
    const watcher = await observer();
    const bootNodes = watcher.gossip.addresses();
    const operator = await network.add({ bootNodes, bindingSigner: signerOf(OPERATOR) });
    await until(() => watcher.ready.length === 1 && operator.ready.length === 1);
    expect(watcher.ready[0]).toMatchObject({ operator: OPERATOR });
    expect(operator.ready[0]).toMatchObject({ operator: null });
    expect(watcher.gossip.peers()[0]?.score).toBeGreaterThanOrEqual(50);
    operator.gossip.publishAttestation({
      claim: certificateAt(1n).claim,
      operator: OPERATOR,
      signature: new Uint8Array(96),
    });
    await until(() => watcher.attestations.sources.length === 1);
    expect(watcher.attestations.sources).toEqual([
      { peerId: operator.gossip.peerId(), operator: OPERATOR },
    ]);
  });

  it("renews its binding before it runs out, and tells its peers", async () => {
    let aheadMs = 0;
    const now = (): number => Date.now() + aheadMs;
    const watcher = await network.add({ now });
    const sequences: bigint[] = [];
    watcher.behaviour.verifyBinding = (binding) => {
      sequences.push(binding.sequence);
      return verifyBinding(binding);
    };
    const operator = await network.add({
      now,
      bootNodes: watcher.gossip.addresses(),
      bindingSigner: signerOf(OPERATOR),
      limits: { bindingLifetimeMs: 60_000 },
    });
    await until(() => watcher.ready.length === 1);
    aheadMs = 40_000;
    await until(() => sequences.includes(2n));
    aheadMs = 65_000;
    expect(operatorOf(watcher, operator.gossip.peerId())).toBe(OPERATOR);
    aheadMs = 200_000;
    expect(operatorOf(watcher, operator.gossip.peerId())).toBeNull();
  });
});

describe("an operator one of whose peers was banned", () => {
  it("has no privileges with another peer either, and others keep theirs", async () => {
    const node = await observer();
    const other: Hex = `0x${"b2".repeat(20)}`;
    const honest = await greeted(node, (peer) => bindingOf(peer, { operator: other }));
    const first = await greeted(node, (peer) => bindingOf(peer));
    expect(operatorOf(node, first.peerId)).toBe(OPERATOR);
    for (let i = 0; i < 10; i++) node.gossip.blame(first.peerId, "bad-signature");
    await until(() => countOf(node, "operator-banned") === 1);
    const second = await greeted(node, (peer) => bindingOf(peer, { sequence: 6n }));
    expect(operatorOf(node, second.peerId)).toBeNull();
    expect(operatorOf(node, honest.peerId)).toBe(other);
  });
});

describe("a binding is refused", () => {
  it("with a signature that is not the operator's", async () => {
    const node = await observer();
    const peer = await greeted(node, (each) =>
      bindingOf(each, { signature: `0x${"00".repeat(96)}` }),
    );
    expect(operatorOf(node, peer.peerId)).toBeNull();
    expect(countOf(node, "binding-not-verified")).toBe(1);
    expect(countOf(node, "strike")).toBe(0);
  });

  it("when it has run out", async () => {
    const node = await observer();
    const peer = await greeted(node, (each) => bindingOf(each, { expiry: 1_000n }));
    expect(operatorOf(node, peer.peerId)).toBeNull();
    expect(countOf(node, "binding-expired")).toBe(1);
  });

  it("when another peer shows it, with a strike", async () => {
    const node = await observer();
    const owner = await greeted(node, bindingOf);
    const thief = await greeted(node, () => bindingOf(owner));
    expect(operatorOf(node, thief.peerId)).toBeNull();
    expect(operatorOf(node, owner.peerId)).toBe(OPERATOR);
    expect(node.gossip.stats().peers[thief.peerId]).toMatchObject({ strike: 1 });
  });

  it("with a lower sequence than that of another peer, which goes on to count", async () => {
    const node = await observer();
    const newer = await greeted(node, (each) => bindingOf(each, { sequence: 6n }));
    const older = await greeted(node, bindingOf);
    expect(operatorOf(node, older.peerId)).toBeNull();
    expect(operatorOf(node, newer.peerId)).toBe(OPERATOR);
    expect(countOf(node, "binding-superseded")).toBe(1);
  });
});

describe("a binding counts", () => {
  it("from the moment that a higher one is shown by another peer", async () => {
    const node = await observer();
    const older = await greeted(node, bindingOf);
    const newer = await greeted(node, (each) => bindingOf(each, { sequence: 6n }));
    expect(operatorOf(node, older.peerId)).toBeNull();
    expect(operatorOf(node, newer.peerId)).toBe(OPERATOR);
  });

  it("once the operator is of the sets, without a new hello", async () => {
    const node = await observer();
    node.behaviour.verifyBinding = () => false;
    const peer = await greeted(node, bindingOf);
    expect(operatorOf(node, peer.peerId)).toBeNull();
    node.behaviour.verifyBinding = verifyBinding;
    node.gossip.recheckBindings();
    expect(operatorOf(node, peer.peerId)).toBe(OPERATOR);
  });

  it("never where the check itself fails", async () => {
    const node = await observer();
    node.behaviour.verifyBinding = () => {
      throw new Error("a fault of the node");
    };
    const peer = await greeted(node, bindingOf);
    expect(operatorOf(node, peer.peerId)).toBeNull();
    expect(countOf(node, "handler-failed")).toBe(1);
  });
});

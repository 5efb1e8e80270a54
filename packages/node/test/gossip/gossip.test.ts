import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  attestationAt,
  certificateAt,
  evidenceAt,
  SILENT,
  TestNetwork,
  type TestNode,
  until,
} from "./network.ts";

let network: TestNetwork;
beforeEach(() => {
  network = new TestNetwork();
});
afterEach(() => network.close());

const addressOf = (node: TestNode): string => node.gossip.addresses()[0] ?? "";

async function pair(): Promise<readonly [TestNode, TestNode]> {
  const a = await network.add();
  const b = await network.add({ bootNodes: a.gossip.addresses() });
  await until(() => a.ready.length === 1 && b.ready.length === 1);
  return [a, b];
}

describe("gossip between two nodes", () => {
  it("carries an attestation, a certificate and evidence to the other", async () => {
    const [a, b] = await pair();
    a.gossip.publishAttestation(attestationAt(7n));
    a.gossip.publishCertificate(certificateAt(7n));
    a.gossip.publishEvidence(evidenceAt(7n));
    await until(() => b.attestations.messages.length + b.evidence.length === 2);
    await until(() => b.certificates.length === 1);
    expect(b.attestations.messages).toEqual([[attestationAt(7n)]]);
    expect(b.certificates).toEqual([certificateAt(7n)]);
    expect(b.evidence).toEqual([evidenceAt(7n)]);
  });

  it("puts ten attestations of one turn into one message, in their order", async () => {
    const [a, b] = await pair();
    const ten = Array.from({ length: 10 }, (_, i) => attestationAt(BigInt(i)));
    for (const each of ten) a.gossip.publishAttestation(each);
    await until(() => b.attestations.messages.length > 0);
    expect(b.attestations.messages).toEqual([ten]);
    expect(a.gossip.stats().total["published-attestations"]).toBe(1);
    expect(b.gossip.stats().total["accepted-attestations"]).toBe(1);
  });

  it("arrives when it is published as soon as the peer is ready", async () => {
    const a = await network.add();
    const b = await network.add({ bootNodes: a.gossip.addresses() });
    await until(() => a.ready.length === 1);
    a.gossip.publishAttestation(attestationAt(1n));
    await until(() => b.attestations.messages.length === 1);
  });

  it("delivers a message once, however often it is published", async () => {
    const [a, b] = await pair();
    a.gossip.publishCertificate(certificateAt(1n));
    a.gossip.publishCertificate(certificateAt(1n));
    a.gossip.publishCertificate(certificateAt(2n));
    await until(() => b.certificates.length === 2);
    expect(b.certificates).toEqual([certificateAt(1n), certificateAt(2n)]);
    expect(a.gossip.stats().total["publish-failed"]).toBeUndefined();
  });

  it("lists the peer with its address, score and strikes", async () => {
    const [a, b] = await pair();
    expect(b.gossip.peers()).toEqual([
      {
        peerId: a.gossip.peerId(),
        address: addressOf(a),
        operator: null,
        score: expect.any(Number),
        strikes: 0,
      },
    ]);
  });

  it("does not mind that nobody listens, or that it is stopped", async () => {
    const alone = await network.add();
    alone.gossip.publishAttestation(attestationAt(1n));
    alone.gossip.publishCertificate(certificateAt(1n));
    await new Promise((resolve) => setImmediate(resolve));
    expect(alone.gossip.stats().total["publish-failed"]).toBeUndefined();
    await alone.gossip.stop();
    alone.gossip.publishCertificate(certificateAt(2n));
    expect(alone.gossip.stats().total["publish-while-stopped"]).toBe(1);
  });

  it("does not publish what is larger than the network reads", async () => {
    const node = await network.add({ limits: { maxMessageBytes: 400 } });
    node.gossip.publishEvidence(evidenceAt(1n));
    expect(node.gossip.stats().total["publish-too-large"]).toBe(1);
  });
});

describe("gossip among more nodes", () => {
  it("reaches each of five from the publisher itself, once", async () => {
    const [publisher, ...others] = await network.mesh(5);
    publisher?.gossip.publishAttestation(attestationAt(1n));
    await until(() => others.every((node) => node.attestations.messages.length > 0));
    const sources = others.map((node) => node.attestations.sources[0]?.peerId);
    expect(sources).toEqual(others.map(() => publisher?.gossip.peerId()));
    // A second message by the same path shows that no copy of the first is on its way.
    publisher?.gossip.publishAttestation(attestationAt(2n));
    await until(() => others.every((node) => node.attestations.messages.length > 1));
    expect(others.map((node) => node.attestations.messages.length)).toEqual([2, 2, 2, 2]);
  });

  it("forwards what a node in the middle accepts, and nothing that it refuses", async () => {
    const middle = await network.add();
    const left = await network.add({ bootNodes: middle.gossip.addresses() });
    const right = await network.add({ bootNodes: middle.gossip.addresses() });
    await until(() => middle.ready.length === 2 && left.ready.length + right.ready.length === 2);
    middle.behaviour.verdict = () => ({ accept: false, code: "unknown-block", blame: false });
    left.gossip.publishCertificate(certificateAt(1n));
    await until(() => middle.certificates.length === 1);
    middle.behaviour.verdict = () => ({ accept: true });
    left.gossip.publishCertificate(certificateAt(2n));
    await until(() => right.certificates.length === 1);
    expect(right.certificates).toEqual([certificateAt(2n)]);
    expect(middle.gossip.stats().total["unknown-block"]).toBe(1);
    expect(middle.gossip.peers().map((peer) => peer.strikes)).toEqual([0, 0]);
  });
});

describe("a handler", () => {
  it("that throws drops the message and punishes nobody", async () => {
    const [a, b] = await pair();
    b.behaviour.verdict = () => {
      throw new Error("a fault of the node");
    };
    a.gossip.publishCertificate(certificateAt(1n));
    await until(() => b.gossip.stats().total["handler-failed"] === 1);
    expect(b.gossip.peers()[0]).toMatchObject({ strikes: 0 });
    b.behaviour.verdict = () => ({ accept: true });
    a.gossip.publishCertificate(certificateAt(2n));
    await until(() => b.gossip.stats().total["accepted-certificates"] === 1);
  });

  it("that is overrun gets the newest attestations, and the rest are dropped without blame", async () => {
    const a = await network.add();
    const b = await network.add({
      bootNodes: a.gossip.addresses(),
      limits: { maxMessagesInHand: 1, maxQueuedMessages: 2 },
    });
    await until(() => a.ready.length === 1 && b.ready.length === 1);
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    b.behaviour.verdict = async () => {
      await held;
      return { accept: true };
    };
    for (let i = 1n; i <= 5n; i++) {
      a.gossip.publishAttestation(attestationAt(i));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => b.gossip.stats().total["overloaded"] === 2);
    release();
    await until(() => b.attestations.messages.length === 3);
    const heights = b.attestations.messages.map((each) => each[0]?.claim.blockNumber);
    expect(heights).toEqual([1n, 5n, 4n]);
    expect(b.gossip.peers()[0]).toMatchObject({ strikes: 0 });
  });
});

describe("starting and stopping", () => {
  it("reconnects to a node that comes back on the same address with the same key", async () => {
    const [a, b] = await pair();
    const peerId = a.gossip.peerId();
    const port = Number(addressOf(a).split("/")[4]);
    await a.gossip.stop();
    await until(() => b.gossip.peers().length === 0);
    const again = await network.add({ dataDir: a.dataDir, port });
    await until(() => b.ready.length === 2 && again.ready.length === 1);
    expect(again.gossip.peerId()).toBe(peerId);
    again.gossip.publishAttestation(attestationAt(1n));
    b.gossip.publishAttestation(attestationAt(2n));
    await until(() => b.attestations.messages.length + again.attestations.messages.length === 2);
  });

  it("dials a boot node that starts later, by an address without its peer id", async () => {
    const probe = await network.add();
    const port = Number(addressOf(probe).split("/")[4]);
    await probe.gossip.stop();
    const early = await network.add({ bootNodes: [`/ip4/127.0.0.1/tcp/${port}`] });
    await until(() => (early.gossip.stats().total["dial-failed"] ?? 0) > 0);
    const late = await network.add({ port });
    await until(() => early.ready.length === 1 && late.ready.length === 1);
  });

  it("gives up on a boot node that turns out to be itself", async () => {
    const probe = await network.add();
    const port = Number(addressOf(probe).split("/")[4]);
    await probe.gossip.stop();
    const bootNodes = [`/ip4/127.0.0.1/tcp/${port}`, "/ip4/127.0.0.1/tcp/1"];
    const limits = { redialMinMs: 20, redialMaxMs: 20 };
    const refused: string[] = [];
    const logger = {
      ...SILENT,
      debug: (fields: object) => void refused.push("address" in fields ? `${fields.address}` : ""),
    };
    await network.add({ port, bootNodes, limits, logger });
    await until(() => refused.length >= 5);
    expect(new Set(refused)).toEqual(new Set(["/ip4/127.0.0.1/tcp/1"]));
  });

  it("says which setting is wrong", async () => {
    const node = await network.add();
    const port = Number(addressOf(node).split("/")[4]);
    await expect(network.add({ port })).rejects.toMatchObject({ code: "listen-failed" });
    const bad = network.add({ bootNodes: ["no address"] });
    await expect(bad).rejects.toMatchObject({ code: "bad-address" });
  });
});

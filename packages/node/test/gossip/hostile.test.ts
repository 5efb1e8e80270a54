import { StrictSign } from "@libp2p/gossipsub";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeAttestations, encodeCertificate } from "../../src/gossip/wire.ts";
import { attestationAt, certificateAt, TestNetwork, type TestNode, until } from "./network.ts";
import { type RawPeer, startRawPeer } from "./raw-peer.ts";

let network: TestNetwork;
let victim: TestNode;
const peers: RawPeer[] = [];
beforeEach(async () => {
  network = new TestNetwork();
  victim = await network.add({ limits: { maxMessageBytes: 20_000, strikeLimit: 3 } });
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
  await network.close();
});

const address = (): string => victim.gossip.addresses()[0] ?? "";
const countOf = (code: string): number => victim.gossip.stats().total[code] ?? 0;

async function intruder(...options: Parameters<typeof startRawPeer>): Promise<RawPeer> {
  const peer = await startRawPeer(...options);
  peers.push(peer);
  return peer;
}

/** The victim still works: an honest node's message is accepted. */
async function expectAlive(): Promise<void> {
  const honest = await network.add({ bootNodes: [address()] });
  await until(() => honest.ready.length === 1);
  honest.gossip.publishCertificate(certificateAt(77n));
  await until(() => victim.certificates.some((each) => each.claim.blockNumber === 77n));
}

describe("a peer that sends malformed messages", () => {
  it("is rejected, hung up on after its strikes, and kept out", async () => {
    const peer = await intruder();
    await peer.greet(address());
    const { names } = peer;
    const good = encodeAttestations([attestationAt(1n)]);
    await peer.publish(names.attestations, good.slice(0, -1));
    await until(() => countOf("malformed") === 1);
    expect(victim.gossip.peers()[0]).toMatchObject({ peerId: peer.peerId, strikes: 1 });
    await peer.publish(names.certificates, encodeCertificate(certificateAt(1n)).slice(0, -1));
    await peer.publish(names.evidence, Uint8Array.of(1, 2, 3));
    await until(() => countOf("hung-up-banned") === 1);
    await until(() => victim.gossip.peers().length === 0);
    expect(victim.attestations.messages).toEqual([]);
    await until(() => peer.libp2p.getConnections().length === 0);
    expect(await peer.greet(address()).catch(() => ({ ok: false }))).toMatchObject({ ok: false });
    await expectAlive();
  });

  it("is rejected for a message that is larger than allowed", async () => {
    const peer = await intruder();
    await peer.greet(address());
    const most = Array.from({ length: 64 }, (_, i) => attestationAt(BigInt(i)));
    await peer.publish(peer.names.attestations, encodeAttestations(most));
    await until(() => countOf("oversized") === 1);
    expect(victim.attestations.messages).toEqual([]);
    expect(victim.gossip.stats().peers[peer.peerId]).toMatchObject({ oversized: 1, strike: 1 });
  });

  it("is hung up on after as many messages that a handler blames it for", async () => {
    const peer = await intruder();
    await peer.greet(address());
    victim.behaviour.verdict = () => ({ accept: false, code: "bad-signature", blame: true });
    for (let i = 1n; i <= 3n; i++) {
      await peer.publish(peer.names.certificates, encodeCertificate(certificateAt(i)));
    }
    await until(() => countOf("hung-up-banned") === 1);
    expect(countOf("bad-signature")).toBe(3);
  });
});

describe("a peer that floods a handler", () => {
  /** Verdicts that come when the test says so. */
  function hold(node: TestNode): (() => void)[] {
    const answers: (() => void)[] = [];
    node.behaviour.verdict = () =>
      new Promise((resolve) => {
        answers.push(() => resolve({ accept: false, code: "bad-signature", blame: true }));
      });
    return answers;
  }

  it("has what still waits dropped unread, once it is hung up on", async () => {
    const strict = await network.add({ limits: { strikeLimit: 1, maxMessagesInHand: 1 } });
    const codes = (): Readonly<Record<string, number>> => strict.gossip.stats().total;
    const answers = hold(strict);
    const peer = await intruder();
    await peer.greet(strict.gossip.addresses()[0] ?? "");
    const { names } = peer;
    await peer.publish(names.certificates, encodeCertificate(certificateAt(1n)));
    await until(() => answers.length === 1);
    for (const number of [2n, 3n, 4n]) {
      await peer.publish(names.certificates, encodeCertificate(certificateAt(number)));
    }
    // What is sent on one stream is read in order: the last one has a topic of its own.
    await peer.publish(names.evidence, Uint8Array.of(1));
    await until(() => codes()["hung-up-banned"] === 1);
    answers[0]?.();
    await until(() => codes()["sender-hung-up-on"] === 3);
    expect(answers).toHaveLength(1);
  });

  it("gets its strike also for what was found out too late to answer", async () => {
    const hasty = await network.add({ limits: { handlerTimeoutMs: 30 } });
    const codes = (): Readonly<Record<string, number>> => hasty.gossip.stats().total;
    const answers = hold(hasty);
    const peer = await intruder();
    await peer.greet(hasty.gossip.addresses()[0] ?? "");
    await peer.publish(peer.names.certificates, encodeCertificate(certificateAt(1n)));
    await until(() => codes()["handler-timeout"] === 1);
    expect(codes()["strike"]).toBeUndefined();
    answers[0]?.();
    await until(() => codes()["strike"] === 1);
    expect(hasty.gossip.stats().peers[peer.peerId]).toMatchObject({ "bad-signature": 1 });
  });
});

describe("a peer that sends foreign frames", () => {
  it("gets a strike for each that is no RPC, and is hung up on", async () => {
    const peer = await intruder();
    const connection = await peer.connect(address());
    const stream = await connection.newStream("/meshsub/1.2.0");
    for (let i = 0; i < 3; i++) stream.send(Uint8Array.of(4, 0xff, 0xff, 0xff, 0xff));
    await until(() => countOf("hung-up-banned") === 1);
    expect(countOf("undecodable-frame")).toBe(3);
    await until(() => peer.libp2p.getConnections().length === 0);
    await expectAlive();
  });

  it("is hung up on for a frame whose length is beyond every legal message", async () => {
    const peer = await intruder();
    const connection = await peer.connect(address());
    const stream = await connection.newStream("/meshsub/1.2.0");
    stream.send(Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 1));
    await until(() => countOf("oversized-frame") === 1);
    await until(() => peer.libp2p.getConnections().length === 0);
    await expectAlive();
  });

  it("gets a strike for a topic of another network, and for a signed message", async () => {
    const peer = await intruder({ globalSignaturePolicy: StrictSign });
    await peer.greet(address());
    await peer.publish(peer.names.certificates, encodeCertificate(certificateAt(1n)));
    await until(() => countOf("signed-message") === 1);
    expect(victim.certificates).toEqual([]);

    const foreign = await intruder();
    const connection = await foreign.connect(address());
    const stream = await connection.newStream("/meshsub/1.2.0");
    // An RPC with one message: field 2, with data (2) "x" and topic (4) "other".
    const message = [0x12, 1, 0x78, 0x22, 5, ...Buffer.from("other")];
    const rpc = [0x12, message.length, ...message];
    stream.send(Uint8Array.of(rpc.length, ...rpc));
    await until(() => countOf("foreign-topic") === 1);
    expect(victim.gossip.stats().peers[foreign.peerId]).toMatchObject({ strike: 1 });
  });

  it("loses the frames beyond its rate, unread and without a strike", async () => {
    const slow = await network.add({ limits: { messagesPerSecond: 5 } });
    const peer = await intruder();
    const connection = await peer.connect(slow.gossip.addresses()[0] ?? "");
    const stream = await connection.newStream("/meshsub/1.2.0");
    // Fifty empty RPCs.
    stream.send(new Uint8Array(50));
    await until(() => (slow.gossip.stats().total["too-many-messages"] ?? 0) >= 35);
    expect(slow.gossip.stats().total["strike"]).toBeUndefined();
  });
});

describe("a peer that does not say hello as it should", () => {
  it("of another network is refused, on both sides", async () => {
    const domain = { chainId: 1n, verifyingContract: `0x${"c1".repeat(20)}` as const };
    const other = await network.add({ domain, bootNodes: [address()] });
    await until(() => (other.gossip.stats().total["hello-wrong-network"] ?? 0) > 0);
    expect(other.ready).toEqual([]);
    expect(victim.ready).toEqual([]);
    expect(other.gossip.stats().total["strike"]).toBeUndefined();
  });

  it("is hung up on for naming another network within this one's protocol", async () => {
    const peer = await intruder();
    const result = await peer.greet(address(), { networkId: `0x${"00".repeat(32)}` });
    expect(result.ok).toBe(false);
    await until(() => countOf("hello-wrong-network") === 1);
    await until(() => peer.libp2p.getConnections().length === 0);
  });

  it("is hung up on for saying nothing", async () => {
    const strict = await network.add({ limits: { helloTimeoutMs: 300 } });
    const peer = await intruder();
    await peer.connect(strict.gossip.addresses()[0] ?? "");
    await until(() => strict.gossip.stats().total["hung-up-no-hello"] === 1);
    await until(() => peer.libp2p.getConnections().length === 0);
  });

  it("is refused without a strike where its version is another, and may come again", async () => {
    const peer = await intruder();
    const connection = await peer.connect(address());
    const stream = await connection.newStream(peer.names.hello);
    stream.send(Uint8Array.of(0, 0, 0, 2, 2, 0));
    await until(() => countOf("hello-unsupported-version") === 1);
    await until(() => peer.libp2p.getConnections().length === 0);
    expect(countOf("strike")).toBe(0);
    expect(await peer.greet(address())).toMatchObject({ ok: true });
  });

  it("gets a strike for a hello that is malformed or too long", async () => {
    const peer = await intruder();
    for (const frame of [Uint8Array.of(0, 0, 0, 1, 1), Uint8Array.of(0, 0, 16, 0, 9)]) {
      const connection = await peer.connect(address());
      const stream = await connection.newStream(peer.names.hello);
      stream.send(frame);
      await until(() => peer.libp2p.getConnections().length === 0);
    }
    expect(victim.gossip.stats().peers[peer.peerId]).toMatchObject({
      "hello-malformed": 1,
      "hello-oversized": 1,
      strike: 2,
    });
    await expectAlive();
  });
});

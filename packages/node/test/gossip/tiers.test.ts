import { type Hex, type SignedPeerBinding, toHex } from "@mach/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GossipLimits } from "../../src/gossip/limits.ts";
import { DOMAIN, TestNetwork, type TestNode, until } from "./network.ts";
import { MESHSUB, type Outsider, startOutsider } from "./outsider.ts";
import { muxerOf } from "./yamux-frames.ts";

let network: TestNetwork;
const outsiders: Outsider[] = [];
beforeEach(() => {
  network = new TestNetwork();
});
afterEach(async () => {
  await Promise.all(outsiders.splice(0).map((each) => each.stop()));
  await network.close();
});

const countOf = (node: TestNode, code: string): number => node.gossip.stats().total[code] ?? 0;
const peerIds = (node: TestNode): readonly string[] =>
  node.gossip.peers().map(({ peerId }) => peerId);

async function victimWith(limits: Partial<GossipLimits>): Promise<TestNode> {
  return await network.add({ limits: { strikeLimit: 1, ...limits } });
}

async function outsider(from?: string): Promise<Outsider> {
  const peer = await startOutsider({ domain: DOMAIN, ...(from !== undefined && { from }) });
  outsiders.push(peer);
  return peer;
}

async function greet(node: TestNode, peer: Outsider, operator?: Hex): Promise<void> {
  const peerId = toHex(peer.libp2p.peerId.toMultihash().bytes);
  const signature: Hex = `0x${"00".repeat(96)}`;
  const expiry = 4_000_000_000n;
  const binding: SignedPeerBinding | null =
    operator === undefined ? null : { operator, peerId, sequence: 1n, expiry, signature };
  await peer.greet(node.gossip.addresses()[0] ?? "", { binding });
}

async function misbehave(node: TestNode, peer: Outsider): Promise<void> {
  const connection = await peer.connect(node.gossip.addresses()[0] ?? "");
  muxerOf(connection).maConn.send(new Uint8Array(64).fill(7));
}

describe("a node whose places for outsiders are taken", () => {
  it("takes no outsider more, and still every operator", async () => {
    const victim = await victimWith({ maxConnections: 2 });
    const first = [await outsider(), await outsider()];
    for (const each of first) await greet(victim, each);
    await until(() => peerIds(victim).length === 2);
    await greet(victim, await outsider());
    await until(() => countOf(victim, "hung-up-full") === 1);
    const operators = [await outsider(), await outsider(), await outsider()];
    for (const [i, each] of operators.entries())
      await greet(victim, each, `0x${`0${i}`.repeat(20)}`);
    const expected = [...first, ...operators].map(({ peerId }) => peerId);
    await until(() => peerIds(victim).length === 5);
    expect(peerIds(victim).toSorted()).toEqual(expected.toSorted());
  });

  it("keeps the peers that it dialled itself", async () => {
    const boot = await network.add();
    const victim = await network.add({
      bootNodes: boot.gossip.addresses(),
      limits: { maxConnections: 1 },
    });
    await until(() => peerIds(victim).length === 1);
    for (const each of [await outsider(), await outsider()]) await greet(victim, each);
    await until(() => countOf(victim, "hung-up-full") === 1);
    expect(peerIds(victim)).toContain(boot.gossip.peerId());
  });

  it("turns out whoever no longer speaks for an operator, where there is no place", async () => {
    const victim = await victimWith({ maxConnections: 1 });
    await greet(victim, await outsider());
    const operator = await outsider();
    await greet(victim, operator, `0x${"aa".repeat(20)}`);
    await until(() => peerIds(victim).length === 2);
    victim.behaviour.verifyBinding = () => false;
    victim.gossip.recheckBindings();
    await until(() => countOf(victim, "hung-up-full") === 1);
    expect(peerIds(victim)).not.toContain(operator.peerId);
  });
});

describe("connections that lead to no hello", () => {
  it("make room for those that do", async () => {
    const victim = await victimWith({ maxUngreeted: 8 });
    const silent = await outsider();
    const address = victim.gossip.addresses()[0] ?? "";
    const others = [await outsider(), await outsider()];
    for (const each of [...Array.from({ length: 4 }, () => silent), ...others]) {
      await each.connect(address).catch(() => undefined);
    }
    const flood = Array.from({ length: 12 }, async () => {
      const peer = await outsider();
      await peer.connect(address).catch(() => undefined);
    });
    await Promise.all(flood);
    await until(() => countOf(victim, "lobby-full") > 0);
    const honest = await outsider();
    await greet(victim, honest);
    await until(() => peerIds(victim).includes(honest.peerId));
  });

  it("are no more than a few of one peer, the newest of them", async () => {
    const victim = await victimWith({ maxConnectionsPerPeer: 2 });
    const peer = await outsider();
    const address = victim.gossip.addresses()[0] ?? "";
    const connections = [];
    for (let i = 0; i < 5; i++) connections.push(await peer.connect(address));
    await until(() => countOf(victim, "too-many-connections") === 3);
    await until(() => peer.libp2p.getConnections().length === 2);
    expect(connections.map(({ status }) => status === "open")).toEqual([
      ...[false, false, false, true, true],
    ]);
  });
});

describe("an address from which peers were banned", () => {
  const FROM = "127.0.0.9";

  it("is kept out with all its peers but operators' ones that were known before", async () => {
    const victim = await victimWith({ bannedPeersPerAddress: 2 });
    const operator = await outsider(FROM);
    await greet(victim, operator, `0x${"aa".repeat(20)}`);
    const observer = await outsider(FROM);
    await greet(victim, observer);
    const elsewhere = await outsider();
    await greet(victim, elsewhere);
    for (let i = 0; i < 2; i++) await misbehave(victim, await outsider(FROM));
    await until(() => countOf(victim, "address-banned") === 1);
    await until(() => observer.libp2p.getConnections().length === 0);
    expect(peerIds(victim).toSorted()).toEqual(
      [operator, elsewhere].map((p) => p.peerId).toSorted(),
    );
    for (const each of operator.libp2p.getConnections()) await each.close();
    await until(() => peerIds(victim).length === 1);
    await greet(victim, operator, `0x${"aa".repeat(20)}`);
    await until(() => peerIds(victim).length === 2);
    const fresh = await outsider(FROM);
    await greet(victim, fresh).catch(() => undefined);
    await until(() => fresh.libp2p.getConnections().length === 0);
    expect(peerIds(victim)).not.toContain(fresh.peerId);
  });

  it("is not the machine's own", async () => {
    const victim = await victimWith({ bannedPeersPerAddress: 1 });
    await misbehave(victim, await outsider());
    await until(() => countOf(victim, "hung-up-banned") === 1);
    await greet(victim, await outsider());
    await until(() => peerIds(victim).length === 1);
    expect(countOf(victim, "address-banned")).toBe(0);
  });
});

describe("messages of outsiders", () => {
  it("share a rate, and whoever keeps to its own is not hung up on for the others", async () => {
    const victim = await victimWith({
      ...{ messagesPerSecond: 50, outsiderMessagesPerSecond: 5, maxDroppedPerMinute: 40 },
    });
    const address = victim.gossip.addresses()[0] ?? "";
    // Empty gossip frames: more than all outsiders may send, less than one peer may.
    const [first, second] = [await outsider(), await outsider()];
    for (const each of [first, second]) {
      const stream = await (await each.connect(address)).newStream(MESHSUB);
      stream.send(new Uint8Array(60));
    }
    await until(() => countOf(victim, "too-many-outsiders-messages") >= 100);
    expect([first, second].map((each) => each.libp2p.getConnections().length)).toEqual([1, 1]);
    const flooding = await outsider();
    const stream = await (await flooding.connect(address)).newStream(MESHSUB);
    stream.send(new Uint8Array(200));
    await until(() => countOf(victim, "hung-up-flood") === 1);
    await until(() => flooding.libp2p.getConnections().length === 0);
    expect(countOf(victim, "strike")).toBe(0);
  });
});

import { generateKeyPair } from "@libp2p/crypto/keys";
import type { GossipSub } from "@libp2p/gossipsub";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../src/gossip/limits.ts";
import { createNode } from "../../src/gossip/node.ts";
import { guardPubsub } from "../../src/gossip/pubsub-guard.ts";
import { networkNames } from "../../src/gossip/topics.ts";
import { certificateAt, DOMAIN, TestNetwork, until } from "./network.ts";
import { MESHSUB, startOutsider } from "./outsider.ts";
import { startRawPeer } from "./raw-peer.ts";

const NAMES = networkNames(DOMAIN);
const OPTIONS = { topics: new Set<string>(), isWithinRate: () => true, onTrouble: () => {} };

interface Internals {
  readonly mcache: {
    put(id: object, message: object, validated: boolean): void;
    getGossipIDs(topics: Set<string>): Map<string, Uint8Array[]>;
  };
  readonly mesh: Map<string, Set<string>>;
  readonly seenCache: { readonly entries: Map<string, unknown>; put(id: string): boolean };
  readonly score: {
    readonly deliveryRecords: {
      readonly records: Map<string, unknown>;
      ensureRecord(id: string): unknown;
    };
  };
  decodeRpc(bytes: Uint8Array): { readonly control?: { readonly prune: { backoff: number }[] } };
  handleIHave(peerId: string, ihave: object[]): { messageIDs: Uint8Array[] }[];
}

const idOf = (i: number): Uint8Array => Uint8Array.of(i >> 8, i & 255);

async function guarded(): Promise<Internals> {
  const node = await createNode({
    privateKey: await generateKeyPair("Ed25519"),
    host: "127.0.0.1",
    port: 0,
    announce: [],
    names: NAMES,
    limits: DEFAULT_LIMITS,
    isOperator: () => false,
    isBanned: () => false,
    isKnownOperator: () => false,
    door: { admit: () => true, isBanned: () => false },
    now: Date.now,
    onTrouble: () => undefined,
  });
  guardPubsub(node.services.pubsub, OPTIONS);
  return node.services.pubsub as unknown as Internals;
}

describe("what a node says of its messages", () => {
  it("is no longer than what its peers decode, however busy the network is", async () => {
    const pubsub = await guarded();
    for (let i = 0; i < 500; i++) {
      const id = { msgId: idOf(i), msgIdStr: Buffer.from(idOf(i)).toString("latin1") };
      pubsub.mcache.put(id, { topic: NAMES.attestations, data: idOf(i) }, true);
    }
    const ids = pubsub.mcache.getGossipIDs(new Set([NAMES.attestations]));
    expect(ids.get(NAMES.attestations)).toHaveLength(64);
  });

  it("asks for no more messages than one frame holds", async () => {
    const pubsub = await guarded();
    pubsub.mesh.set(NAMES.attestations, new Set());
    const messageIDs = Array.from({ length: 20 }, (_, i) => idOf(i));
    const asked = pubsub.handleIHave("peer", [{ topicID: NAMES.attestations, messageIDs }]);
    expect(asked.map((each) => each.messageIDs.length)).toEqual([4]);
  });
});

describe("what a node remembers", () => {
  it("is the newest messages, however many come", async () => {
    const { seenCache, score } = await guarded();
    const { records } = score.deliveryRecords;
    const most = 131_072;
    for (let i = 0; i < most + 5; i++) {
      seenCache.put(`m${i}`);
      score.deliveryRecords.ensureRecord(`m${i}`);
    }
    expect([seenCache.entries.size, records.size]).toEqual([most, most]);
    expect([seenCache.entries.has("m4"), records.has("m4")]).toEqual([false, false]);
    expect([seenCache.entries.has("m5"), records.has("m5")]).toEqual([true, true]);
  });

  it("is a peer's wish to stay out of a mesh, for no longer than ten minutes", async () => {
    const { decodeRpc } = await guarded();
    // control (3) with a prune (4): topic (1) "t", and a backoff (3) of 2^35 - 1 seconds.
    const prune = [0x0a, 1, 0x74, 0x18, 0xff, 0xff, 0xff, 0xff, 0x7f];
    const control = [0x22, prune.length, ...prune];
    const rpc = decodeRpc(Uint8Array.of(0x1a, control.length, ...control));
    expect(rpc.control?.prune.map(({ backoff }) => backoff)).toEqual([600]);
  });
});

it("peers that do not answer its streams hold up nobody else's", async () => {
  const network = new TestNetwork();
  const node = await network.add();
  const address = node.gossip.addresses()[0] ?? "";
  const silent = await Promise.all([1, 2, 3].map(() => startOutsider({ domain: DOMAIN })));
  for (const peer of silent) {
    const connection = await peer.connect(address);
    peer.stall(connection);
    await connection.newStream(MESHSUB);
  }
  const honest = await network.add({ bootNodes: [address] });
  await until(() => node.ready.length === 1 && honest.ready.length === 1);
  node.gossip.publishCertificate(certificateAt(1n));
  // Each of them would take ten seconds of everybody's.
  await until(() => honest.certificates.length === 1);
  await Promise.all(silent.map((peer) => peer.stop()));
  await network.close();
});

it("another gossipsub than the one that is known is refused", () => {
  expect(() => guardPubsub({} as GossipSub, OPTIONS)).toThrow(
    expect.objectContaining({ code: "unsupported-gossipsub" }),
  );
});

describe("a gossip stream that was lost", () => {
  const network = new TestNetwork();
  let stop: () => Promise<void>;
  beforeEach(() => {
    stop = async () => {};
  });
  afterEach(async () => {
    await stop();
    await network.close();
  });

  it("is made anew on the connection that stands", async () => {
    const node = await network.add();
    const peer = await startRawPeer();
    stop = () => peer.stop();
    await peer.greet(node.gossip.addresses()[0] ?? "");
    peer.libp2p.services.pubsub.subscribe(NAMES.certificates);
    peer.libp2p.services.pubsub.subscribe(NAMES.attestations);
    await until(() => node.ready.length === 1);
    const [connection] = peer.libp2p.getConnections();
    const inbound = (): readonly unknown[] =>
      connection?.streams.filter(
        (each) => each.protocol.startsWith("/meshsub/") && each.direction === "inbound",
      ) ?? [];
    await until(() => inbound().length === 1);
    const [lost] = inbound();
    for (const stream of connection?.streams ?? []) {
      if (stream.protocol.startsWith("/meshsub/")) stream.abort(new Error("lost"));
    }
    await until(() => inbound().length === 1 && inbound()[0] !== lost);
    let received = 0;
    peer.libp2p.services.pubsub.addEventListener("message", () => {
      received += 1;
    });
    for (let i = 1n; received === 0; i++) {
      node.gossip.publishCertificate(certificateAt(i));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(peer.libp2p.getConnections()).toEqual([connection]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SyncQuery } from "../../src/gossip/handlers.ts";
import { encodeSyncItems } from "../../src/gossip/sync-wire.ts";
import {
  attestationAt,
  CODEC,
  certificateAt,
  evidenceAt,
  TestNetwork,
  type TestNode,
  until,
} from "./network.ts";
import { type RawPeer, startRawPeer } from "./raw-peer.ts";

let network: TestNetwork;
let a: TestNode;
let b: TestNode;
const peers: RawPeer[] = [];
beforeEach(async () => {
  network = new TestNetwork();
  a = await network.add({ limits: { requestTimeoutMs: 400, requestsPerSecond: 2 } });
  b = await network.add({
    bootNodes: a.gossip.addresses(),
    limits: { requestTimeoutMs: 1_500 },
  });
  await until(() => a.ready.length === 1 && b.ready.length === 1);
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
  await network.close();
});

const QUERY = { rollupId: 901n, from: 10n, limit: 3 };
const toA = (): string => a.gossip.peerId();

/** A greeted peer that answers each request with these bytes; with null it says nothing. */
async function answering(response: Uint8Array | null): Promise<string> {
  const peer = await startRawPeer();
  peers.push(peer);
  await peer.libp2p.handle(peer.names.sync, (stream) => {
    if (response !== null) stream.send(response);
  });
  await peer.greet(a.gossip.addresses()[0] ?? "");
  await until(() => a.gossip.peers().some((each) => each.peerId === peer.peerId));
  return peer.peerId;
}

describe("what a node missed", () => {
  it("comes as certificates from a height on", async () => {
    const held = [10n, 11n, 12n].map((height) => certificateAt(height));
    const queries: SyncQuery[] = [];
    a.behaviour.serveCertificates = (query) => {
      queries.push(query);
      return held;
    };
    const result = await b.gossip.requestCertificates(toA(), QUERY);
    expect(result).toMatchObject({ ok: true, items: held });
    expect(queries).toMatchObject([QUERY]);
  });

  it("comes as attestations of open heights, and as heads", async () => {
    const held = [10n, 11n].map((height) => attestationAt(height));
    a.behaviour.serveAttestations = () => held;
    a.behaviour.serveHeads = () => [{ rollupId: 901n, blockNumber: 12n }];
    const attestations = await b.gossip.requestAttestations(toA(), QUERY);
    expect(attestations).toMatchObject({ ok: true, items: held });
    const heads = await b.gossip.requestHeads(toA());
    expect(heads).toMatchObject({ ok: true, items: [{ rollupId: 901n, blockNumber: 12n }] });
  });

  it("comes as evidence, of which what fits no answer is left out", async () => {
    const tooLarge = evidenceAt(2n);
    const encode = CODEC.encodeEvidence;
    const huge: typeof tooLarge = Object.assign({ note: "x".repeat(1_100_000) }, tooLarge);
    const held = [evidenceAt(1n), huge, huge, evidenceAt(4n)].map((evidence, i) => ({
      position: BigInt(i),
      evidence,
    }));
    expect(encode(huge).length).toBeGreaterThan(1_048_576);
    a.behaviour.serveEvidence = ({ from, limit }) =>
      held.filter((each) => each.position >= from).slice(0, limit);
    const first = await b.gossip.requestEvidence(toA(), { from: 0n, limit: 2 });
    expect(first).toEqual({ ok: true, items: [held[0]] });
    const second = await b.gossip.requestEvidence(toA(), { from: 1n, limit: 2 });
    expect(second).toEqual({ ok: true, items: [held[3]] });
    expect(await b.gossip.requestEvidence(toA(), { from: 4n, limit: 2 })).toEqual({
      ok: true,
      items: [],
    });
  });

  it("comes in pieces: never more than the limit, nor more than 256", async () => {
    const many = Array.from({ length: 400 }, (_, i) => certificateAt(10n + BigInt(i)));
    a.behaviour.serveCertificates = () => many;
    const few = await b.gossip.requestCertificates(toA(), QUERY);
    expect(few).toMatchObject({ ok: true, items: many.slice(0, 3) });
    const most = await b.gossip.requestCertificates(toA(), { ...QUERY, limit: 10_000 });
    expect(most.ok && most.items.length).toBe(256);
  });
});

describe("a request", () => {
  it("to a peer that is not connected has a code", async () => {
    const nobody = await startRawPeer();
    peers.push(nobody);
    const result = await b.gossip.requestHeads(nobody.peerId);
    expect(result).toEqual({ ok: false, code: "unknown-peer" });
  });

  it("runs out when the peer says nothing", async () => {
    const silent = await answering(null);
    const result = await a.gossip.requestHeads(silent);
    expect(result).toEqual({ ok: false, code: "timeout" });
    expect(a.gossip.stats().peers[silent]).toMatchObject({ "request-timeout": 1 });
    expect(a.gossip.stats().peers[silent]?.["strike"]).toBeUndefined();
  });

  it("is answered with a refusal when the node's own store fails or hangs", async () => {
    a.behaviour.serveCertificates = () => {
      throw new Error("a fault of the node");
    };
    const failed = await b.gossip.requestCertificates(toA(), QUERY);
    expect(failed).toEqual({ ok: false, code: "unavailable" });
    a.behaviour.serveCertificates = () => new Promise(() => {});
    const hanging = await b.gossip.requestCertificates(toA(), QUERY);
    expect(hanging).toEqual({ ok: false, code: "unavailable" });
  });

  it("is refused beyond the rate, and nobody is blamed", async () => {
    const results = [];
    for (let i = 0; i < 12; i++) results.push(await b.gossip.requestHeads(toA()));
    expect(results.slice(0, 8).every((each) => each.ok)).toBe(true);
    expect(results.at(-1)).toEqual({ ok: false, code: "rate-limited" });
    expect(a.gossip.stats().total["strike"]).toBeUndefined();
  });

  it("counts by what is asked for, so that large pages bring no more than small ones", async () => {
    a.behaviour.serveCertificates = () => [certificateAt(10n)];
    const results = [];
    for (let i = 0; i < 8; i++) {
      results.push(await b.gossip.requestCertificates(toA(), { ...QUERY, limit: 256 }));
    }
    expect(results[0]?.ok).toBe(true);
    expect(results).toContainEqual({ ok: false, code: "rate-limited" });
  });

  it("gives the peer a strike for an answer that is malformed or too long", async () => {
    const babbling = await answering(Uint8Array.of(0, 0, 0, 3, 9, 9, 9));
    expect(await a.gossip.requestHeads(babbling)).toEqual({ ok: false, code: "malformed" });
    const huge = await answering(Uint8Array.of(0x7f, 0xff, 0xff, 0xff));
    expect(await a.gossip.requestHeads(huge)).toEqual({ ok: false, code: "oversized" });
    for (const peer of [babbling, huge]) {
      expect(a.gossip.stats().peers[peer]).toMatchObject({ strike: 1 });
    }
  });

  it("gives the peer a strike for evidence that is no document", async () => {
    const items = [{ position: 0n, document: Uint8Array.of(1) }];
    const bytes = encodeSyncItems({ kind: "evidence", items }, 256);
    const babbling = await answering(Uint8Array.of(0, 0, 0, bytes.length, ...bytes));
    const result = await a.gossip.requestEvidence(babbling, { from: 0n, limit: 9 });
    expect(result).toEqual({ ok: false, code: "malformed" });
    expect(a.gossip.stats().peers[babbling]).toMatchObject({ strike: 1 });
  });

  it("that is malformed is refused, with a strike", async () => {
    const peer = await startRawPeer();
    peers.push(peer);
    const address = a.gossip.addresses()[0] ?? "";
    await peer.greet(address);
    const connection = await peer.connect(address);
    const stream = await connection.newStream(peer.names.sync);
    stream.send(Uint8Array.of(0, 0, 0, 2, 1, 9));
    await until(() => a.gossip.stats().total["serve-malformed-request"] === 1);
    expect(a.gossip.stats().peers[peer.peerId]).toMatchObject({ strike: 1 });
  });
});

import type { Certificate, WireAttestation } from "@mach/core";
import { afterEach, describe, expect, it } from "vitest";
import { createPeerSync, type PeerSync, type PeerSyncPorts } from "../../src/engine/peer-sync.ts";
import type { EvidenceQuery, PositionedEvidence, SyncQuery } from "../../src/gossip/handlers.ts";
import {
  attest,
  certifiedIds,
  certify,
  claimAt,
  createEngineNode,
  type EngineNode,
  forge,
  operatorAt,
  ROLLUP_ID,
  useVerifier,
} from "./engine-node.ts";
import { MemoryGossip } from "./memory-gossip.ts";

const verifier = useVerifier();
const GONE = { ok: false, code: "unknown-peer" } as const;

interface Asked {
  readonly heads: string[];
  readonly certificates: SyncQuery[];
  readonly attestations: SyncQuery[];
  readonly evidence: EvidenceQuery[];
  readonly blamed: string[];
  readonly faults: unknown[];
}

interface Peer {
  head: bigint;
  certificates: (query: SyncQuery) => readonly Certificate[] | null;
  attestations: (query: SyncQuery) => readonly WireAttestation[] | null;
  evidence: (query: EvidenceQuery) => readonly PositionedEvidence[];
  /** Called with each request but those for evidence, before its answer. */
  onRequest: () => Promise<void>;
}

const started: PeerSync[] = [];
afterEach(() => {
  for (const sync of started.splice(0)) sync.stop();
});

/** A peer whose name begins so speaks for an operator. */
const OPERATORS = "operator";

function create(node: EngineNode, peer: Partial<Peer> = {}, peers: readonly string[] = ["peer"]) {
  const asked: Asked = {
    ...{ heads: [], certificates: [], attestations: [], evidence: [] },
    ...{ blamed: [], faults: [] },
  };
  const onRequest = async (): Promise<void> => await peer.onRequest?.();
  const gossip: PeerSyncPorts["gossip"] = {
    peers: () =>
      peers.map((peerId) => {
        const operator = peerId.startsWith(OPERATORS) ? operatorAt(1) : null;
        return { peerId, address: "", operator, score: 0, strikes: 0 };
      }),
    async requestHeads(peerId) {
      asked.heads.push(peerId);
      await onRequest();
      if (peer.head === undefined) return GONE;
      return { ok: true, items: [{ rollupId: ROLLUP_ID, blockNumber: peer.head }] };
    },
    async requestCertificates(_, query) {
      asked.certificates.push(query);
      await onRequest();
      const items = peer.certificates?.(query) ?? null;
      return items === null ? { ok: false, code: "timeout" } : { ok: true, items };
    },
    async requestAttestations(_, query) {
      asked.attestations.push(query);
      await onRequest();
      const items = peer.attestations?.(query) ?? null;
      return items === null ? { ok: false, code: "timeout" } : { ok: true, items };
    },
    async requestEvidence(_, query) {
      asked.evidence.push(query);
      const items = peer.evidence?.(query) ?? [];
      return { ok: true, items };
    },
    requestSetUpdates: async () => ({ ok: true, items: [] }),
    blame: (peerId, code) => asked.blamed.push(`${peerId}: ${code}`),
  };
  const sync = createPeerSync(
    {
      gossip,
      engine: node.shell,
      onFault: (error) => asked.faults.push(error),
      now: () => node.clock.now,
    },
    { intervalMs: 1, overlap: 4, peerTimeoutMs: 1_000 },
  );
  started.push(sync);
  return { sync, asked };
}

function ready(): EngineNode {
  const node = createEngineNode({ verifier: verifier() });
  node.learn(0n);
  node.block(1n);
  return node;
}

const ALL = [0, 1, 2, 3];
const certificateOf = (number: bigint): Certificate => certify(claimAt(number), ALL);

/** The certificates from a height on, as an honest peer's store gives them. */
function pageOf(query: SyncQuery, newest: bigint, most = query.limit): readonly Certificate[] {
  const from = query.from > 1n ? query.from : 1n;
  const { limit } = query;
  const count = Number(newest - from + 1n);
  return Array.from({ length: Math.max(0, Math.min(count, limit, most)) }, (_, i) =>
    certificateOf(from + BigInt(i)),
  );
}

describe("catching up", () => {
  it("a node that was away gets the certificates and the open attestations", async () => {
    const gossip = new MemoryGossip(1);
    const peer = createEngineNode({ verifier: verifier() });
    const late = createEngineNode({ verifier: verifier() });
    gossip.join("peer", peer);
    gossip.join("late", late);
    for (const node of [peer, late]) {
      node.learn(0n);
      for (let number = 1n; number <= 10n; number += 1n) node.block(number);
    }
    for (let number = 1n; number <= 9n; number += 1n) {
      await peer.shell.receiveCertificate(certificateOf(number));
    }
    for (const i of [0, 1]) await peer.shell.receiveAttestations([attest(i, claimAt(10n))]);
    const { sync } = syncWithTwin(gossip, late);
    sync.onPeerReady({ peerId: "peer" });
    await expect.poll(() => certifiedIds(late)).toEqual(certifiedIds(peer));
    const signed = (): unknown => {
      const height = late.shell.state().rollups.get(ROLLUP_ID)?.heights.get(10n);
      return [...(height?.pools.values() ?? [])].map((pool) => [...pool.verified.keys()]);
    };
    await expect.poll(signed).toEqual([[0, 1]]);
  });

  it("goes through short pages to the peer's head, each asked from the last one's end", async () => {
    const node = ready();
    const { sync, asked } = create(node, {
      head: 12n,
      certificates: (query) => pageOf(query, 12n, 5),
      attestations: () => [],
    });
    sync.onPeerReady({ peerId: "peer" });
    await expect.poll(() => [asked.attestations.length, asked.blamed]).toEqual([1, []]);
    expect(asked.certificates.map((each) => each.from)).toEqual([0n, 6n, 11n]);
    expect(Object.keys(certifiedIds(node))).toEqual([...Array(12).keys()].map((i) => `${i + 1}`));
  });

  it("asks for nothing below the open heights, nor again for what it has", async () => {
    const node = ready();
    const { sync, asked } = create(node, {
      head: 40n,
      certificates: (query) => pageOf(query, 40n),
      attestations: () => [],
    });
    sync.onPeerReady({ peerId: "peer" });
    await expect.poll(() => asked.attestations.length).toBe(1);
    sync.onPeerReady({ peerId: "peer" });
    await expect.poll(() => asked.attestations.length).toBe(2);
    expect(asked.certificates.map((each) => each.from)).toEqual([24n, 36n]);
  });

  it("asks for no certificate while no set is known here", async () => {
    const node = createEngineNode({ verifier: verifier() });
    const { sync, asked } = create(node, { head: 40n });
    sync.onPeerReady({ peerId: "peer" });
    sync.onPeerReady({ peerId: "other" });
    await expect.poll(() => asked.heads).toEqual(["peer", "other"]);
    expect([asked.certificates, asked.blamed]).toEqual([[], []]);
  });
});

describe("a peer that", () => {
  it.each<[string, Partial<Peer>, string]>([
    [
      "forges a certificate",
      { certificates: () => [{ ...certificateOf(2n), signature: certificateOf(3n).signature }] },
      "bad-signature",
    ],
    [
      "gives a height again and again",
      { certificates: () => [certificateOf(2n), certificateOf(2n)] },
      "unasked",
    ],
    [
      "gives another rollup's certificate",
      { certificates: () => [certify({ ...claimAt(2n), rollupId: 7n }, ALL)] },
      "unasked",
    ],
    [
      "forges an attestation",
      {
        certificates: () => [],
        attestations: () => [attest(0, claimAt(2n)), forge(1, claimAt(2n))],
      },
      "bad-signature",
    ],
  ])("%s is blamed and not asked on", async (_, peer, code) => {
    const { sync, asked } = create(ready(), { head: 9n, ...peer }, []);
    sync.onPeerReady({ peerId: "peer" });
    await expect.poll(() => asked.blamed).toEqual([`peer: ${code}`]);
    sync.onPeerReady({ peerId: "next" });
    await expect.poll(() => asked.heads).toEqual(["peer", "next"]);
    expect(asked.certificates.length).toBeLessThanOrEqual(2);
    expect(asked.faults).toEqual([]);
  });

  it("claims a head that nobody can have costs one empty answer", async () => {
    const { sync, asked } = create(ready(), { head: 2n ** 64n - 1n, certificates: () => [] });
    sync.onPeerReady({ peerId: "peer" });
    await expect.poll(() => asked.attestations.length).toBe(1);
    expect(asked.certificates).toHaveLength(1);
  });

  it("never comes to an end is left after a bounded number of pages", async () => {
    const node = createEngineNode({ verifier: verifier(), engine: { openHeights: 64 } });
    node.learn(0n);
    node.block(100n);
    // Of an epoch that no set is known for: nothing here proves it a lie.
    const claim = claimAt(120n);
    const signed = attest(0, claim);
    const { sync, asked } = create(node, {
      head: 2n ** 64n - 1n,
      certificates: ({ from }) => [
        { ...certificateOf(2n), claim: { ...claim, blockNumber: from } },
      ],
      attestations: ({ from, limit }) =>
        Array.from({ length: limit }, () => ({
          ...signed,
          claim: { ...claim, blockNumber: from },
        })),
    });
    sync.onPeerReady({ peerId: "peer" });
    sync.onPeerReady({ peerId: "next" });
    await expect.poll(() => asked.heads).toEqual(["peer", "next"]);
    await expect.poll(() => asked.attestations.length).toBe(64);
    expect([asked.certificates.length, asked.blamed]).toEqual([64, []]);
  });

  it("is slow loses its turn to the next when its time is over", async () => {
    const node = ready();
    const { sync, asked } = create(node, {
      head: 40n,
      certificates: (query) => pageOf(query, 40n, 1),
      onRequest: async () => {
        node.clock.now += 400;
      },
    });
    sync.onPeerReady({ peerId: "slow" });
    sync.onPeerReady({ peerId: "next" });
    await expect.poll(() => asked.heads).toEqual(["slow", "next"]);
    await expect.poll(() => asked.certificates.length).toBe(4);
    expect([asked.attestations, asked.blamed]).toEqual([[], []]);
  });

  it("has gone costs nothing", async () => {
    const { sync, asked } = create(ready());
    sync.onPeerReady({ peerId: "gone" });
    sync.onPeerReady({ peerId: "next" });
    await expect.poll(() => asked.heads).toEqual(["gone", "next"]);
    expect([asked.certificates, asked.attestations, asked.blamed]).toEqual([[], [], []]);
  });
});

describe("the queue", () => {
  it("holds each peer once, one at a time, and no more than its bound", async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { sync, asked } = create(ready(), { onRequest: () => gate }, []);
    for (let i = 0; i < 1_000; i++) {
      sync.onPeerReady({ peerId: `peer ${i}` });
      sync.onPeerReady({ peerId: `peer ${i}` });
    }
    expect(asked.heads).toHaveLength(1);
    open();
    await expect.poll(() => asked.heads.length).toBe(129);
  });

  it("has operators' peers first, with a place however many others wait", async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const peers = ["operator a", "operator b"];
    const { sync, asked } = create(ready(), { onRequest: () => gate }, peers);
    for (let i = 0; i < 1_000; i++) sync.onPeerReady({ peerId: `stranger ${i}` });
    for (const peerId of peers) sync.onPeerReady({ peerId });
    open();
    await expect.poll(() => asked.heads.length).toBe(129);
    expect(asked.heads.slice(0, 4)).toEqual(["stranger 0", ...peers, "stranger 3"]);
  });

  it("goes on after a turn that failed, and says so", async () => {
    const failure = new Error("a bug");
    let calls = 0;
    const { sync, asked } = create(ready(), {
      onRequest: async () => {
        calls += 1;
        if (calls === 1) throw failure;
      },
    });
    sync.onPeerReady({ peerId: "first" });
    await expect.poll(() => asked.faults).toEqual([failure]);
    sync.onPeerReady({ peerId: "second" });
    await expect.poll(() => asked.heads).toEqual(["first", "second"]);
  });

  it("asks the peers in turn once it is started, and nobody once it is stopped", async () => {
    const { sync, asked } = create(ready(), {}, ["a", "b", "c"]);
    sync.start();
    await expect.poll(() => asked.heads.slice(0, 4)).toEqual(["a", "b", "c", "a"]);
    sync.stop();
    const before = asked.heads.length;
    sync.onPeerReady({ peerId: "d" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked.heads.length).toBe(before);
  });

  it("drops what still comes once it is stopped", async () => {
    const node = ready();
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { sync, asked } = create(node, {
      head: 9n,
      certificates: (query) => pageOf(query, 9n),
      onRequest: () => (asked.certificates.length > 0 ? gate : Promise.resolve()),
    });
    sync.onPeerReady({ peerId: "peer" });
    await expect.poll(() => asked.certificates.length).toBe(1);
    sync.stop();
    open();
    await new Promise((resolve) => setImmediate(resolve));
    expect([certifiedIds(node), asked.attestations]).toEqual([{}, []]);
  });
});

function syncWithTwin(gossip: MemoryGossip, node: EngineNode) {
  const sync = createPeerSync(
    {
      gossip: gossip.syncPortOf("late"),
      engine: node.shell,
      onFault: (error) => {
        throw error;
      },
      now: () => node.clock.now,
    },
    { intervalMs: 1_000_000, overlap: 4, peerTimeoutMs: 1_000 },
  );
  started.push(sync);
  return { sync };
}

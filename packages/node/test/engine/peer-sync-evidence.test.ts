import { type Certificate, claimDigest, type Evidence } from "@mach/core";
import { afterEach, describe, expect, it } from "vitest";
import { certifiedHeads } from "../../src/engine/certified-heads.ts";
import { createPeerSync, type PeerSync, type PeerSyncPorts } from "../../src/engine/peer-sync.ts";
import type { EvidenceQuery, PositionedEvidence } from "../../src/gossip/handlers.ts";
import {
  certify,
  claimAt,
  createEngineNode,
  DOMAIN,
  doubleAttestation,
  type EngineNode,
  operatorAt,
  ROLLUP_ID,
  useVerifier,
} from "./engine-node.ts";
import { MemoryGossip } from "./memory-gossip.ts";

const verifier = useVerifier();
const started: PeerSync[] = [];
afterEach(() => {
  for (const sync of started.splice(0)) sync.stop();
});

function ready(): EngineNode {
  const node = createEngineNode({ verifier: verifier() });
  node.learn(0n);
  node.block(1n);
  return node;
}

function syncOf(node: EngineNode, gossip: PeerSyncPorts["gossip"]): PeerSync {
  const sync = createPeerSync(
    {
      ...{ gossip, engine: node.shell, now: () => node.clock.now },
      onFault: (error) => {
        throw error;
      },
    },
    { intervalMs: 1_000_000, overlap: 4, peerTimeoutMs: 1_000 },
  );
  started.push(sync);
  return sync;
}

const evidenceIn = async (node: EngineNode): Promise<readonly Evidence[]> =>
  (await node.store.listEvidence({ limit: 100 })).map((each) => each.evidence);

/** A peer that has nothing but evidence. */
function create(node: EngineNode, answer: (query: EvidenceQuery) => readonly PositionedEvidence[]) {
  const asked: EvidenceQuery[] = [];
  const blamed: string[] = [];
  const nothing = async () => ({ ok: true, items: [] }) as const;
  const sync = syncOf(node, {
    peers: () => [],
    requestHeads: nothing,
    requestCertificates: nothing,
    requestAttestations: nothing,
    async requestEvidence(_, query) {
      asked.push(query);
      return { ok: true, items: answer(query) };
    },
    requestSetUpdates: nothing,
    blame: (_, code) => blamed.push(code),
  });
  return { sync, asked, blamed, froms: () => asked.map((each) => each.from) };
}

const piece = (position: bigint, height = position + 1n): PositionedEvidence => ({
  position,
  evidence: doubleAttestation(0, height),
});

function conflictOf(...pair: readonly [Certificate, Certificate]): Evidence {
  const [lower, higher] = pair.toSorted((a, b) =>
    claimDigest(DOMAIN, a.claim) < claimDigest(DOMAIN, b.claim) ? -1 : 1,
  );
  if (lower === undefined || higher === undefined) throw new Error("unreachable");
  const operators = [1, 2, 3].map(operatorAt);
  const headers = [] as const;
  return {
    kind: "conflicting-certificates",
    rollupId: ROLLUP_ID,
    operators,
    lower,
    higher,
    headers,
  };
}

describe("a node that was away", () => {
  it("learns that certificates conflict, and serves neither as fast-final", async () => {
    const gossip = new MemoryGossip(1);
    const [peer, late] = [ready(), ready()];
    gossip.join("peer", peer);
    gossip.join("late", late);
    const [held, other] = [certify(claimAt(1n), [1, 2, 3]), certify(claimAt(1n, 1), [1, 2, 3])];
    await late.shell.receiveCertificate(held);
    expect(late.shell.state().rollups.get(ROLLUP_ID)?.newest).not.toBeNull();
    await peer.shell.receiveEvidence(conflictOf(held, other));
    await peer.shell.receiveEvidence(doubleAttestation(0, 1n));
    await peer.shell.settle();
    syncOf(late, gossip.syncPortOf("late")).onPeerReady({ peerId: "peer" });
    await expect.poll(async () => (await evidenceIn(late)).length).toBe(2);
    await expect.poll(() => late.shell.state().rollups.get(ROLLUP_ID)?.newest).toBeNull();
    expect(await evidenceIn(late)).toEqual(await evidenceIn(peer));
    const heads = [{ rollupId: ROLLUP_ID, blockNumber: 1n }];
    expect([certifiedHeads(peer.shell.state()), certifiedHeads(late.shell.state())]).toEqual([
      heads,
      heads,
    ]);
  });
});

describe("evidence from a peer", () => {
  it("is asked for page by page, and in later turns from where it ended", async () => {
    const node = ready();
    const all = [piece(0n), piece(3n), piece(4n), piece(9n)];
    const peer = create(node, ({ from }) =>
      all.filter((each) => each.position >= from).slice(0, 2),
    );
    peer.sync.onPeerReady({ peerId: "peer" });
    await expect.poll(peer.froms).toEqual([0n, 4n, 10n]);
    expect(await evidenceIn(node)).toHaveLength(4);
    peer.sync.onPeerReady({ peerId: "peer" });
    await expect.poll(peer.froms).toEqual([0n, 4n, 10n, 10n]);
    peer.sync.onPeerReady({ peerId: "another" });
    await expect.poll(() => peer.froms().slice(4)).toEqual([0n, 4n, 10n]);
    expect(peer.blamed).toEqual([]);
  });

  it("of an epoch without a set here is asked for again when sets have come", async () => {
    const node = ready();
    const later = piece(1n, 70n);
    const all = [piece(0n), later, piece(2n)];
    const peer = create(node, ({ from }) => all.filter((each) => each.position >= from));
    peer.sync.onPeerReady({ peerId: "peer" });
    await expect.poll(peer.froms).toEqual([0n, 3n]);
    expect(await evidenceIn(node)).toHaveLength(2);
    node.learn(1n);
    peer.sync.onPeerReady({ peerId: "peer" });
    await expect.poll(peer.froms).toEqual([0n, 3n, 1n, 3n]);
    expect(await evidenceIn(node)).toContainEqual(later.evidence);
  });

  it("that does not hold is blamed, and ends the turn", async () => {
    const node = ready();
    const { evidence } = piece(0n);
    if (evidence.kind !== "double-attestation") throw new Error("unreachable");
    const lie = { position: 0n, evidence: { ...evidence, second: evidence.first } };
    const peer = create(node, () => [lie, piece(1n)]);
    peer.sync.onPeerReady({ peerId: "peer" });
    await expect.poll(() => peer.blamed).toEqual(["not-conflicting"]);
    expect(await evidenceIn(node)).toEqual([]);
    expect(peer.asked).toHaveLength(1);
  });

  it("without an end costs a bounded number of pages in a turn", async () => {
    const node = ready();
    const peer = create(node, ({ from }) => [{ ...piece(0n), position: from }]);
    peer.sync.onPeerReady({ peerId: "peer" });
    await expect.poll(() => peer.asked.length).toBe(8);
    peer.sync.onPeerReady({ peerId: "peer" });
    await expect.poll(peer.froms).toHaveLength(16);
    expect(peer.blamed).toEqual([]);
  });

  it("is not asked for while no set is known, nor past the last position", async () => {
    const node = createEngineNode({ verifier: verifier() });
    const peer = create(node, () => [{ ...piece(0n), position: 2n ** 64n - 1n }]);
    peer.sync.onPeerReady({ peerId: "first" });
    await new Promise((resolve) => setImmediate(resolve));
    node.learn(0n);
    peer.sync.onPeerReady({ peerId: "second" });
    await expect.poll(() => peer.asked.length).toBe(1);
    peer.sync.onPeerReady({ peerId: "second" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.asked).toHaveLength(1);
  });
});

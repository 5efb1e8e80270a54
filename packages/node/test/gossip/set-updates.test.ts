import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSetUpdates, toSetUpdate } from "@mach/core";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { createPeerSync, type PeerSync } from "../../src/engine/peer-sync.ts";
import { createGossip, type Gossip } from "../../src/gossip/gossip.ts";
import {
  decodeSyncResponse,
  encodeSyncItems,
  type SyncRequest,
} from "../../src/gossip/sync-wire.ts";
import { decodeSetUpdate, encodeSetUpdate } from "../../src/gossip/wire.ts";
import {
  createEngineNode,
  DOMAIN,
  type EngineNode,
  operatorAt,
  signerOf,
  updateBy,
  useVerifier,
} from "../engine/engine-node.ts";
import { damaged } from "./arbitraries.ts";
import { CODEC, SILENT, setUpdateAt, DOMAIN as TEST_DOMAIN, until } from "./network.ts";

const verifier = useVerifier();
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

describe("a message", () => {
  it("comes back as it was written, and no damaged one is taken for another", () => {
    const update = setUpdateAt(2n ** 64n - 1n);
    const bytes = encodeSetUpdate(update);
    expect(decodeSetUpdate(bytes, TEST_DOMAIN)).toEqual(update);
    fc.assert(
      fc.property(damaged(bytes), (any) => {
        const decoded = decodeSetUpdate(any, TEST_DOMAIN);
        if (decoded !== null) expect(Buffer.compare(encodeSetUpdate(decoded), any)).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it("of no signer, or of several, is malformed: sums are asked for, not gossiped", () => {
    for (const signers of ["0x00", "0x03", "0x0101"] as const) {
      const bytes = encodeSetUpdate(setUpdateAt(1n, signers));
      expect(decodeSetUpdate(bytes, TEST_DOMAIN)).toBeNull();
    }
  });
});

describe("an answer to a request", () => {
  const request: SyncRequest = { kind: "set-updates", epoch: 5n, from: 2, limit: 4 };
  const decode = (...items: readonly ReturnType<typeof setUpdateAt>[]) =>
    decodeSyncResponse(encodeSyncItems({ kind: "set-updates", items }, 256), request, TEST_DOMAIN);

  it("brings what was asked for, ascending by epoch and signer", () => {
    const items = [setUpdateAt(5n, "0x04"), setUpdateAt(5n, "0x08"), setUpdateAt(6n, "0x07")];
    expect(decode(...items)).toEqual({ ok: true, kind: "set-updates", items });
  });

  it("is malformed where it goes back, repeats itself, or brings what was not asked for", () => {
    expect(decode(setUpdateAt(4n))).toBeNull();
    expect(decode(setUpdateAt(5n, "0x02"))).toBeNull();
    expect(decode(setUpdateAt(6n), setUpdateAt(5n))).toBeNull();
    expect(decode(setUpdateAt(6n), setUpdateAt(6n))).toBeNull();
    expect(decode(setUpdateAt(6n, "0x00"))).toBeNull();
    expect(decode(...[1n, 2n, 3n, 4n, 5n].map((at) => setUpdateAt(6n + at)))).toBeNull();
  });
});

interface Running {
  readonly node: EngineNode;
  readonly gossip: Gossip;
  /** Peers that said hello. */
  readonly ready: string[];
}

/** An operator's engine on real gossip, with what it missed asked from its peers. */
async function startOperator(index: number, bootNodes: readonly string[] = []): Promise<Running> {
  const dataDir = await mkdtemp(join(tmpdir(), "mach-set-updates-"));
  closers.push(() => rm(dataDir, { recursive: true, force: true }));
  const ready: string[] = [];
  const node = createEngineNode({
    verifier: verifier(),
    signer: signerOf(index),
    engine: { operator: operatorAt(index) },
    gossip: { publishSetUpdate: (update) => gossip.publishSetUpdate(update) },
  });
  node.clock.now = 1_070_000;
  const gossip = createGossip(
    {
      ...{ dataDir, domain: DOMAIN, host: "127.0.0.1", port: 0, bootNodes },
      ...{ now: Date.now, logger: SILENT },
    },
    {
      ...CODEC,
      onAttestations: (attestations, from) => node.shell.receiveAttestations(attestations, from),
      onCertificate: (certificate) => node.shell.receiveCertificate(certificate),
      onEvidence: (evidence) => node.shell.receiveEvidence(evidence),
      onSetUpdate: (update) => node.shell.receiveSetUpdate(update),
      verifyBinding: () => false,
      serveCertificates: () => [],
      serveAttestations: () => [],
      serveEvidence: () => [],
      serveSetUpdates: (query) => openSetUpdates(node.shell.state(), query),
      serveHeads: () => [],
      onPeerReady: (peer) => {
        ready.push(peer.peerId);
        sync.onPeerReady(peer);
      },
    },
  );
  const sync: PeerSync = createPeerSync(
    { gossip, engine: node.shell, onFault: (error) => expect.fail(String(error)), now: Date.now },
    { intervalMs: 60_000, overlap: 4, peerTimeoutMs: 10_000 },
  );
  closers.push(
    () => gossip.stop(),
    () => sync.stop(),
  );
  await gossip.start();
  return { node, gossip, ready };
}

it("two nodes on libp2p end with one update: of what they gossip and of what one missed", async () => {
  const left = await startOperator(3);
  left.node.learn(0n, 1n);
  // Heard before the other node was there: it comes by request alone.
  await left.node.shell.receiveSetUpdate(updateBy([1], 1n));
  const right = await startOperator(2, left.gossip.addresses());
  right.node.learn(0n, 1n);
  await until(() => left.ready.length > 0 && right.ready.length > 0);

  left.node.finalize(1n);
  right.node.finalize(1n);
  const held = ({ node }: Running) => node.shell.state().setUpdates.get(1n)?.held ?? null;
  await until(() => [left, right].every((each) => held(each)?.signers === "0x0e"));

  const expected = updateBy([1, 2, 3], 1n);
  for (const each of [left, right]) {
    await each.node.shell.settle();
    const update = held(each);
    expect(update && toSetUpdate(update)).toEqual(expected);
    expect(await each.node.store.setUpdateOf(1n)).toEqual(expected);
  }
  const missed = await right.gossip.requestSetUpdates(left.gossip.peerId(), {
    ...{ epoch: 0n, from: 0, limit: 1_000 },
  });
  expect(missed).toEqual({ ok: true, items: [expected] });
});

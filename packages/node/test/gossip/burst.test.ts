import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSetUpdates, type WireAttestation } from "@mach/core";
import { afterEach, expect, it } from "vitest";
import { createGossip, type Gossip } from "../../src/gossip/gossip.ts";
import { encodeAttestations } from "../../src/gossip/wire.ts";
import {
  attest,
  claimAt,
  createEngineNode,
  DOMAIN,
  type EngineNode,
  useVerifier,
} from "../engine/engine-node.ts";
import { CODEC, SILENT, until } from "./network.ts";
import { type RawPeer, startRawPeer } from "./raw-peer.ts";

const MESSAGES = 256;
const PER_MESSAGE = 64;

const verifier = useVerifier();
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Gossip whose handlers are a real engine's, with real signature checks. */
async function startVictim(node: EngineNode): Promise<Gossip> {
  const dataDir = await mkdtemp(join(tmpdir(), "mach-burst-"));
  closers.push(() => rm(dataDir, { recursive: true, force: true }));
  const gossip = createGossip(
    {
      ...{ dataDir, domain: DOMAIN, host: "127.0.0.1", port: 0, bootNodes: [] },
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
      onPeerReady: () => undefined,
    },
  );
  closers.push(() => gossip.stop());
  await gossip.start();
  return gossip;
}

async function joinNetwork(address: string): Promise<RawPeer> {
  const peer = await startRawPeer({}, DOMAIN);
  closers.push(() => peer.stop());
  await peer.greet(address);
  await until(() => peer.libp2p.services.pubsub.getSubscribers(peer.names.attestations).length > 0);
  return peer;
}

/** Messages of valid points that are nobody's signatures, each of other claims. */
function forgedMessages(): readonly Uint8Array[] {
  const { signature, operator } = attest(1, claimAt(3n));
  return Array.from({ length: MESSAGES }, (_, message) => {
    const forged: WireAttestation[] = Array.from({ length: PER_MESSAGE }, (_, i) => {
      const stateRoot = `0x${(message * PER_MESSAGE + i).toString(16).padStart(64, "0")}` as const;
      return { claim: { ...claimAt(2n), stateRoot }, operator, signature };
    });
    return encodeAttestations(forged);
  });
}

it("a burst of forgeries does not hold up an honest attestation, and its sender is gone", async () => {
  const node = createEngineNode({ verifier: verifier() });
  node.learn(0n);
  node.block(1n);
  const gossip = await startVictim(node);
  const address = gossip.addresses()[0] ?? "";
  const [abuser, honest] = [await joinNetwork(address), await joinNetwork(address)];
  const forged = forgedMessages();
  const { attestations } = abuser.names;
  const standing = () => gossip.peers().find((each) => each.peerId === honest.peerId);
  await until(() => standing() !== undefined);
  const scoreBefore = standing()?.score ?? Number.NaN;
  const before = verifier().statistics().attestations;
  const startedAt = performance.now();
  const sent = forged.map((data) =>
    abuser.libp2p.services.pubsub.publish(attestations, data).catch(() => undefined),
  );
  await until(() => verifier().statistics().attestations > before || gossip.peers().length < 2);
  const publishedAt = performance.now();
  await honest.publish(attestations, encodeAttestations([attest(0, claimAt(1n))]));
  const isCounted = (): boolean =>
    node.announced.some(
      (each) => each.type === "report" && each.report.code === "attestation-counted",
    );
  await until(isCounted);
  const countedMs = performance.now() - publishedAt;
  await until(() => gossip.stats().total["hung-up-banned"] === 1);
  const goneMs = performance.now() - startedAt;
  await until(() => gossip.peers().every((each) => each.peerId === honest.peerId));
  await Promise.all(sent);
  await node.shell.settle();
  const checked = verifier().statistics().attestations - before;
  const { total } = gossip.stats();
  process.stdout.write(
    `burst of ${MESSAGES} x ${PER_MESSAGE} forgeries: honest one counted in ` +
      `${countedMs.toFixed(0)} ms, abuser gone in ${goneMs.toFixed(0)} ms, ${checked} checked, ` +
      `${JSON.stringify(total)}\n`,
  );
  expect(countedMs).toBeLessThan(2_000);
  expect(checked).toBeLessThan(64);
  expect(gossip.peers().map((each) => each.peerId)).toEqual([honest.peerId]);
  expect(standing()?.strikes).toBe(0);
  expect(standing()?.score).toBeGreaterThanOrEqual(scoreBefore);
});

import { randomBytes } from "node:crypto";
import { encodeEvidence } from "@mach/api";
import { createNativeBls } from "@mach/bls";
import { claimDigest, type Evidence, type SetUpdate, toHex } from "@mach/core";
import type { SyncRequest } from "../../packages/node/src/gossip/sync-wire.ts";
import { networkNames } from "../../packages/node/src/gossip/topics.ts";
import { encodeEvidenceMessage, encodeSetUpdate } from "../../packages/node/src/gossip/wire.ts";
import { canonicalJson } from "../../packages/node/src/store/canonical-json.ts";
import { read } from "../e2e/api.ts";
import { type FloodFigure, flood } from "./flood.ts";
import type { Attacked } from "./member-attacks.ts";
import { signUpdateAs, startMemberPeer, strayPoints } from "./member-peer.ts";

const bls = createNativeBls();

/** Pieces of evidence against an honest operator, with signatures that nobody made. */
export async function floodEvidence(
  { arena, victim, member }: Attacked,
  size: { readonly perSecond: number; readonly durationMs: number },
): Promise<FloodFigure> {
  const { data } = await read(victim.apiUrl, "finality", { rollupId: arena.rollupId });
  const claim = data.certificate?.claim;
  const operator = arena.network.deployment.operators[0]?.address;
  if (claim === undefined || operator === undefined) throw new Error("nothing to accuse");
  const signatures = strayPoints(member, 16).map((point) => bls.compressSignature(point) ?? "0x");
  let count = 0;
  const next = (): Uint8Array => {
    count += 1;
    const signature = signatures[count % signatures.length] ?? "0x";
    const pair = [claim, { ...claim, stateRoot: toHex(randomBytes(32)) }]
      .sort((a, b) => (claimDigest(arena.domain, a) < claimDigest(arena.domain, b) ? -1 : 1))
      .map((each) => ({ claim: each, operator, signature }));
    const [first, second] = pair;
    if (first === undefined || second === undefined) throw new Error("no pair");
    const { rollupId, blockNumber } = claim;
    const kind = "double-attestation";
    const evidence: Evidence = { kind, rollupId, blockNumber, operator, first, second };
    return encodeEvidenceMessage(CODEC, evidence);
  };
  const topic = networkNames(arena.domain).evidence;
  const connect = () => startMemberPeer(arena, victim, member);
  return await flood({ topic, next, connect, ...size });
}

const CODEC = {
  encodeEvidence: (evidence: Evidence): Uint8Array =>
    Buffer.from(canonicalJson(encodeEvidence(evidence))),
  decodeEvidence: (): null => null,
};

/**
 * Signatures over hashes that L1 has not fixed: forged ones, and in between the member's own over
 * one false hash after the other.
 */
export async function floodSetUpdates(
  { arena, victim, member }: Attacked,
  size: { readonly perSecond: number; readonly durationMs: number },
): Promise<FloodFigure> {
  const { data: network } = await read(victim.apiUrl, "network", {});
  // The first sets are both of the state before the genesis: there is an update into epoch 1.
  const epoch =
    network.currentEpoch === null || network.currentEpoch < 1n ? 1n : network.currentEpoch;
  const { data: signing } = await read(victim.apiUrl, "operatorSet", { epoch: epoch - 1n });
  const index = signing.operators.findIndex((each) => each.operator === member.operator);
  const bits = new Uint8Array(Math.ceil(signing.operators.length / 8));
  bits[index >> 3] = 1 << (index & 7);
  const points = strayPoints(member, 64).map((point) => bls.compressSignature(point) ?? "0x");
  let count = 0;
  const next = (): Uint8Array => {
    count += 1;
    const update: Omit<SetUpdate, "signature"> = {
      ...{ version: 1, domain: arena.domain, epoch, operatorSetHash: toHex(randomBytes(32)) },
      ...{ signedBy: signing.operatorSetHash, signers: toHex(bits) },
    };
    const isForged = count % 2 === 0;
    const signature = isForged
      ? (points[count % points.length] ?? "0x")
      : signUpdateAs(arena, member, update);
    return encodeSetUpdate({ ...update, signature });
  };
  const topic = networkNames(arena.domain).setUpdates;
  const connect = () => startMemberPeer(arena, victim, null);
  return await flood({ topic, next, connect, ...size });
}

export interface RequestsFigure extends FloodFigure {
  readonly answered: number;
}

/** As many as may be open on a connection. */
const AT_ONCE = 8;

/** Requests for all that a node can be asked for, each as soon as the one before is answered. */
export async function floodRequests(
  { arena, victim, member }: Attacked,
  { durationMs }: { readonly durationMs: number },
): Promise<RequestsFigure> {
  const { rollupId } = arena;
  const [from, limit] = [0n, 256];
  const asked: readonly SyncRequest[] = [
    { kind: "certificates", rollupId, from, limit },
    { kind: "evidence", from, limit },
    { kind: "attestations", rollupId, from, limit },
    { kind: "set-updates", epoch: 0n, from: 0, limit },
    { kind: "heads" },
  ];
  const peer = await startMemberPeer(arena, victim, member);
  let [sent, answered] = [0, 0];
  const startedAt = performance.now();
  const elapsedMs = (): number => performance.now() - startedAt;
  const askOn = async (): Promise<void> => {
    while (elapsedMs() < durationMs && peer.isOpen()) {
      sent += 1;
      const request = asked[sent % asked.length];
      if (request !== undefined && (await peer.request(request))) answered += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOn));
  const perSecond = Math.round((sent * 1_000) / elapsedMs());
  await peer.stop();
  return { sent, perSecond, identities: 1, answered };
}

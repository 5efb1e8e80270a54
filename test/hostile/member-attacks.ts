import { randomBytes } from "node:crypto";
import { type Certificate, type Claim, toHex, type WireAttestation } from "@mach/core";
import { networkNames } from "../../packages/node/src/gossip/topics.ts";
import { encodeAttestations } from "../../packages/node/src/gossip/wire.ts";
import { read, until } from "../e2e/api.ts";
import type { Arena, ArenaNode, Member } from "./arena.ts";
import { certificateDelays, type FloodFigure, flood, medianOf } from "./flood.ts";
import { type Informant, startInformant } from "./informant.ts";
import { signAs, startMemberPeer, strayPoints } from "./member-peer.ts";

export interface Attacked {
  readonly arena: Arena;
  readonly victim: ArenaNode;
  readonly member: Member;
}

/** How much a flood put off certificates: both measured in turns, in the same run. */
export interface DelayFigure extends FloodFigure {
  readonly undisturbedMs: number;
  readonly floodedMs: number;
  readonly certificates: readonly [undisturbed: number, flooded: number];
}

const MAX_ABOVE = 200;

/**
 * Forgeries by peers that claim to be the member's, and by some that are bound to nobody: half of
 * them for slots that are new each time, half for the very claim that operators attest just now.
 */
export async function floodForgeries(
  { arena, victim, member }: Attacked,
  size: { readonly perSecond: number; readonly phaseMs: number; readonly rounds: number },
): Promise<DelayFigure> {
  const informant = await startInformant(arena, victim);
  const next = await forger({ arena, victim, member }, informant);
  let identity = 0;
  const connect = (): ReturnType<typeof startMemberPeer> => {
    identity += 1;
    return startMemberPeer(arena, victim, identity % 2 === 0 ? null : member);
  };
  const topic = networkNames(arena.domain).attestations;
  const { perSecond, phaseMs: durationMs } = size;
  const figure = await inTurns(victim, size, () =>
    flood({ topic, next, connect, perSecond, durationMs }),
  );
  await informant.stop();
  return figure;
}

/** Undisturbed and attacked phases in turns, so that whatever else runs is in both. */
export async function inTurns(
  victim: ArenaNode,
  size: { readonly phaseMs: number; readonly rounds: number },
  attack: () => Promise<FloodFigure>,
): Promise<DelayFigure> {
  const undisturbed: number[] = [];
  const flooded: number[] = [];
  const figures: FloodFigure[] = [];
  const phase = async (delays: number[], run: () => Promise<void>): Promise<void> => {
    const fromMs = Date.now();
    await run();
    delays.push(...certificateDelays(victim, { fromMs, toMs: Date.now() }));
  };
  for (let round = 0; round < size.rounds; round++) {
    await phase(undisturbed, () => pause(size.phaseMs));
    await phase(flooded, async () => {
      figures.push(await attack());
    });
  }
  const total = (pick: (each: FloodFigure) => number): number =>
    figures.reduce((sum, each) => sum + pick(each), 0);
  return {
    sent: total((each) => each.sent),
    perSecond: Math.round(total((each) => each.perSecond) / figures.length),
    identities: total((each) => each.identities),
    undisturbedMs: medianOf(undisturbed),
    floodedMs: medianOf(flooded),
    certificates: [undisturbed.length, flooded.length],
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function forger(
  { member }: Attacked,
  informant: Informant,
): Promise<() => Uint8Array> {
  const points = strayPoints(member, 256);
  await until("an attestation to be heard", async () => informant.newest());
  let count = 0;
  return () => {
    const claim = informant.newest();
    if (claim === null) throw new Error("no claim");
    count += 1;
    const signature = points[count % points.length] ?? new Uint8Array(192);
    const isSame = count % 2 === 0;
    const { operator } = member;
    return encodeAttestations([
      { claim: isSame ? claim : madeUp(claim, count), operator, signature },
    ]);
  };
}

/** A claim that nobody made, at a height that is open. */
export function madeUp(claim: Claim, count: number): Claim {
  const blockNumber = claim.blockNumber + BigInt(count % MAX_ABOVE) - BigInt(MAX_ABOVE / 4);
  return {
    ...claim,
    blockNumber: blockNumber < 0n ? claim.blockNumber : blockNumber,
    blockHash: toHex(randomBytes(32)),
    stateRoot: toHex(randomBytes(32)),
  };
}

/** Claims of the member's own signature, as many as fit a message. */
export function signedMessage({ arena, member }: Attacked, claims: readonly Claim[]): Uint8Array {
  const signed: readonly WireAttestation[] = claims.map((claim) => signAs(arena, member, claim));
  return encodeAttestations(signed);
}

/** What the victim keeps of a member that signs very many roots. */
export interface RootsFigure {
  readonly sent: number;
  readonly grownBytes: number;
  /** Pieces of evidence against the member: at the one height, and in all. */
  readonly piecesAtOne: number;
  readonly pieces: number;
}

const PER_MESSAGE = 64;

/** Valid signatures over roots that nobody made: half at one height, half at many. */
export async function signManyRoots(
  attacked: Attacked,
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
): Promise<RootsFigure> {
  const { arena, victim, member } = attacked;
  const informant = await startInformant(arena, victim);
  const one = await until("an attestation to be heard", async () => informant.newest());
  const before = victim.usage().rssBytes;
  let peer = await startMemberPeer(arena, victim, member);
  const topic = networkNames(arena.domain).attestations;
  let sent = 0;
  for (; sent < count; sent += PER_MESSAGE) {
    const isAtOne = sent < count / 2;
    const newest = informant.newest() ?? one;
    const claims = Array.from({ length: PER_MESSAGE }, (_, i) =>
      isAtOne ? { ...madeUp(one, 0), blockNumber: one.blockNumber } : madeUp(newest, sent / 2 + i),
    );
    const message = signedMessage(attacked, claims);
    // It subscribes to nothing: who takes part in no gossip is hung up on after a while.
    while (!(await peer.send(topic, message))) {
      await peer.stop();
      peer = await startMemberPeer(arena, victim, member);
    }
    await pause((PER_MESSAGE * 1_000) / perSecond);
  }
  const grownBytes = victim.usage().rssBytes - before;
  const pieces = await until("evidence of it", async () => {
    const found = await evidenceAgainst(victim, member);
    return found.includes(one.blockNumber) ? found : null;
  });
  await Promise.all([informant.stop(), peer.stop()]);
  const piecesAtOne = pieces.filter((height) => height === one.blockNumber).length;
  return { sent, grownBytes, piecesAtOne, pieces: pieces.length };
}

/** The heights of what a node keeps as evidence against a member. */
export async function evidenceAgainst(
  node: ArenaNode,
  { operator }: Member,
): Promise<readonly bigint[]> {
  const heights: bigint[] = [];
  for (let from = 0n; ; ) {
    const { data, next } = await read(node.apiUrl, "evidence", { from, limit: 100 });
    for (const each of data) {
      if ("operator" in each && each.operator === operator) heights.push(each.blockNumber);
    }
    if (next === null || data.length === 0) return heights;
    from = next;
  }
}

/**
 * Forged votes of the member for claims that are certified, and after them its valid one. Gives the
 * certificates that stand when their windows are over.
 */
export async function voteLate(
  attacked: Attacked,
  { heights, perHeight }: { readonly heights: number; readonly perHeight: number },
): Promise<{ readonly sent: number; readonly certificates: readonly Certificate[] }> {
  const { arena, victim, member } = attacked;
  const points = strayPoints(member, perHeight);
  const topic = networkNames(arena.domain).attestations;
  const { operator } = member;
  const claims: Claim[] = [];
  const peers: { stop(): Promise<void> }[] = [];
  let sent = 0;
  while (claims.length < heights) {
    const certified = await until("a new certificate", async () => {
      const { data } = await read(victim.apiUrl, "finality", { rollupId: arena.rollupId });
      const claim = data.certificate?.claim ?? null;
      return claims.some((each) => each.blockNumber === claim?.blockNumber) ? null : claim;
    });
    claims.push(certified);
    const [forger, honest] = await Promise.all([
      startMemberPeer(arena, victim, null),
      startMemberPeer(arena, victim, null),
    ]);
    for (const signature of points) {
      const forged = encodeAttestations([{ claim: certified, operator, signature }]);
      if (await forger.send(topic, forged)) sent += 1;
    }
    await honest.send(topic, signedMessage(attacked, [certified]));
    peers.push(forger, honest);
  }
  await pause(WINDOW_MS);
  await Promise.all(peers.map((peer) => peer.stop()));
  const certificates = await Promise.all(
    claims.map(async ({ rollupId, blockNumber }) => {
      const { data } = await read(victim.apiUrl, "certificate", { rollupId, blockNumber });
      return data;
    }),
  );
  return { sent, certificates };
}

/** The improvement window of a certificate, and some more. */
const WINDOW_MS = 3_000;

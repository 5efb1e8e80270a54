import { createNativeBls } from "@mach/bls";
import { bitfieldIndices, verifyCertificate } from "@mach/core";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { THRESHOLD_BPS } from "../../scripts/local-network/parameters.ts";
import { read, until } from "../e2e/api.ts";
import { printFigure, startArena, wholeOr } from "./arena.ts";
import {
  type Attacked,
  type DelayFigure,
  evidenceAgainst,
  floodForgeries,
  inTurns,
  signManyRoots,
  voteLate,
} from "./member-attacks.ts";
import { floodEvidence, floodRequests, floodSetUpdates } from "./member-requests.ts";
import { overload } from "./overload.ts";

/*
 * What an operator can do with its own key to a node of another one. Ratios are asserted where the
 * whole count is sent: on a busy machine a few blocks have no median.
 */

vi.setConfig({ testTimeout: wholeOr(240_000, 1_800_000) });

const MiB = 1_048_576;
const MAX_EVIDENCE_OF_ONE = 256;
const isWhole = wholeOr(0, 1) === 1;
const bls = createNativeBls();

let attacked: Attacked;
beforeAll(async () => {
  const arena = await startArena({ members: 4 });
  attacked = { arena, victim: arena.node("operator-1"), member: arena.member(0) };
});
afterAll(async () => {
  await attacked?.arena.stop();
});

/** Each attack has a member of its own: what one did is not held against the next. */
const by = (index: number): Attacked => ({ ...attacked, member: attacked.arena.member(index) });

function printDelay(attack: string, figure: DelayFigure, bound: string): void {
  const { sent, perSecond, identities, undisturbedMs, floodedMs } = figure;
  const ratio = (floodedMs / undisturbedMs).toFixed(2);
  printFigure({
    attack,
    count: `${sent} at ${perSecond}/s, ${identities} identities`,
    figure: `certificates after ${ratio} of their undisturbed median (${figure.certificates.join(" and ")})`,
    bound,
  });
}

it("forged votes late do not spoil a certificate, and a valid one joins it", async () => {
  const late = by(0);
  const { arena, victim, member } = late;
  const counts = { heights: wholeOr(2, 20), perHeight: wholeOr(20, 200) };
  const { sent, certificates } = await voteLate(late, counts);
  let joined = 0;
  for (const certificate of certificates) {
    const { epoch } = certificate.claim;
    const { data: operatorSet } = await read(victim.apiUrl, "operatorSet", { epoch });
    const context = { operatorSet, thresholdBps: THRESHOLD_BPS, domain: arena.domain };
    expect(verifyCertificate(bls, certificate, context)).toMatchObject({ ok: true });
    const index = operatorSet.operators.findIndex((each) => each.operator === member.operator);
    if (bitfieldIndices(certificate.signers).includes(index)) joined += 1;
  }
  // Where the machine is slow, a window may be over before the vote was checked.
  if (isWhole) expect(joined).toBeGreaterThan(0);
  printFigure({
    attack: "forged votes after the quorum",
    count: sent,
    figure: `${certificates.length} certificates verify, the valid late vote is in ${joined}`,
    bound: "every certificate verifies",
  });
});

it("a member that signs very many roots is convicted once for each height", async () => {
  const roots = by(1);
  const count = wholeOr(1_280, 100_000);
  const figure = await signManyRoots(roots, { count, perSecond: wholeOr(1_000, 4_000) });
  printFigure({
    attack: "valid signatures over made-up roots",
    count: figure.sent,
    figure: `${figure.piecesAtOne} piece at one height, ${figure.pieces} in all, RSS ${(figure.grownBytes / MiB).toFixed(0)} MB more`,
    bound: `1 piece for a height, ${MAX_EVIDENCE_OF_ONE} in all, 150 MB`,
  });
  expect(figure.piecesAtOne).toBe(1);
  expect(figure.pieces).toBeLessThanOrEqual(MAX_EVIDENCE_OF_ONE);
  if (isWhole) expect(figure.grownBytes).toBeLessThan(150 * MiB);
  await roots.arena.untilProgress(roots.victim);
});

it("forged set updates are refused, and false ones convict their signer once", async () => {
  const updates = by(2);
  const size = { perSecond: wholeOr(200, 1_000), durationMs: wholeOr(1_000, 20_000) };
  const { sent, identities } = await floodSetUpdates(updates, size);
  await updates.arena.untilProgress(updates.victim);
  const { operator } = updates.member;
  const pieces = await until("evidence of it", async () => {
    const { data } = await read(updates.victim.apiUrl, "evidence", { limit: 100 });
    const found = data.filter(
      (each) => each.kind === "false-set-update" && each.operators.includes(operator),
    );
    return found.length > 0 ? found : null;
  });
  printFigure({
    attack: "hostile set updates",
    count: `${sent}, ${identities} identities`,
    figure: `${pieces.length} piece of evidence`,
    bound: "1",
  });
  expect(pieces).toHaveLength(1);
});

it("forged evidence convicts nobody", async () => {
  const accuser = by(3);
  const size = { perSecond: wholeOr(200, 1_000), durationMs: wholeOr(1_000, 20_000) };
  const { sent, identities } = await floodEvidence(accuser, size);
  await accuser.arena.untilProgress(accuser.victim);
  const accused = accuser.arena.network.deployment.operators[0]?.address ?? "0x";
  const found = await evidenceAgainst(accuser.victim, { ...accuser.member, operator: accused });
  printFigure({
    attack: "forged evidence",
    count: `${sent}, ${identities} identities`,
    figure: `${found.length} pieces kept`,
    bound: "0",
  });
  expect(found).toEqual([]);
});

it("a member's requests without end leave certificates on time", async () => {
  const size = { phaseMs: wholeOr(2_000, 30_000), rounds: wholeOr(1, 2) };
  let answered = 0;
  const figure = await inTurns(attacked.victim, size, async () => {
    const of = await floodRequests(by(3), { durationMs: size.phaseMs });
    answered += of.answered;
    return of;
  });
  printDelay(`requests without end, ${answered} answered`, figure, "2.00");
  if (isWhole) expect(figure.floodedMs).toBeLessThan(2 * figure.undisturbedMs);
});

it("a flood of forged signatures leaves certificates on time", async () => {
  const size = { perSecond: wholeOr(2_000, 4_000), phaseMs: wholeOr(3_000, 30_000) };
  const figure = await floodForgeries(by(0), { ...size, rounds: wholeOr(1, 2) });
  printDelay("forged signatures by a member and by strangers", figure, "2.00");
  await attacked.arena.untilProgress(attacked.victim);
  if (isWhole) expect(figure.floodedMs).toBeLessThan(2 * figure.undisturbedMs);
});

it("an overloaded node recovers by itself, and has punished nobody honest", async () => {
  const figure = await overload(by(1), { durationMs: wholeOr(3_000, 60_000) });
  const { sent, perSecond, capacity, recoveredMs, operators } = figure;
  printFigure({
    attack: "overload",
    count: `${sent} at ${(perSecond / capacity).toFixed(1)} times the capacity, ${figure.identities} identities`,
    figure: `next certificate after ${(recoveredMs / 1_000).toFixed(1)} s, operators' peers ${operators.join(" and ")}`,
    bound: "5 s, the same peers",
  });
  // The member's own peers have come and gone.
  expect(operators[1]).toBeGreaterThanOrEqual(OTHER_OPERATORS);
  if (isWhole) expect(recoveredMs).toBeLessThan(5_000);
});

/** That run, beside the victim. */
const OTHER_OPERATORS = 3;

import { createNativeBls } from "@mach/bls";
import {
  type AttestationAgainstCertificate,
  type Claim,
  claimDigest,
  type Evidence,
  type Hex,
  keccak256,
  uintWord,
} from "@mach/core";
import { encodeRlp } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  countOpenConvictions,
  estimateSubmission,
  type PreparedSubmission,
  performSubmission,
  prepareSubmission,
  readSlasherTerms,
  type SubmissionReport,
} from "../src/index.ts";
import { mined } from "./anvil.ts";
import { EPOCH_SECONDS, UNIT, WEIGHTS } from "./network.ts";
import {
  CHALLENGE_SECONDS,
  SETTLED,
  type SetSigner,
  type SlasherNetwork,
  STRICT,
  signersOf,
  slasherAt,
  startSlasherNetwork,
  UNSETTLED,
} from "./slasher-network.ts";

const bls = createNativeBls();
const ALL = [0, 1, 2, 3];

let network: SlasherNetwork;
let first: SetSigner;
let second: SetSigner;

beforeAll(async () => {
  network = await startSlasherNetwork();
  first = await signersOf(network, 1n);
  second = await signersOf(network, 2n);
}, 120_000);

afterAll(() => network?.stop());

/** Those that the vault has not paid for yet. */
async function openConvictions(operator: Hex): Promise<number | null> {
  const { provider } = network.signer;
  return provider && (await countOpenConvictions(provider, network.vault, operator));
}

function claimAt(blockNumber: bigint, change: Partial<Claim> = {}): Claim {
  const epoch = change.epoch ?? 1n;
  return {
    rollupId: SETTLED,
    blockNumber,
    blockHash: keccak256(uintWord(blockNumber)),
    stateRoot: uintWord(1),
    outputRoot: uintWord(2),
    timestamp: network.genesisTime + epoch * EPOCH_SECONDS,
    epoch,
    verification: 1,
    ...change,
  };
}

function operatorAt(index: number): Hex {
  return first.operatorSet.operators[index]?.operator ?? "0x";
}

function doubleAttestation(index: number, blockNumber: bigint): Evidence {
  const operator = operatorAt(index);
  const claims = [claimAt(blockNumber), claimAt(blockNumber, { stateRoot: uintWord(9) })];
  const signed = claims
    .map((claim) => ({ claim, digest: claimDigest(network.domain, claim) }))
    .toSorted((left, right) => (left.digest < right.digest ? -1 : 1))
    .map(({ claim, digest }) => ({ claim, operator, signature: first.sign(index, digest) }));
  const [one, other] = signed;
  if (one === undefined || other === undefined) throw new Error("two claims");
  const { rollupId } = one.claim;
  const kind = "double-attestation";
  return { kind, rollupId, blockNumber, operator, first: one, second: other };
}

/** Operator 1 attests to another claim than that of a certificate by three of the four. */
function againstCertificate(blockNumber: bigint, rollupId: bigint): AttestationAgainstCertificate {
  const certificate = first.certificate(claimAt(blockNumber, { rollupId }), [1, 2, 3]);
  const claim = claimAt(blockNumber, { rollupId, stateRoot: uintWord(9) });
  const signature = first.sign(1, claimDigest(network.domain, claim));
  const operator = operatorAt(1);
  const attestation = { claim, operator, signature };
  const kind = "attestation-against-certificate";
  return { kind, rollupId, blockNumber, operator, attestation, certificate };
}

/** Two certificates at one height, the one with the smaller digest first. */
function oneHeight(blockNumber: bigint): Evidence {
  const [lower, higher] = [claimAt(blockNumber), claimAt(blockNumber, { stateRoot: uintWord(9) })]
    .map((claim) => first.certificate(claim, ALL))
    .toSorted((left, right) => {
      const [a, b] = [left, right].map((each) => claimDigest(network.domain, each.claim));
      return (a ?? "") < (b ?? "") ? -1 : 1;
    });
  if (lower === undefined || higher === undefined) throw new Error("two certificates");
  // The last one is guilty as well, whether the document says so or not.
  const operators = ALL.slice(0, 3).map(operatorAt);
  const kind = "conflicting-certificates";
  return { kind, rollupId: SETTLED, operators, lower, higher, headers: [] };
}

/** A charge: a branch of so many headers, which does not hold the lower certificate's block. */
function branch(options: {
  readonly at: bigint;
  readonly length: number;
  readonly extraBytes: number;
  readonly rollupId?: bigint;
}): Evidence {
  const { at, length, extraBytes, rollupId = SETTLED } = options;
  const headers: Hex[] = [];
  let parent: Hex = keccak256("0x0badb10c");
  for (let i = 0; i < length; i++) {
    const fields = [parent, `0x${"11".repeat(32)}`, `0x${"22".repeat(extraBytes)}`];
    const header = encodeRlp(fields) as Hex;
    headers.unshift(header);
    parent = keccak256(header);
  }
  const claims = [
    claimAt(at, { rollupId }),
    claimAt(at + BigInt(length), { rollupId, blockHash: parent, epoch: 2n }),
  ] as const;
  const lower = first.certificate(claims[0], [1, 2, 3]);
  const higher = second.certificate(claims[1], [0, 2, 3]);
  const operators = [2, 3].map(operatorAt);
  return { kind: "conflicting-certificates", rollupId, operators, lower, higher, headers };
}

async function prepare(evidence: Evidence): ReturnType<typeof prepareSubmission> {
  const { provider } = network.signer;
  if (provider === null) throw new Error("no provider");
  const opened = await readSlasherTerms(provider, network.slasher);
  if (!opened.ok) throw new Error(opened.code);
  const dependencies = { bls, provider, readSet: network.reader.readOperatorSet };
  return await prepareSubmission(dependencies, { terms: opened.terms, evidence });
}

async function prepared(evidence: Evidence): Promise<PreparedSubmission> {
  const result = await prepare(evidence);
  if (!result.ok) throw new Error(`${result.code} ${JSON.stringify(result, (_, v) => `${v}`)}`);
  return result.submission;
}

async function perform(submission: PreparedSubmission): Promise<SubmissionReport> {
  const { signer } = network;
  const { provider } = signer;
  if (provider === null) throw new Error("no provider");
  const result = await performSubmission(submission, {
    signer,
    provider,
    timeoutMs: 60_000,
    onStep: () => undefined,
  });
  if (!result.ok) throw new Error(`${result.code} ${result.error} in ${result.step.action}`);
  return result.report;
}

const actionsOf = (submission: PreparedSubmission): readonly string[] =>
  submission.steps.map((step) => step.action);

describe("evidence of a double attestation", () => {
  it("convicts and takes, and says beforehand what it will take", async () => {
    const submission = await prepared(doubleAttestation(0, 10n));
    expect(actionsOf(submission)).toEqual(["report", "collect"]);
    const stake = (WEIGHTS[0] ?? 0n) * UNIT;
    const operator = operatorAt(0);
    const weight = first.operatorSet.operators[0]?.weight ?? 0n;
    expect(submission.expected).toMatchObject([
      { operator, source: network.vault, preview: { ok: true, asset: network.asset } },
    ]);
    const [{ preview } = { preview: undefined }] = submission.expected;
    expect(preview?.ok && preview.assets).toBe((weight * UNIT) / 10n);
    const { provider } = network.signer;
    const gas = provider && (await estimateSubmission(provider, submission));
    expect(gas).toMatchObject({ ok: true, gas: [expect.any(BigInt), null] });
    const report = await perform(submission);
    const reporter = network.signer.address.toLowerCase();
    expect(report).toMatchObject({
      convictions: [{ operator, reporter }],
      takings: [
        {
          source: network.vault,
          asset: network.asset,
          received: (weight * UNIT) / 10n,
          reporterShare: (weight * UNIT) / 100n,
        },
      ],
      refusals: [],
      challengeEnd: null,
    });
    expect(stake).toBeGreaterThan(0n);
    expect(await prepare(doubleAttestation(0, 10n))).toEqual({
      ok: false,
      code: "already-convicted",
    });
  });

  it("goes on where a run before it stopped", async () => {
    const submission = await prepared(doubleAttestation(0, 11n));
    const [report] = submission.steps;
    if (report === undefined) throw new Error("no step");
    expect(await openConvictions(operatorAt(0))).toBe(0);
    await perform({ ...submission, steps: [report] });
    expect(await openConvictions(operatorAt(0))).toBe(1);
    expect(await openConvictions(operatorAt(3))).toBe(0);
    expect(actionsOf(await prepared(doubleAttestation(0, 11n)))).toEqual(["collect"]);
  });

  it("is not sent where it proves nothing", async () => {
    const evidence = doubleAttestation(1, 12n);
    if (evidence.kind !== "double-attestation") throw new Error("another kind");
    const signature = first.sign(0, claimDigest(network.domain, evidence.first.claim));
    const forged = { ...evidence, first: { ...evidence.first, signature } };
    expect(await prepare(forged)).toEqual({ ok: false, code: "bad-signature" });
    const unknown = claimAt(12n, { epoch: 7n });
    expect(await prepare({ ...evidence, first: { ...evidence.first, claim: unknown } })).toEqual({
      ok: false,
      code: "operator-set-unavailable",
      epoch: 7n,
      cause: "not-fixed",
    });
  });
});

describe("evidence of other kinds", () => {
  it("convicts of an attestation against a certificate", async () => {
    const evidence = againstCertificate(20n, SETTLED);
    const report = await perform(await prepared(evidence));
    expect(report.convictions).toMatchObject([{ operator: evidence.operator }]);
    expect(report.takings).toHaveLength(1);
  });

  it("is not sent of another network, of no rollup, or below its rollup's threshold", async () => {
    const evidence = againstCertificate(23n, STRICT);
    expect(await prepare(evidence)).toEqual({ ok: false, code: "below-threshold" });
    expect(await prepare(againstCertificate(23n, 999n))).toEqual({
      ok: false,
      code: "unknown-rollup",
    });
    const { certificate } = evidence;
    const domain = { ...network.domain, chainId: 1n };
    expect(await prepare({ ...evidence, certificate: { ...certificate, domain } })).toEqual({
      ok: false,
      code: "other-network",
    });
  });

  it("convicts all signers of two certificates at one height, in one report", async () => {
    const evidence = oneHeight(21n);
    const submission = await prepared(evidence);
    expect(actionsOf(submission)).toEqual(["report", ...ALL.map(() => "collect")]);
    const report = await perform(submission);
    expect(report.convictions.map((each) => each.operator)).toEqual(ALL.map(operatorAt));
    expect(report.takings).toHaveLength(4);
    expect(report.challengeEnd).toBeNull();
    expect(await prepare(evidence)).toMatchObject({ code: "already-convicted" });
  });

  it("goes on with a conflict at one height that is on record", async () => {
    const evidence = oneHeight(22n);
    const submission = await prepared(evidence);
    const [step] = submission.steps;
    if (step?.action !== "report") throw new Error("no report");
    const { call } = step;
    const record = { ...call, args: [...call.args.slice(0, 2), []] };
    await perform({ ...submission, steps: [{ action: "report", call: record }] });
    const again = await prepared(evidence);
    expect(actionsOf(again)).toEqual(["convict", ...ALL.map(() => "collect")]);
    expect((await perform(again)).convictions).toHaveLength(4);
  });

  it("convicts of a false set update, by few signers and by most", async () => {
    const registryHash = second.operatorSet.operatorSetHash;
    for (const [indices, method] of [
      [[1, 2], "reportFalseSetUpdateBy"],
      [[0, 2, 3], "reportFalseSetUpdate"],
    ] as const) {
      const update = first.setUpdate(2n, uintWord(7), indices);
      const operators = indices.map(operatorAt);
      // Who is not named is convicted all the same.
      const named = { operators: operators.slice(1), update, registryHash };
      const evidence = { kind: "false-set-update", ...named } as const;
      const submission = await prepared(evidence);
      expect(submission.steps[0]).toMatchObject({ action: "report", call: { method } });
      const report = await perform(submission);
      expect(report.convictions.map((each) => each.operator)).toEqual(operators);
      expect(report.refusals).toEqual([]);
      expect(report.takings).toHaveLength(submission.expected.length);
    }
  });
});

describe("a charge", () => {
  it("is proved over several transactions, waits, and then convicts", {
    timeout: 60_000,
  }, async () => {
    await network.warpTo(2n, 1n);
    const evidence = branch({ at: 40n, length: 20, extraBytes: 8_000 });
    const submission = await prepared(evidence);
    expect(actionsOf(submission)).toEqual(["charge", "walk", "prove"]);
    expect(submission.isCharge).toBe(true);
    await perform({ ...submission, steps: submission.steps.slice(0, 2) });
    const rest = await prepared(evidence);
    expect(actionsOf(rest)).toEqual(["prove"]);
    const charged = await perform(rest);
    expect(charged).toMatchObject({ convictions: [], takings: [] });
    const until = charged.challengeEnd ?? 0n;
    expect(await prepare(evidence)).toEqual({ ok: false, code: "challenge-open", until });
    await network.warpTo(2n, 2n * CHALLENGE_SECONDS);
    const due = await prepared(evidence);
    expect(actionsOf(due)).toEqual(["convict", "collect", "collect"]);
    const report = await perform(due);
    expect(report.convictions.map((each) => each.operator)).toEqual([2, 3].map(operatorAt));
  });

  it("that took an excused one's place is as far proved as that one was", async () => {
    // Three certificates of one branch: the one in the middle excuses the one on top.
    const top = branch({ at: 60n, length: 3, extraBytes: 60_000 });
    if (top.kind !== "conflicting-certificates") throw new Error("another kind");
    const [above = "0x", ...below] = top.headers;
    const blockHash = keccak256(below[0] ?? "0x");
    const claim = { ...top.higher.claim, blockNumber: 62n, blockHash };
    const middle = { ...top, higher: second.certificate(claim, [0, 2, 3]), headers: below };
    const charged = await prepared(top);
    const [opening] = (await prepared(middle)).steps;
    if (opening?.action !== "charge") throw new Error("no charge");
    const slasher = slasherAt(network);
    const { charge, accused } = charged.evidence;
    const excuse = [charge?.chargeId, opening.call.args[1], 0, [above]];
    await perform(charged);
    await mined(await slasher.getFunction("excuseByCertificate").send(...excuse));
    expect(accused.map((each) => each.operator)).toEqual(top.operators);
    expect(await prepare(top)).toEqual({ ok: false, code: "charge-void" });
    expect(await prepare(middle)).toMatchObject({ ok: false, code: "challenge-open" });
  });

  it("needs a rollup whose settlement L1 can read", async () => {
    const evidence = branch({ at: 40n, length: 1, extraBytes: 1, rollupId: UNSETTLED });
    expect(await prepare(evidence)).toEqual({ ok: false, code: "no-settlement" });
  });
});

describe("evidence that comes late", () => {
  it("is refused when its window is over, and what is convicted is still taken", async () => {
    const half = await prepared(doubleAttestation(2, 50n));
    await perform({ ...half, steps: half.steps.slice(0, 1) });
    await network.warpTo(8n, 0n);
    expect(await prepare(doubleAttestation(1, 50n))).toMatchObject({ code: "window-over" });
    const rest = await prepared(doubleAttestation(2, 50n));
    expect(actionsOf(rest)).toEqual(["collect"]);
    expect((await perform(rest)).takings).toHaveLength(1);
    const conviction = await slasherAt(network).getFunction("conviction")(
      rest.evidence.accused[0]?.convictionId,
    );
    expect(conviction).toBeDefined();
  });
});

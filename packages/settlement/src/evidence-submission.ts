import type { Evidence, Hex } from "@mach/core";
import { Contract, type Provider, type Signer } from "ethers";
import { EIGEN_LAYER_SOURCE_ABI } from "./abi/eigen-layer-source.ts";
import { EVIDENCE_VERIFIER_ABI } from "./abi/evidence-verifier.ts";
import { HEADER_WALKS_ABI } from "./abi/header-walks.ts";
import { SLASHER_ABI } from "./abi/slasher.ts";
import { STAKE_VAULT_ABI } from "./abi/stake-vault.ts";
import type { Accusation, EncodedEvidence } from "./evidence-calldata.ts";
import {
  checkEvidence,
  type EvidenceCheck,
  type ReadSet,
  type SubmissionBls,
} from "./evidence-check.ts";
import { planSubmission, type SubmissionRefusal, type SubmissionStep } from "./evidence-plan.ts";
import { type Expectation, inBatches, readExpected, readState } from "./evidence-state.ts";
import { createSlasherReader, type SlasherTerms } from "./slasher-reader.ts";
import { estimate, type TransactionFailure, transact, transactionFailure } from "./transaction.ts";

/** What is left to do about evidence that has been checked. */
export interface PreparedSubmission {
  readonly terms: SlasherTerms;
  readonly evidence: EncodedEvidence;
  readonly steps: readonly SubmissionStep[];
  /** The steps end in a charge, and nobody is convicted before its challenge window is over. */
  readonly isCharge: boolean;
  /** Of every operator at every source from which has not been taken for this. */
  readonly expected: readonly Expectation[];
}

export type PrepareResult =
  | { readonly ok: true; readonly submission: PreparedSubmission }
  | Exclude<EvidenceCheck, { ok: true }>
  | SubmissionRefusal
  /** The L1 cannot be asked. */
  | TransactionFailure;

/** What was taken from one source. */
export interface Taking extends Accusation {
  readonly source: Hex;
  /** Null where it does not pass through the Slasher. */
  readonly asset: Hex | null;
  /** In base units of the asset. */
  readonly received: bigint;
  readonly reporterShare: bigint;
}

/** What a submission has come to. */
export interface SubmissionReport {
  /** Of the operators that are convicted now, by whom the evidence was brought first. */
  readonly convictions: readonly (Accusation & { readonly reporter: Hex })[];
  readonly takings: readonly Taking[];
  /** Sources that refused; the rest was taken all the same. Run it again later. */
  readonly refusals: readonly (Accusation & {
    readonly source: Hex;
    readonly failure: TransactionFailure;
  })[];
  /** Until when a charge can be challenged, inclusive, in seconds; null without a proved one. */
  readonly challengeEnd: bigint | null;
}

export type PerformResult =
  | { readonly ok: true; readonly report: SubmissionReport }
  /** A transaction failed, and what comes after it was not sent; what came before it stands. */
  | (TransactionFailure & { readonly step: SubmissionStep });

export interface SubmissionDependencies {
  readonly bls: SubmissionBls;
  readonly provider: Provider;
  /** Sets as the registry fixed them: the answer is trusted. */
  readonly readSet: ReadSet;
}

/** With the errors of whatever the Slasher calls, so that a refusal has its name. */
const ABI: readonly object[] = [
  ...SLASHER_ABI,
  ...errorsOf([EVIDENCE_VERIFIER_ABI, HEADER_WALKS_ABI, STAKE_VAULT_ABI, EIGEN_LAYER_SOURCE_ABI]),
];

/**
 * Checks evidence under the registry's sets and says what is left to do about it on L1. Sends
 * nothing. Never rejects.
 */
export async function prepareSubmission(
  dependencies: SubmissionDependencies,
  request: { readonly terms: SlasherTerms; readonly evidence: Evidence },
): Promise<PrepareResult> {
  const { bls, provider, readSet } = dependencies;
  const { terms, evidence } = request;
  const reader = createSlasherReader(provider, terms.slasher);
  try {
    const checked = await checkEvidence({ bls, reader, terms, readSet }, evidence);
    if (!checked.ok) return checked;
    const { encoded, hasSettlement } = checked;
    const state = { ...(await readState(reader, terms, encoded)), hasSettlement };
    const plan = planSubmission(encoded, terms, state);
    if (!plan.ok) return plan;
    const expected = await readExpected({ reader, terms, state }, encoded);
    const { steps, isCharge } = plan;
    return {
      ok: true,
      submission: { terms, evidence: encoded, steps, isCharge, expected },
    };
  } catch (error) {
    return transactionFailure(error, contractAt(terms.slasher, provider).interface);
  }
}

/**
 * The gas of each step; null where it cannot be told before an earlier one is in a block. A failure
 * where the contract would refuse a step that could be sent now. Never rejects.
 */
export async function estimateSubmission(
  provider: Provider,
  submission: PreparedSubmission,
  from?: string,
): Promise<{ readonly ok: true; readonly gas: readonly (bigint | null)[] } | TransactionFailure> {
  const gas: (bigint | null)[] = [];
  for (const [index, step] of submission.steps.entries()) {
    if (index > 0 && step.action !== "report") {
      gas.push(null);
      continue;
    }
    const call = toCall(step, submission, provider);
    const estimated = await estimate({ ...call, overrides: from === undefined ? {} : { from } });
    if (!estimated.ok) return estimated;
    gas.push(estimated.gas);
  }
  return { ok: true, gas };
}

/** A step as a transaction, for whoever sends it by other means. */
export function transactionOf(
  step: SubmissionStep,
  submission: PreparedSubmission,
): { readonly to: Hex; readonly data: string } {
  const { contract, method, args } = toCall(step, submission, null);
  const { headerWalks, slasher } = submission.terms;
  const data = contract.interface.encodeFunctionData(method, args);
  return { to: step.action === "walk" ? headerWalks : slasher, data };
}

/** Sends the transactions of a submission one after the other. Never rejects. */
export async function performSubmission(
  submission: PreparedSubmission,
  options: {
    readonly signer: Signer;
    /** The signer's own. */
    readonly provider: Provider;
    /** Of each transaction. */
    readonly timeoutMs: number;
    readonly onStep: (step: SubmissionStep, transactionHash: Hex) => void;
  },
): Promise<PerformResult> {
  const { signer, timeoutMs, onStep } = options;
  const takings: Taking[] = [];
  const refusals: SubmissionReport["refusals"][number][] = [];
  for (const step of submission.steps) {
    const sent = await transact({ ...toCall(step, submission, signer), timeoutMs });
    if (sent.ok) {
      onStep(step, sent.transactionHash);
      if (step.action !== "collect") continue;
      const taking = await readTaking(step, { ...options, submission, hash: sent.transactionHash });
      if (!taking.ok) return { ...taking, step };
      takings.push(taking.taking);
      continue;
    }
    // One source that refuses must not keep another from being asked.
    if (step.action !== "collect" || sent.code !== "reverted") return { ...sent, step };
    refusals.push({ ...accusationOf(step), source: step.source, failure: sent });
  }
  return await readReport(submission, { ...options, takings, refusals });
}

async function readReport(
  submission: PreparedSubmission,
  run: {
    readonly provider: Provider;
    readonly takings: readonly Taking[];
    readonly refusals: SubmissionReport["refusals"];
  },
): Promise<PerformResult> {
  const { evidence, terms, steps } = submission;
  const { slasher } = terms;
  const { provider, takings, refusals } = run;
  try {
    const reader = createSlasherReader(provider, slasher);
    const read = await inBatches(evidence.accused, async (accused) => {
      const conviction = await reader.readConviction(accused.convictionId);
      return conviction && { ...accused, reporter: conviction.reporter };
    });
    const convictions = read.filter((each) => each !== null);
    const { charge } = evidence;
    const provedAt = charge && (await reader.readCharge(charge.chargeId))?.provedAt;
    const isOpen = submission.isCharge && provedAt !== null && provedAt !== undefined;
    const challengeEnd = isOpen ? provedAt + terms.challengeWindow : null;
    return { ok: true, report: { convictions, takings, refusals, challengeEnd } };
  } catch (error) {
    const [step] = steps;
    if (step === undefined) throw error;
    return { ...transactionFailure(error, contractAt(slasher, provider).interface), step };
  }
}

async function readTaking(
  step: Extract<SubmissionStep, { action: "collect" }>,
  sent: {
    readonly provider: Provider;
    readonly submission: PreparedSubmission;
    readonly hash: Hex;
  },
): Promise<{ readonly ok: true; readonly taking: Taking } | TransactionFailure> {
  const { provider, submission, hash } = sent;
  const contract = contractAt(submission.terms.slasher, provider);
  const nothing = { asset: null, received: 0n, reporterShare: 0n };
  const base = { ...accusationOf(step), source: step.source };
  try {
    const receipt = await provider.getTransactionReceipt(hash);
    for (const log of receipt?.logs ?? []) {
      if (log.address.toLowerCase() !== submission.terms.slasher) continue;
      const event = contract.interface.parseLog(log);
      if (event?.name !== "Collected") continue;
      const [, , asset, received, reporterShare] = event.args.toArray() as [
        unknown,
        unknown,
        string,
        bigint,
        bigint,
      ];
      const token = asset.toLowerCase() as Hex;
      const passed = BigInt(token) === 0n ? null : token;
      return { ok: true, taking: { ...base, asset: passed, received, reporterShare } };
    }
    // Somebody else collected in between: the contract then changes nothing and says nothing.
    return { ok: true, taking: { ...base, ...nothing } };
  } catch (error) {
    return transactionFailure(error, contract.interface);
  }
}

function toCall(
  step: SubmissionStep,
  submission: PreparedSubmission,
  runner: Provider | Signer | null,
): { readonly contract: Contract; readonly method: string; readonly args: readonly unknown[] } {
  const contract = contractAt(submission.terms.slasher, runner);
  switch (step.action) {
    case "walk": {
      const walks = new Contract(submission.terms.headerWalks, HEADER_WALKS_ABI, runner);
      return { contract: walks, method: "walk", args: [step.start, step.from, step.headers] };
    }
    case "collect":
      return { contract, method: "collect", args: [step.convictionId, step.source] };
    default:
      return { contract, method: step.call.method, args: step.call.args };
  }
}

function accusationOf({ operator, convictionId }: Accusation): Accusation {
  return { operator, convictionId };
}

function contractAt(slasher: Hex, runner: Provider | Signer | null): Contract {
  return new Contract(slasher, ABI, runner);
}

function errorsOf(
  abis: readonly (readonly { readonly type: string; readonly name?: string }[])[],
): readonly object[] {
  const known = new Set(
    SLASHER_ABI.map((entry) => ("name" in entry ? entry.name : "")) as string[],
  );
  return abis.flat().filter(({ type, name = "" }) => {
    if (type !== "error" || known.has(name)) return false;
    known.add(name);
    return true;
  });
}

import type { Hex } from "@mach/core";
import type {
  EvidenceCheck,
  Expectation,
  PreparedSubmission,
  SubmissionRefusal,
  SubmissionReport,
  SubmissionStep,
  TransactionFailureCode,
} from "@mach/settlement";
import type { Answer } from "./command.ts";
import { timeOf } from "./times.ts";

type RefusalCode =
  | Exclude<EvidenceCheck, { ok: true }>["code"]
  | SubmissionRefusal["code"]
  | TransactionFailureCode
  /** The endpoint is of another L1 than the network's. */
  | "wrong-chain"
  | "no-slasher";

/** Why nothing, or not all, was done. */
export interface Refused {
  readonly code: RefusalCode;
  /** The name of the contract's error, where it gave one. */
  readonly error?: string | null;
  /** The transaction that failed. */
  readonly during?: string;
  /** Seconds. */
  readonly until?: bigint;
  /** Seconds. */
  readonly deadline?: bigint;
  readonly epoch?: bigint;
  readonly cause?: string;
}

/** A transaction as a dry run shows it. */
export interface PlannedTransaction {
  readonly action: string;
  readonly to: Hex;
  readonly data: string;
  readonly gas: bigint | null;
}

const WHY: Readonly<Record<RefusalCode, string>> = {
  malformed: "it is not well formed, or not in its canonical order",
  "not-conflicting": "what it shows is no breach",
  "not-a-signer": "it names an operator that did not sign, or is not of the set",
  "broken-header-chain": "its headers do not lead from the higher block down to the lower",
  "unknown-operator-set": "it is signed under another operator set than the registry's",
  "epoch-mismatch": "a claim is of another epoch than its operator set",
  "below-threshold": "a certificate in it does not reach its rollup's threshold",
  "bad-signature": "a signature in it is not its signer's for this network",
  "bad-public-key": "a key of its operator set is no point",
  "other-network": "it is of another network than this Slasher",
  "unknown-rollup": "the registry did not list its rollup in that epoch",
  "operator-set-unavailable": "the operators of its epoch could not be read from the registry",
  "already-convicted": "all of its operators are convicted of it, and nothing is left to take",
  "window-over": "it came too late to convict",
  "no-settlement":
    "L1 cannot read how this rollup settles, so that certificates at different heights charge nobody",
  "charge-void": "a certificate between the two, or settlement, has excused its operators",
  "headers-missing":
    "the charge is walked from a block above the evidence's: evidence from there on is needed",
  "challenge-open": "the charge is proved and can still be challenged: run this again afterwards",
  reverted: "the contract refused it",
  "insufficient-funds": "the account cannot pay for the gas",
  "signer-refused": "what signs for the account refused, or cannot be reached",
  "timed-out": "a transaction is not in a block yet: run this again, it goes on from there",
  "l1-unavailable": "the endpoint of the L1 does not answer",
  "wrong-chain": "the endpoint is of another chain than the network's: name the right one",
  "no-slasher": "no Slasher stands at that address",
};

/** The answer where nothing more can be done now. */
export function refused(
  why: Refused,
  done: { readonly sent: readonly unknown[] } = { sent: [] },
): Answer {
  const { code, error = null, until, deadline, epoch, cause, during } = why;
  const details = [
    error === null ? null : error,
    during === undefined ? null : `in the transaction to ${during}`,
    until === undefined ? null : `until ${timeOf(until)}`,
    deadline === undefined ? null : `it ended ${timeOf(deadline)}`,
    epoch === undefined ? null : `epoch ${epoch}`,
    cause ?? null,
  ].filter((detail) => detail !== null);
  const sentence = [`not submitted (${code}): ${WHY[code]}`, ...details].join("; ");
  const json = {
    submitted: false,
    code,
    ...(error === null ? {} : { error }),
    ...(during === undefined ? {} : { during }),
    ...(until === undefined ? {} : { until: until.toString() }),
    ...(deadline === undefined ? {} : { deadline: deadline.toString() }),
    ...(epoch === undefined ? {} : { epoch: epoch.toString() }),
    ...(cause === undefined ? {} : { cause }),
    ...(done.sent.length === 0 ? {} : { transactions: done.sent }),
  };
  return { exitCode: 1, json, sentence };
}

/** The answer of a dry run. */
export function describePlan(
  submission: PreparedSubmission,
  transactions: readonly PlannedTransaction[],
): Answer {
  const { evidence, expected, isCharge, terms } = submission;
  const lines = [
    `can be submitted (${evidence.kind}): ${submission.steps.length} transactions`,
    ...transactions.map(
      ({ action, gas }) => `  ${action}: ${gas === null ? "gas not known yet" : `${gas} gas`}`,
    ),
    ...expected.map((each) => `  ${each.operator} at ${each.source}: ${wordsFor(each)}`),
    ...(isCharge ? [`  nobody is convicted before ${terms.challengeWindow} s of challenge`] : []),
  ];
  const json = {
    submitted: false,
    dryRun: true,
    kind: evidence.kind,
    operators: evidence.accused.map((each) => each.operator),
    isCharge,
    transactions: transactions.map((each) => ({ ...each, gas: each.gas?.toString() ?? null })),
    expected: expected.map(({ operator, convictionId, source, preview }) => ({
      ...{ operator, convictionId, source },
      ...(preview.ok
        ? { asset: preview.asset, assets: preview.assets.toString() }
        : { code: preview.code, error: preview.error }),
    })),
  };
  return { exitCode: 0, json, sentence: lines.join("\n") };
}

/** The answer of a submission whose transactions are all in blocks. */
export function describeReport(
  submission: PreparedSubmission,
  report: SubmissionReport,
  transactions: readonly { readonly action: string; readonly transactionHash: Hex }[],
): Answer {
  const { convictions, takings, refusals, challengeEnd } = report;
  const { kind } = submission.evidence;
  const isWhole = refusals.length === 0;
  const code = challengeEnd !== null ? "charged" : isWhole ? "convicted" : "partly-collected";
  const names = convictions.map((each) => each.operator).join(", ");
  const lines = [
    challengeEnd === null
      ? `convicted (${kind}): ${names}`
      : `charged (${kind}): run this again after ${timeOf(challengeEnd)} to convict`,
    ...takings.map(({ operator, source, asset, received }) =>
      asset === null
        ? `  ${operator} was slashed at ${source}`
        : `  ${operator} lost ${received} of ${asset} at ${source}`,
    ),
    ...refusals.map(
      ({ operator, source, failure }) =>
        `  ${operator} lost nothing at ${source} (${failure.error ?? failure.code}): run this again`,
    ),
  ];
  const json = {
    submitted: true,
    code,
    kind,
    transactions,
    convictions,
    taken: takings.map(({ received, reporterShare, ...each }) => ({
      ...each,
      received: received.toString(),
      reporterShare: reporterShare.toString(),
    })),
    refused: refusals.map(({ failure, ...each }) => ({
      ...each,
      code: failure.code,
      error: failure.error,
    })),
    challengeEnd: challengeEnd?.toString() ?? null,
  };
  return { exitCode: isWhole ? 0 : 1, json, sentence: lines.join("\n") };
}

/** What a step does, in a word or three. */
export function stepName(step: SubmissionStep): string {
  switch (step.action) {
    case "report":
      return "report the evidence";
    case "charge":
      return "record the charge";
    case "walk":
      return `walk the headers down to ${step.distance}`;
    case "prove":
      return "prove the charge";
    case "convict":
      return "convict";
    case "collect":
      return `collect from ${step.source}`;
  }
}

function wordsFor({ preview }: Expectation): string {
  if (!preview.ok) return `refuses at present (${preview.error ?? preview.code})`;
  if (preview.asset === null) return "can be slashed there";
  return `${preview.assets} of ${preview.asset} can be taken`;
}

import { parseArgs } from "node:util";
import { createClient, parseEvidence } from "@mach/api";
import { createNativeBls } from "@mach/bls";
import type { Evidence, Hex, OperatorSet } from "@mach/core";
import {
  connectL1,
  createRegistryReader,
  createSetReader,
  estimateSubmission,
  type L1Connection,
  type PreparedSubmission,
  performSubmission,
  prepareSubmission,
  readSlasherTerms,
  type SlasherTerms,
  transactionOf,
} from "@mach/settlement";
import { onlyPositional } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import { readJsonInput } from "./json-file.ts";
import type { Step } from "./keys-secrets.ts";
import {
  ACCOUNT_OPTIONS,
  ACCOUNT_USAGE,
  type AccountValues,
  readSender,
  type Sender,
} from "./operator-account.ts";
import {
  readSlasherPlace,
  SLASHER_OPTIONS,
  SLASHER_USAGE,
  type SlasherPlace,
} from "./slasher-place.ts";
import { describePlan, describeReport, refused, stepName } from "./submission-words.ts";

/** `mach evidence submit`: has the Slasher on L1 convict on evidence, and takes the stake. */
export const command: Command = {
  usage: `mach evidence submit EVIDENCE.json|-
            (--network NAME | (--config FILE | --l1 URL) --slasher 0x...)
            (--wallet FILE | --signer URL | --dry-run) [--index N] [--json]

Checks evidence of any kind under the registry's operator sets, brings it to the Slasher on L1,
and takes from every source what the convictions cost. What the contract knows already is not
sent again: a run that was cut short, and a charge whose challenge is over, are gone on with by
the same command. Anyone may, and the first to report gets the reporter's share.

  -                                reads the evidence from stdin: a document, or the list that
                                   /v1/evidence answers
  --index N                        which one of a list of several, from 0 on
${SLASHER_USAGE}
${ACCOUNT_USAGE}
  --dry-run                        sends nothing: says what would be sent, its gas, and what can
                                   be taken; it needs no account
  --json                           one JSON object instead of sentences

  mach evidence submit evidence.json --network local --wallet reporter.json

Exit code: 0 done (or, with --dry-run, can be done), 1 refused (with a code), 2 wrong usage.`,
  run: submitEvidence,
};

const CALL_TIMEOUT_MS = 20_000;
const CONFIRM_TIMEOUT_MS = 180_000;

interface Arguments {
  readonly path: string;
  /** Of a list; null where the caller does not say. */
  readonly index: number | null;
  readonly place: SlasherPlace;
  readonly account: AccountValues;
  readonly isDryRun: boolean;
}

interface Submitting {
  readonly l1: L1Connection;
  /** Null for a dry run that names no account. */
  readonly sender: Sender | null;
  readonly output: CommandContext["output"];
}

async function submitEvidence(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { path, index, place, account, isDryRun } = readArguments(args, context);
  const evidence = await readEvidence(path, index);
  if (evidence === null) return refused({ code: "malformed" });
  const l1 = await connectL1({ rpcUrl: place.rpcUrl, timeoutMs: CALL_TIMEOUT_MS });
  if (l1 === null) return refused({ code: "l1-unavailable", error: null });
  try {
    if (place.chainId !== null && place.chainId !== l1.chainId) {
      return refused({ code: "wrong-chain" });
    }
    const found = await findSender({ ...account, "dry-run": isDryRun }, { l1, context });
    if (!found.ok) return found.answer;
    const sender = found.value;
    try {
      const prepared = await prepare(evidence, { l1, place });
      if (!prepared.ok) return refused(prepared);
      const { submission } = prepared;
      const { output } = context;
      return isDryRun || sender === null
        ? await answerDryRun(submission, { l1, sender })
        : await send(submission, { l1, sender, output });
    } finally {
      await sender?.close();
    }
  } finally {
    l1.close();
  }
}

/** Whose transactions these are; a dry run needs nobody. */
async function findSender(
  values: AccountValues & { readonly "dry-run": boolean },
  about: { readonly l1: L1Connection; readonly context: CommandContext },
): Promise<Step<Sender | null>> {
  const isNobody = [values.wallet, values.signer, values.account].every((each) => !each);
  if (isNobody && values["dry-run"]) return { ok: true, value: null };
  return await readSender(values, about);
}

async function prepare(
  evidence: Evidence,
  { l1, place }: { readonly l1: L1Connection; readonly place: SlasherPlace },
): ReturnType<typeof prepareAt> {
  const opened = await readSlasherTerms(l1.provider, place.slasher);
  if (!opened.ok) return { ...opened, error: null };
  const { terms } = opened;
  if (place.registry !== null && place.registry !== terms.registry) {
    return { ok: false, code: "other-network" };
  }
  return await prepareAt(evidence, terms, { l1, place });
}

async function prepareAt(
  evidence: Evidence,
  terms: SlasherTerms,
  { l1, place }: { readonly l1: L1Connection; readonly place: SlasherPlace },
): Promise<
  | Awaited<ReturnType<typeof prepareSubmission>>
  | { readonly ok: false; readonly code: "no-slasher" | "l1-unavailable"; readonly error: null }
> {
  const bls = createNativeBls();
  const { provider, chainId } = l1;
  const { registry } = terms;
  const reader = createRegistryReader(
    { bls },
    {
      ...{ rpcUrls: [place.rpcUrl], requiredAgreement: 1, timeoutMs: CALL_TIMEOUT_MS },
      ...{ chainId, registry },
    },
  );
  try {
    const elsewhere = (epoch: bigint): Promise<OperatorSet | null> => askNode(place, epoch);
    const readSet = createSetReader({ bls, reader, provider, elsewhere }, { registry });
    return await prepareSubmission({ bls, provider, readSet }, { terms, evidence });
  } finally {
    await reader.close();
  }
}

async function askNode(place: SlasherPlace, epoch: bigint): Promise<OperatorSet | null> {
  if (place.apiUrl === null) return null;
  const client = createClient({ baseUrl: place.apiUrl, timeoutMs: CALL_TIMEOUT_MS });
  const read = await client.get("operatorSet", { epoch });
  return read.ok ? read.answer.data : null;
}

async function answerDryRun(
  submission: PreparedSubmission,
  { l1, sender }: Pick<Submitting, "l1" | "sender">,
): Promise<Answer> {
  const estimated = await estimateSubmission(l1.provider, submission, sender?.address);
  if (!estimated.ok) return refused(estimated);
  return describePlan(
    submission,
    submission.steps.map((step, index) => ({
      action: stepName(step),
      ...transactionOf(step, submission),
      gas: estimated.gas[index] ?? null,
    })),
  );
}

async function send(
  submission: PreparedSubmission,
  { l1, sender, output }: Submitting & { readonly sender: Sender },
): Promise<Answer> {
  const opened = await sender.open();
  if (!opened.ok) return opened.answer;
  const count = submission.steps.length;
  const sent: { action: string; transactionHash: Hex }[] = [];
  const result = await performSubmission(submission, {
    signer: opened.value.signer,
    provider: l1.provider,
    timeoutMs: CONFIRM_TIMEOUT_MS,
    onStep(step, transactionHash) {
      sent.push({ action: stepName(step), transactionHash });
      output.stderr(`${sent.length} of ${count}: ${stepName(step)} in ${transactionHash}\n`);
    },
  });
  if (!result.ok) return refused({ ...result, during: stepName(result.step) }, { sent });
  return describeReport(submission, result.report, sent);
}

async function readEvidence(path: string, index: number | null): Promise<Evidence | null> {
  const file = await readJsonInput(path);
  if (!file.ok) return null;
  const parsed = parseEvidence(pick(file.value, path, index));
  return parsed.ok ? parsed.value : null;
}

/** A node answers with a list: one of several has to be named, so that nobody is slashed unseen. */
function pick(value: unknown, path: string, index: number | null): unknown {
  if (!Array.isArray(value)) return value;
  const documents: readonly unknown[] = value;
  if (documents.length === 0) throw new UsageError(`${path} lists no evidence`);
  if (index === null && documents.length > 1) {
    throw new UsageError(`${path} lists ${documents.length} pieces of evidence: --index picks one`);
  }
  if (index !== null && index >= documents.length) {
    throw new UsageError(`--index is a whole number below ${documents.length} for ${path}`);
  }
  return documents[index ?? 0];
}

function readArguments(args: readonly string[], context: CommandContext): Arguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...SLASHER_OPTIONS,
      ...ACCOUNT_OPTIONS,
      index: { type: "string" },
      "dry-run": { type: "boolean" },
      json: { type: "boolean" },
    },
  });
  const path = onlyPositional(positionals, "EVIDENCE.json");
  const isDryRun = values["dry-run"] === true;
  if (!isDryRun && values.wallet === undefined && values.signer === undefined) {
    throw new UsageError("--wallet or --signer is missing; without one there is --dry-run");
  }
  const index = values.index === undefined ? null : parseIndex(values.index);
  return { path, index, place: readSlasherPlace(values, context), account: values, isDryRun };
}

function parseIndex(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError("--index is a whole number, from 0 on");
}

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
import { NodeError } from "../node-error.ts";
import { readSecretFile } from "../secret-file.ts";
import { onlyPositional } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import { readJsonInput } from "./json-file.ts";
import { readSlasherPlace, type SlasherPlace } from "./slasher-place.ts";
import { describePlan, describeReport, refused, stepName } from "./submission-words.ts";

/** `mach evidence submit`: has the Slasher on L1 convict on evidence, and takes the stake. */
export const command: Command = {
  usage: `mach evidence submit EVIDENCE.json|- (--network FILE | --l1 URL --slasher 0x...)
            (--key FILE | --dry-run) [--index N] [--api URL] [--json]

Checks evidence of any kind under the registry's operator sets, brings it to the Slasher on L1,
and takes from every source what the convictions cost. What the contract knows already is not
sent again: a run that was cut short, and a charge whose challenge is over, are gone on with by
the same command. Anyone may, and the first to report gets the reporter's share.

  -               reads the evidence from stdin: a document, or the list that /v1/evidence answers
  --index N       which one of a list of several, from 0 on
  --network FILE  the network.json of a local network, in place of --l1 and --slasher
  --l1 URL        an endpoint of the L1; what it says decides what is sent, so use your own
  --slasher 0x... the Slasher on the L1
  --key FILE      the private key of the account that pays (hex, mode 0600)
  --dry-run       sends nothing: says what would be sent, its gas, and what can be taken
  --api URL       a node that is asked for sets which the endpoint cannot list
  --json          one JSON object instead of sentences

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
  /** Null for a dry run without one. */
  readonly privateKey: Hex | null;
  readonly isDryRun: boolean;
}

async function submitEvidence(
  args: readonly string[],
  { output }: CommandContext,
): Promise<Answer> {
  const { path, index, place, privateKey, isDryRun } = await readArguments(args);
  const evidence = await readEvidence(path, index);
  if (evidence === null) return refused({ code: "malformed" });
  const l1 = await connectL1({ rpcUrl: place.rpcUrl, timeoutMs: CALL_TIMEOUT_MS });
  if (l1 === null) return refused({ code: "l1-unavailable", error: null });
  try {
    const prepared = await prepare(evidence, { l1, place });
    if (!prepared.ok) return refused(prepared);
    const { submission } = prepared;
    return isDryRun
      ? await answerDryRun(submission, { l1, privateKey })
      : await send(submission, { l1, privateKey, output });
  } finally {
    l1.close();
  }
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
  { l1, privateKey }: { readonly l1: L1Connection; readonly privateKey: Hex | null },
): Promise<Answer> {
  const from = privateKey === null ? undefined : await signerOf(l1, privateKey).getAddress();
  const estimated = await estimateSubmission(l1.provider, submission, from);
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
  run: {
    readonly l1: L1Connection;
    readonly privateKey: Hex | null;
    readonly output: CommandContext["output"];
  },
): Promise<Answer> {
  const { l1, privateKey, output } = run;
  if (privateKey === null) throw new UsageError("--key is missing");
  const count = submission.steps.length;
  const sent: { action: string; transactionHash: Hex }[] = [];
  const result = await performSubmission(submission, {
    signer: signerOf(l1, privateKey),
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

function signerOf(l1: L1Connection, privateKey: Hex): ReturnType<L1Connection["signerOf"]> {
  try {
    return l1.signerOf(privateKey);
  } catch {
    // Its cause is left out: it may quote the key.
    throw new UsageError("the file of --key holds no valid private key");
  }
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

async function readArguments(args: readonly string[]): Promise<Arguments> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      network: { type: "string" },
      l1: { type: "string" },
      slasher: { type: "string" },
      api: { type: "string" },
      key: { type: "string" },
      index: { type: "string" },
      "dry-run": { type: "boolean" },
      json: { type: "boolean" },
    },
  });
  const path = onlyPositional(positionals, "EVIDENCE.json");
  const isDryRun = values["dry-run"] === true;
  if (values.key === undefined && !isDryRun) {
    throw new UsageError("--key is missing; without one there is --dry-run");
  }
  const index = values.index === undefined ? null : parseIndex(values.index);
  const place = readSlasherPlace(values);
  const privateKey = values.key === undefined ? null : await readKey(values.key);
  return { path, index, place, privateKey, isDryRun };
}

function parseIndex(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError("--index is a whole number, from 0 on");
}

async function readKey(file: string): Promise<Hex> {
  try {
    return await readSecretFile(file, "payer's key");
  } catch (error) {
    if (error instanceof NodeError) throw new UsageError(error.message);
    throw error;
  }
}

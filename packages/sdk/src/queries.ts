import type { BlockStatus, BlockStatusName, Client, ClientResult, Finality } from "@mach/api";
import type { Certificate, VerifiedCertificate } from "@mach/core";
import type {
  BlockAnswer,
  ContradictedAnswer,
  FastFinalHead,
  FinalityAnswer,
  NotYetBlock,
  ReportedHeads,
  UnknownAnswer,
} from "./answers.ts";
import type { CertificateMemory } from "./certificate-memory.ts";
import { askAll, type Endpoint } from "./endpoints.ts";
import {
  agreedHeight,
  agreedStatus,
  type BlockQuestion,
  contradictionIn,
  type Judged,
  judgeBlock,
  judgeFailure,
  notYetCode,
  type ProvenBlock,
  reportsOf,
} from "./judgement.ts";
import { type FullPolicy, unmetDemand } from "./policy.ts";
import { factsOf, type Verifier } from "./verdict.ts";

/** What the queries ask with. */
export interface QueryContext {
  readonly endpoints: readonly Endpoint[];
  readonly verifier: Verifier;
  readonly memory: CertificateMemory;
  /** How many endpoints must say what cannot be verified. */
  readonly agree: number;
  readonly compareMs: number;
  readonly now: () => number;
}

/** One endpoint's answer, and what it came to. */
export interface Told<T, D> {
  readonly judged: Judged<T>;
  /** Null where the endpoint gave no answer. */
  readonly data: D | null;
}

/** Whether a block is in or under a valid certificate that meets the policy. */
export async function queryBlock(
  context: QueryContext,
  question: BlockQuestion,
): Promise<BlockAnswer> {
  const { rollupId, block } = question;
  const told = await askAll<"block", Told<ProvenBlock, BlockStatus>>(context.endpoints, {
    ask: (client) => client.get("block", { rollupId, block }),
    judge: (result, endpoint) => judgeStatus(context, question, { result, endpoint: endpoint.url }),
    isDecisive: ({ judged }) => judged.kind === "verified",
    compareMs: context.compareMs,
  });
  return combine(context, rollupId, told);
}

/** The newest block that a valid certificate which meets the policy stands for. */
export async function queryFinality(
  context: QueryContext,
  question: { readonly rollupId: bigint; readonly policy: FullPolicy },
): Promise<FinalityAnswer> {
  const { rollupId } = question;
  const { memory } = context;
  const told = await askAll<"finality", Told<VerifiedCertificate, Finality>>(context.endpoints, {
    ask: (client: Client) => client.get("finality", { rollupId }),
    judge: (result, endpoint) => judgeHead(context, question, { result, endpoint: endpoint.url }),
    isDecisive: ({ judged }) => judged.kind === "verified",
    compareMs: context.compareMs,
  });
  const judged = told.map((each) => each.judged);
  const endpoints = reportsOf(judged);
  const contradicted = contradictionIn(judged) ?? knownContradiction(memory, rollupId, judged);
  if (contradicted !== null) return contradicted;
  const heads = told.flatMap(({ data }) => (data === null ? [] : [data]));
  if (heads.length === 0 && !judged.some((each) => each.kind === "refused")) {
    return { status: "unknown", code: "unreachable", endpoints };
  }
  if (heads.filter(isContradicted).length >= context.agree) return reportedContradiction(judged);
  const reported = reportedHeads(heads, context.agree);
  const newest = finalityOfMemory(context, question);
  const isTooLight = newest === null && judged.some(isBelowWeight);
  const head = isTooLight ? await headOfRecent(context, question) : newest;
  if (head?.status === "contradicted") return { ...head, endpoints };
  if (head === null) {
    return { status: "not-yet", code: notYetCode(judged) ?? "pending", reported, endpoints };
  }
  return { ...head, reported, endpoints };
}

/** How many of a rollup's newest certificates are looked at for one that is heavy enough. */
const RECENT_CERTIFICATES = 5;

/**
 * The newest certificate has just reached the threshold, as a rule, and grows for a moment: what a
 * policy asks for in weight one of those before it has.
 */
async function headOfRecent(
  context: QueryContext,
  question: { readonly rollupId: bigint; readonly policy: FullPolicy },
): Promise<FastFinalHead | ContradictedAnswer | null> {
  const { rollupId, policy } = question;
  await askAll<"certificates", boolean>(context.endpoints, {
    ask: (client) => client.get("certificates", { rollupId, limit: RECENT_CERTIFICATES }),
    async judge(result) {
      const said = result.ok ? result.answer.data.slice(-RECENT_CERTIFICATES) : [];
      const verdicts = [];
      for (const certificate of said) {
        if (certificate.claim.rollupId !== rollupId) continue;
        verdicts.push(await context.verifier.verify(certificate, policy));
      }
      return verdicts.some(({ status }) => status === "valid");
    },
    isDecisive: (isFound) => isFound,
    compareMs: context.compareMs,
  });
  return finalityOfMemory(context, question);
}

function isBelowWeight(judged: Judged<unknown>): boolean {
  if (judged.kind !== "pending") return false;
  return judged.code === "below-min-weight" || judged.code === "below-min-signed-weight";
}

/**
 * The rollup's head by what was verified so far, or null. What was verified once stays so: a head
 * never goes back because an endpoint withholds it.
 */
export function finalityOfMemory(
  { memory, now }: Pick<QueryContext, "memory" | "now">,
  { rollupId, policy }: { readonly rollupId: bigint; readonly policy: FullPolicy },
): FastFinalHead | ContradictedAnswer | null {
  const contradicted = knownContradiction(memory, rollupId, []);
  if (contradicted !== null) return contradicted;
  const certificate = memory.newest(
    rollupId,
    (each) => unmetDemand(policy, each, factsOf(each, now()).ageMs) === null,
  );
  if (certificate === null) return null;
  const { blockNumber, blockHash, timestamp } = certificate.claim;
  return {
    status: "fast-final",
    rollupId,
    block: { blockNumber, blockHash, timestamp },
    certificate,
    facts: factsOf(certificate, now()),
    reported: { observed: null, safe: null, finalized: null },
    endpoints: [],
  };
}

async function judgeStatus(
  context: QueryContext,
  question: BlockQuestion,
  said: { readonly result: ClientResult<"block">; readonly endpoint: string },
): Promise<Told<ProvenBlock, BlockStatus>> {
  const { result, endpoint } = said;
  if (!result.ok) return { judged: judgeFailure(endpoint, result), data: null };
  const { data } = result.answer;
  const judged = await judgeBlock(context, question, { endpoint, data, nowMs: context.now() });
  return { judged, data };
}

async function judgeHead(
  context: QueryContext,
  question: { readonly rollupId: bigint; readonly policy: FullPolicy },
  said: { readonly result: ClientResult<"finality">; readonly endpoint: string },
): Promise<Told<VerifiedCertificate, Finality>> {
  const { result, endpoint } = said;
  if (!result.ok) return { judged: judgeFailure(endpoint, result), data: null };
  const { data } = result.answer;
  const { certificate } = data;
  if (data.rollupId !== question.rollupId) return { judged: refusedSubject(endpoint), data: null };
  if (certificate === null) return { judged: { kind: "pending", endpoint, code: "pending" }, data };
  const isOfRollup = certificate.claim.rollupId === question.rollupId;
  if (!isOfRollup) return { judged: refusedSubject(endpoint), data: null };
  return { judged: await judgeCertificate(context, certificate, question.policy, endpoint), data };
}

async function judgeCertificate(
  { verifier }: Pick<QueryContext, "verifier">,
  certificate: Certificate,
  policy: FullPolicy,
  endpoint: string,
): Promise<Judged<VerifiedCertificate>> {
  const verdict = await verifier.verify(certificate, policy);
  switch (verdict.status) {
    case "valid":
      return { kind: "verified", endpoint, value: verdict.certificate };
    case "not-yet":
      return { kind: "pending", endpoint, code: verdict.code };
    case "refused":
      return { kind: "refused", endpoint, code: verdict.code };
    case "contradicted":
      return { kind: "contradicted", endpoint, contradiction: verdict.contradiction };
  }
}

/** What all answers about a block come to: one that was verified, or why there is none. */
export function combine<T extends ProvenBlock>(
  context: QueryContext,
  rollupId: bigint,
  told: readonly Told<T, BlockStatus>[],
): (T & Pick<BlockAnswer, "endpoints">) | NotYetBlock | ContradictedAnswer | UnknownAnswer {
  const judged = told.map((each) => each.judged);
  const endpoints = reportsOf(judged);
  const contradicted =
    contradictionIn(judged) ?? knownContradiction(context.memory, rollupId, judged);
  if (contradicted !== null) return contradicted;
  const reported = statusOf(
    context,
    told.flatMap(({ data }) => (data === null ? [] : [data])),
  );
  if (reported === "contradicted") return reportedContradiction(judged);
  const proven = judged.flatMap((each) => (each.kind === "verified" ? [each.value] : []));
  const [first] = proven;
  if (first !== undefined) {
    // Asked by height, endpoints may prove two blocks only by two certificates that conflict.
    const heaviest = proven.reduce((best, each) =>
      each.facts.signedWeight > best.facts.signedWeight ? each : best,
    );
    return { ...heaviest, endpoints };
  }
  const code = notYetCode(judged);
  if (code === null) return { status: "unknown", code: "unreachable", endpoints };
  return { status: "not-yet", code, reported, endpoints };
}

/** A contradiction that this client has met stops the rollup, whatever is asked. */
function knownContradiction(
  memory: CertificateMemory,
  rollupId: bigint,
  judged: readonly Judged<unknown>[],
): ContradictedAnswer | null {
  const contradiction = memory.contradictionOf(rollupId);
  if (contradiction === null) return null;
  const endpoints = reportsOf(judged);
  return { status: "contradicted", code: "conflicting-certificates", contradiction, endpoints };
}

function reportedContradiction(judged: readonly Judged<unknown>[]): ContradictedAnswer {
  const endpoints = reportsOf(judged);
  const code = "reported-contradiction";
  return { status: "contradicted", code, contradiction: null, endpoints };
}

function isContradicted(finality: Finality): boolean {
  return finality.reason?.code === "contradicted";
}

/** An answer about something else. */
export function refusedSubject(endpoint: string): Judged<never> {
  return { kind: "refused", endpoint, code: "wrong-subject" };
}

/** What `agree` endpoints say of a block at least, or null. */
export function statusOf(
  { agree }: Pick<QueryContext, "agree">,
  said: readonly BlockStatus[],
): BlockStatusName | null {
  const statuses = said.map(({ status }) => status);
  return agreedStatus(statuses, agree);
}

function reportedHeads(heads: readonly Finality[], agree: number): ReportedHeads {
  const heightOf = (name: keyof ReportedHeads): bigint | null => {
    const said = heads.flatMap((head) => (head[name] === null ? [] : [head[name].blockNumber]));
    return agreedHeight(said, agree);
  };
  return {
    observed: heightOf("observed"),
    safe: heightOf("safe"),
    finalized: heightOf("finalized"),
  };
}

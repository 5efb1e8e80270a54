import type { BlockStatus, BlockStatusName, ClientResult } from "@mach/api";
import type { Hex } from "@mach/core";
import type { ContradictedAnswer, FastFinalBlock, NotYetCode } from "./answers.ts";
import type { CertificateMemory, Contradiction } from "./certificate-memory.ts";
import type { EndpointReport } from "./endpoints.ts";
import { type BlockId, checkHeaderChain } from "./header-chain.ts";
import { type FullPolicy, unmetDemand } from "./policy.ts";
import { factsOf, type Verifier } from "./verdict.ts";

/** What one endpoint's answer came to. */
export type Judged<T> =
  | { readonly kind: "verified"; readonly endpoint: string; readonly value: T }
  | {
      readonly kind: "contradicted";
      readonly endpoint: string;
      readonly contradiction: Contradiction;
    }
  /** A valid certificate that the policy asks more of, or an honest "not yet". */
  | { readonly kind: "pending"; readonly endpoint: string; readonly code: NotYetCode }
  /** What was said does not hold. */
  | { readonly kind: "refused"; readonly endpoint: string; readonly code: NotYetCode }
  | { readonly kind: "failed"; readonly endpoint: string; readonly code: string };

/** A block as an endpoint's answer proves it. */
export type ProvenBlock = Omit<FastFinalBlock, "endpoints">;

export interface BlockQuestion {
  readonly rollupId: bigint;
  readonly block: BlockId;
  readonly policy: FullPolicy;
}

/** Checks one endpoint's answer about a block: its certificate, and the headers down to it. */
export async function judgeBlock(
  dependencies: { readonly verifier: Verifier; readonly memory: CertificateMemory },
  question: BlockQuestion,
  said: { readonly endpoint: string; readonly data: BlockStatus; readonly nowMs: number },
): Promise<Judged<ProvenBlock>> {
  const { verifier, memory } = dependencies;
  const { rollupId, block, policy } = question;
  const { endpoint, data, nowMs } = said;
  const { certificate, headers } = data;
  if (data.rollupId !== rollupId) return { kind: "refused", endpoint, code: "wrong-subject" };
  if (certificate === null) return pendingAt(endpoint, data);
  if (certificate.claim.rollupId !== rollupId) {
    return { kind: "refused", endpoint, code: "wrong-subject" };
  }
  const verdict = await verifier.verify(certificate, policy);
  if (verdict.status === "refused") return { kind: "refused", endpoint, code: verdict.code };
  if (verdict.status === "contradicted") {
    return { kind: "contradicted", endpoint, contradiction: verdict.contradiction };
  }
  const chain = checkHeaderChain(verdict.certificate.claim, headers, block);
  if (!chain.ok) return { kind: "refused", endpoint, code: chain.code };
  const contradiction = memory.checkCovered(verdict.certificate, chain.blocks);
  if (contradiction !== null) return { kind: "contradicted", endpoint, contradiction };
  const facts = factsOf(verdict.certificate, nowMs);
  const unmet = unmetDemand(policy, verdict.certificate, facts.ageMs);
  if (unmet !== null) return { kind: "pending", endpoint, code: unmet };
  const { blockNumber, blockHash } = chain;
  return {
    kind: "verified",
    endpoint,
    value: {
      status: "fast-final",
      rollupId,
      blockNumber,
      blockHash,
      certificate: verdict.certificate,
      facts,
      headers: headers ?? [],
    },
  };
}

/** A failed request as a judgement: only `unreachable` and `bad-answer` say nothing at all. */
export function judgeFailure(
  endpoint: string,
  failure: Extract<ClientResult<"block">, { ok: false }>,
): Judged<never> {
  return { kind: "failed", endpoint, code: failure.code };
}

/** Each endpoint's part in an answer. */
export function reportsOf(judged: readonly Judged<unknown>[]): readonly EndpointReport[] {
  return judged.map((each) => ({ endpoint: each.endpoint, code: codeOf(each) }));
}

/** The first contradiction that any answer showed. */
export function contradictionIn(judged: readonly Judged<unknown>[]): ContradictedAnswer | null {
  const endpoints = reportsOf(judged);
  for (const each of judged) {
    if (each.kind !== "contradicted") continue;
    const { contradiction } = each;
    return { status: "contradicted", code: "conflicting-certificates", contradiction, endpoints };
  }
  return null;
}

/**
 * Why nothing was verified: a demand of the policy before an honest "not yet" before what was
 * refused, so that no liar changes the code that honest endpoints give. Null where all failed.
 */
export function notYetCode(judged: readonly Judged<unknown>[]): NotYetCode | null {
  const pending = judged.flatMap((each) => (each.kind === "pending" ? [each.code] : []));
  const refused = judged.flatMap((each) => (each.kind === "refused" ? [each.code] : []));
  return pending.find((code) => code !== "pending") ?? pending[0] ?? refused[0] ?? null;
}

/** What an endpoint without a certificate for a block comes to. */
export function pendingAt(
  endpoint: string,
  { reason }: Pick<BlockStatus, "reason">,
): Judged<never> {
  return { kind: "pending", endpoint, code: reason?.code === "pruned" ? "pruned" : "pending" };
}

/** The rungs of what endpoints can say without proof, from the least. */
const LADDER: readonly BlockStatusName[] = [
  "unknown",
  "observed",
  "attested",
  "fast-final",
  "safe",
  "finalized",
];

/** The highest rung that at least `agree` endpoints have reached; `contradicted` by as many. */
export function agreedStatus(
  said: readonly BlockStatusName[],
  agree: number,
): BlockStatusName | null {
  if (said.filter((status) => status === "contradicted").length >= agree) return "contradicted";
  const rungs = said
    .filter((status) => status !== "contradicted")
    .map((status) => LADDER.indexOf(status))
    .sort((left, right) => right - left);
  return LADDER[rungs[agree - 1] ?? -1] ?? null;
}

/** The highest height that at least `agree` endpoints have reached. */
export function agreedHeight(said: readonly bigint[], agree: number): bigint | null {
  return [...said].sort((left, right) => (left < right ? 1 : -1))[agree - 1] ?? null;
}

/** What at least `agree` endpoints say alike, or null. */
export function agreedHash(said: readonly Hex[], agree: number): Hex | null {
  return said.find((hash) => said.filter((each) => each === hash).length >= agree) ?? null;
}

function codeOf(judged: Judged<unknown>): string {
  switch (judged.kind) {
    case "verified":
      return "verified";
    case "contradicted":
      return "conflicting-certificates";
    case "pending":
    case "refused":
    case "failed":
      return judged.code;
  }
}

import { unmetDemand } from "@mach/sdk";
import type { BlockStatusName, Hex } from "@mach/sdk/reader";
import type { Question, Subject } from "./question.ts";

/** What stands behind a status; a null is what is not known. Weights in the registry's unit. */
export interface Rule {
  readonly signedWeight: bigint | null;
  readonly requiredWeight: bigint | null;
  readonly totalWeight: bigint | null;
  readonly thresholdBps: number | null;
  readonly verification: 1 | 2 | null;
  readonly epoch: bigint | null;
}

export interface BlockName {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
}

/** A certificate as far as a badge names it; `timestamp` in seconds, of the certified block. */
export interface CertificateName {
  readonly certificateId: Hex;
  readonly blockNumber: bigint;
  readonly timestamp: bigint;
}

/** The status of a block as one endpoint tells it: nothing of it is checked. */
export interface SaidStatus {
  readonly status: BlockStatusName;
  readonly block: BlockName | null;
  readonly rule: Rule;
  readonly certificate: CertificateName | null;
  /** Why the endpoint does not call it fast-final. */
  readonly reason: string | null;
}

export type Said =
  | { readonly kind: "status"; readonly status: SaidStatus }
  /** The API's own error, by its code: the endpoint is there, and tells nothing. */
  | { readonly kind: "refused"; readonly code: string }
  /** No answer, or none of this API: nothing may be concluded. */
  | { readonly kind: "silent"; readonly code: "unreachable" | "bad-answer" };

const STATUSES: readonly string[] = [
  "unknown",
  "observed",
  "attested",
  "fast-final",
  "safe",
  "finalized",
  "contradicted",
] satisfies readonly BlockStatusName[];

/** The path of a subject's status. */
export function pathOf({ rollupId }: Pick<Question, "rollupId">, subject: Subject): string {
  const name =
    subject.kind === "block" ? `blocks/${subject.block}` : `transactions/${subject.hash}`;
  return `/v1/rollups/${rollupId}/${name}`;
}

/** Reads an answer strictly: one field of the wrong form, or of another subject, spoils all of it. */
export function readSaid(
  { status, body }: { readonly status: number; readonly body: unknown },
  question: Pick<Question, "rollupId">,
  subject: Subject,
): Said {
  try {
    const answer = record(body);
    if (status !== 200) return { kind: "refused", code: code(answer["code"]) };
    const data = record(answer["data"]);
    check(decimal(data["rollupId"]) === question.rollupId);
    if (subject.kind === "transaction") check(data["transactionHash"] === subject.hash);
    const block = orNull(data["block"], readBlock);
    if (subject.kind === "block" && block !== null) {
      const { blockNumber, blockHash } = block;
      check((typeof subject.block === "bigint" ? blockNumber : blockHash) === subject.block);
    }
    const name = data["status"];
    check(typeof name === "string" && STATUSES.includes(name));
    const read: SaidStatus = {
      status: name as BlockStatusName,
      block,
      rule: readRule(record(data["rule"])),
      certificate: orNull(data["certificate"], readCertificate),
      reason: orNull(data["reason"], (reason) => code(record(reason)["code"])),
    };
    return { kind: "status", status: read };
  } catch {
    // Every malformed answer is the same: it says nothing.
    return { kind: "silent", code: "bad-answer" };
  }
}

/** What enough endpoints say alike; none of it is checked. */
export type Agreed =
  | { readonly kind: "contradicted" }
  /** `status` is the one with the least weight of those that name the block. */
  | { readonly kind: "fast-final"; readonly status: SaidStatus; readonly voices: number }
  | {
      readonly kind: "pending";
      readonly name: "observed" | "attested";
      readonly code: string;
      readonly status: SaidStatus;
    }
  | { readonly kind: "unknown"; readonly code: string };

/** What at least `agree` endpoints have come to; a liar below that number moves nothing. */
export function agreeOn(
  answers: readonly Said[],
  { policy, endpoints }: Pick<Question, "policy" | "endpoints">,
): Agreed {
  const agree = agreeOf(endpoints);
  const told = answers.flatMap((said) => (said.kind === "status" ? [said.status] : []));
  const isEnough = (found: readonly SaidStatus[]): boolean => found.length >= agree;
  if (isEnough(told.filter(({ status }) => status === "contradicted"))) {
    return { kind: "contradicted" };
  }
  const certified = told.filter(isCertified);
  const met = certified.filter(({ rule }) => unmetDemand(policy, rule) === null);
  for (const { block } of met) {
    const alike = met.filter((each) => each.block?.blockHash === block?.blockHash);
    if (isEnough(alike)) {
      return { kind: "fast-final", status: lightest(alike), voices: alike.length };
    }
  }
  const seen = told.filter(({ status }) => status !== "unknown" && status !== "contradicted");
  if (!isEnough(seen)) return { kind: "unknown", code: unknownCode(answers, told, agree) };
  const signed = seen.filter(({ status }) => status !== "observed");
  const status = lightest(heaviest(seen, agree));
  const name = isEnough(signed) ? "attested" : "observed";
  return { kind: "pending", name, code: pendingCode(certified, status, policy), status };
}

/** More than half of the endpoints that are asked, whether they answer or not. */
export function agreeOf(endpoints: readonly string[]): number {
  return Math.floor(endpoints.length / 2) + 1;
}

/** A status above fast-final may rest on L1 alone: then no weight stands behind it. */
function isCertified({ status, block, certificate }: SaidStatus): boolean {
  const isAbove = status === "fast-final" || status === "safe" || status === "finalized";
  return isAbove && block !== null && certificate !== null;
}

function pendingCode(
  certified: readonly SaidStatus[],
  status: SaidStatus,
  policy: Question["policy"],
): string {
  const [first] = certified;
  const unmet = first && unmetDemand(policy, first.rule);
  if (unmet) return unmet;
  // Certified by some, not by enough, or for different blocks.
  if (first !== undefined) return "no-agreement";
  if (status.status === "safe" || status.status === "finalized") return "no-certificate";
  return status.reason ?? "pending";
}

function unknownCode(answers: readonly Said[], told: readonly SaidStatus[], agree: number): string {
  const unknown = told.filter(({ status }) => status === "unknown");
  // What they knew once will not come again by waiting.
  if (unknown.filter(({ reason }) => reason === "pruned").length >= agree) return "pruned";
  if (unknown.length >= agree) return "unknown";
  if (told.length >= agree) return "no-agreement";
  const refused = answers.find((said) => said.kind === "refused");
  return refused?.code ?? "too-few-answers";
}

const weightOf = ({ rule }: SaidStatus): bigint => rule.signedWeight ?? 0n;

function heaviest(statuses: readonly SaidStatus[], count: number): readonly SaidStatus[] {
  return [...statuses].sort((a, b) => (weightOf(a) < weightOf(b) ? 1 : -1)).slice(0, count);
}

function lightest(statuses: readonly SaidStatus[]): SaidStatus {
  return statuses.reduce((least, each) => (weightOf(each) < weightOf(least) ? each : least));
}

function readBlock(value: unknown): BlockName {
  const { blockNumber, blockHash } = record(value);
  return { blockNumber: decimal(blockNumber), blockHash: hash(blockHash) };
}

function readRule(rule: Readonly<Record<string, unknown>>): Rule {
  const { thresholdBps = null, verification = null } = rule;
  check(thresholdBps === null || (Number.isInteger(thresholdBps) && Number(thresholdBps) > 6_666));
  check(verification === null || verification === 1 || verification === 2);
  return {
    signedWeight: orNull(rule["signedWeight"], decimal),
    requiredWeight: orNull(rule["requiredWeight"], decimal),
    totalWeight: orNull(rule["totalWeight"], decimal),
    thresholdBps: thresholdBps as number | null,
    verification: verification as 1 | 2 | null,
    epoch: orNull(rule["epoch"], decimal),
  };
}

function readCertificate(value: unknown): CertificateName {
  const { certificateId, claim } = record(value);
  const { blockNumber, timestamp } = record(claim);
  return {
    certificateId: hash(certificateId),
    blockNumber: decimal(blockNumber),
    timestamp: decimal(timestamp),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  check(typeof value === "object" && value !== null && !Array.isArray(value));
  return value as Readonly<Record<string, unknown>>;
}

/** A decimal string of at most 39 digits; throws for anything else, before it costs anything. */
export function decimal(value: unknown): bigint {
  check(typeof value === "string" && /^(?:0|[1-9][0-9]{0,38})$/.test(value));
  return BigInt(value as string);
}

function hash(value: unknown): Hex {
  check(typeof value === "string" && /^0x[0-9a-f]{64}$/.test(value));
  return value as Hex;
}

function code(value: unknown): string {
  check(typeof value === "string" && value.length <= 64 && /^[a-z0-9-]+$/.test(value));
  return value as string;
}

function orNull<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null ? null : read(value);
}

function check(isSound: boolean): void {
  if (!isSound) throw new TypeError("malformed");
}

import { formatInteger, formatShare, formatSpan, shortHex } from "../shared/format.ts";
import type { Tone } from "../shared/status.ts";
import type { FinalityDetail } from "./finding.ts";
import { type BadgeWords, fill, wordsOfCode } from "./words.ts";

/** What a badge shows, in words. */
export interface Description {
  /** `final` is green: checked in this page, fresh, and a success. Nothing else has it. */
  readonly tone: Tone;
  readonly glyph: "check" | "bang" | "dash" | "clock" | "question";
  readonly label: string;
  /** The share of the weight; empty where none is known. */
  readonly figure: string;
  readonly age: string;
  /** The weight that has signed, as a part of what is needed: 0 to 1. */
  readonly progress: number;
  readonly promise: string;
  readonly lines: readonly { readonly name: string; readonly text: string }[];
}

/** Codes of an unknown that only has not been looked at yet. */
const ASKING = new Set(["asking"]);
/** Codes of an unknown that is nobody's forgery. */
const HONEST = new Set(["unknown", "pruned", "too-few-answers", "no-agreement", "bad-attribute"]);

/** Puts what was found into words, as of a time in milliseconds since 1970. */
export function describe(detail: FinalityDetail, nowMs: number, words: BadgeWords): Description {
  const promise = fill(words[promiseKey(detail)], { known: words[labelKey(known(detail))] });
  return {
    ...lookOf(detail),
    label: words[labelKey(detail)],
    figure: figureOf(detail),
    age: ageOf(detail, nowMs),
    progress: progressOf(detail),
    promise,
    lines: linesOf(detail, nowMs, words),
  };
}

function lookOf(detail: FinalityDetail): Pick<Description, "tone" | "glyph"> {
  switch (detail.state) {
    case "fast-final":
      if (hasFailed(detail)) return { tone: "alarm", glyph: "bang" };
      return isGreen(detail) ? { tone: "final", glyph: "check" } : { tone: "info", glyph: "dash" };
    case "contradicted":
      return { tone: "alarm", glyph: "bang" };
    case "observed":
    case "not-yet":
      return { tone: "pending", glyph: "clock" };
    case "unknown":
    case "unreachable":
      return { tone: "quiet", glyph: "question" };
    case "stale":
      return { tone: "quiet", glyph: "clock" };
  }
}

/** A transaction is only green where its receipt proves that it did what it was to do. */
function isGreen({ state, isVerified, subject, isSuccess }: FinalityDetail): boolean {
  const isDone = subject?.kind === "block" || isSuccess === true;
  return state === "fast-final" && isVerified && isDone;
}

function hasFailed({ state, isSuccess }: FinalityDetail): boolean {
  return state === "fast-final" && isSuccess === false;
}

function labelKey(detail: FinalityDetail): keyof BadgeWords & `label.${string}` {
  const { state, code } = detail;
  if (hasFailed(detail)) return "label.failed";
  if (state === "fast-final" && !detail.isVerified) return "label.said";
  if (state === "not-yet" && code === "checking") return "label.checking";
  if (state === "unknown" && code !== null) {
    if (ASKING.has(code)) return "label.asking";
    return HONEST.has(code) ? "label.unknown" : "label.unproved";
  }
  return `label.${state}`;
}

function promiseKey(detail: FinalityDetail): keyof BadgeWords & `promise.${string}` {
  const { state, isVerified, subject, isSuccess } = detail;
  if (hasFailed(detail)) return "promise.failed";
  const isRead = !isVerified || subject?.kind === "block" || isSuccess !== null;
  return state === "fast-final" && !isRead ? "promise.unread" : `promise.${state}`;
}

function known(detail: FinalityDetail): FinalityDetail {
  const { knownState } = detail;
  return { ...detail, state: knownState, isVerified: knownState === "fast-final" };
}

/** Beside a word that takes everything back a share would only look like a promise. */
function figureOf({ state, rule }: FinalityDetail): string {
  const { signedWeight = null, totalWeight = null } = rule ?? {};
  if (signedWeight === null || totalWeight === null) return "";
  return state === "fast-final" || state === "not-yet"
    ? formatShare(signedWeight, totalWeight)
    : "";
}

function progressOf({ state, rule }: FinalityDetail): number {
  if (state === "fast-final") return 1;
  const { signedWeight = null, requiredWeight = null } = rule ?? {};
  if (signedWeight === null || !requiredWeight || state !== "not-yet") return 0;
  return Math.min(1, Number((signedWeight * 1_000n) / requiredWeight) / 1_000);
}

function ageOf({ state, certificate, confirmedAtMs }: FinalityDetail, nowMs: number): string {
  if (state === "stale" && confirmedAtMs !== null) return formatSpan(nowMs - confirmedAtMs);
  if (state !== "fast-final" || certificate === null) return "";
  return formatSpan(nowMs - Number(certificate.timestamp) * 1_000);
}

function linesOf(detail: FinalityDetail, nowMs: number, words: BadgeWords): Description["lines"] {
  const { code, block, certificate, endpoints } = detail;
  const said = endpoints.map((each) => `${hostOf(each.endpoint)}: ${each.code}`).join("\n");
  const name = block && {
    height: formatInteger(block.blockNumber),
    hash: shortHex(block.blockHash),
  };
  const texts: readonly (readonly [keyof BadgeWords, string | null])[] = [
    ["name.reason", code === null || code === "stale" ? null : wordsOfCode(words, code)],
    ["name.source", sourceOf(detail, words)],
    ["name.rule", ruleOf(detail, words)],
    ["name.checked", checkedOf(detail, words)],
    ["name.block", name && fill(words["block.name"], name)],
    ["name.certificate", certificate && shortHex(certificate.certificateId)],
    ["name.age", agesOf(detail, nowMs, words)],
    ["name.endpoints", said === "" ? null : said],
  ];
  return texts.flatMap(([key, text]) => (text === null ? [] : [{ name: words[key], text }]));
}

function sourceOf(detail: FinalityDetail, words: BadgeWords): string | null {
  const { state, isVerified, voices, endpoints } = detail;
  if (state === "fast-final" && isVerified) return words["source.verified"];
  if (state === "fast-final") {
    const counts = { voices: `${voices}`, endpoints: `${endpoints.length}` };
    return fill(words["source.said"], counts);
  }
  return state === "observed" || state === "not-yet" ? words["source.unchecked"] : null;
}

function ruleOf({ knownState, rule }: FinalityDetail, words: BadgeWords): string | null {
  if (rule === null) return null;
  const { signedWeight, totalWeight, requiredWeight, thresholdBps } = rule;
  if (signedWeight === null || totalWeight === null) return null;
  const share = formatShare(signedWeight, totalWeight);
  const values = {
    signed: formatInteger(signedWeight),
    total: formatInteger(totalWeight),
    required: requiredWeight === null ? "" : formatInteger(requiredWeight),
    threshold: thresholdBps === null ? "" : `${thresholdBps / 100} %`,
    share,
  };
  if (knownState !== "fast-final" && requiredWeight !== null) {
    return fill(words["rule.so-far"], values);
  }
  return fill(words[thresholdBps === null ? "rule.share" : "rule.threshold"], values);
}

function checkedOf({ rule, knownState }: FinalityDetail, words: BadgeWords): string | null {
  if (rule?.verification == null || knownState !== "fast-final") return null;
  const how = words[`checked.${rule.verification}`];
  if (rule.epoch === null) return how;
  return fill(words["checked.epoch"], { how, epoch: formatInteger(rule.epoch) });
}

function agesOf(
  { certificate, confirmedAtMs }: FinalityDetail,
  nowMs: number,
  words: BadgeWords,
): string | null {
  if (confirmedAtMs === null) return null;
  const confirmed = formatSpan(nowMs - confirmedAtMs);
  if (certificate === null) return fill(words["age.confirmed"], { confirmed });
  const age = formatSpan(nowMs - Number(certificate.timestamp) * 1_000);
  return fill(words["age.certified"], { age, confirmed });
}

function hostOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).host : endpoint;
}

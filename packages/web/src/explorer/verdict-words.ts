import { describeRule, formatSpan, formatThreshold } from "../shared/format.ts";
import type { CheckResult } from "./check-certificate.ts";
import type { HeadVerdict } from "./head-verdict.ts";
import { CHECK_WORDS, REASON_WORDS } from "./words.ts";

/** A verdict in a word and a sentence. */
export interface VerdictWords {
  readonly word: string;
  readonly sentence: string;
}

/** What may be said of a rollup's head. */
export function describeHead(verdict: HeadVerdict): VerdictWords {
  switch (verdict.kind) {
    case "final":
      return { word: "Fast-final", sentence: describeCheck(verdict.head.result).sentence };
    case "behind":
      return {
        word: "Behind",
        sentence:
          `The newest fast-final block is ${formatSpan(verdict.ageMs)} old, so that it says ` +
          "little about now.",
      };
    case "stale":
      return {
        word: "Out of date",
        sentence:
          `Nothing was heard from the node for ${formatSpan(verdict.silentMs)}. What is shown ` +
          "may have changed since.",
      };
    case "checking":
      return { word: "Checking", sentence: "This browser checks the node's certificate." };
    case "none":
      return { word: "Not yet final", sentence: reasonOf(verdict.heard.finality.reason?.code) };
    case "contradicted":
      return { word: "Contradicted", sentence: REASON_WORDS["contradicted"] ?? "" };
    case "refused":
      return {
        word: "Does not verify",
        sentence: `The node serves a certificate that does not hold. ${checkWords(verdict.code)}`,
      };
    case "unchecked":
      return { word: "Not checked", sentence: `Nothing was shown. ${checkWords(verdict.code)}` };
    case "unheard":
      return { word: "Nothing heard", sentence: "The node has not told of this rollup yet." };
  }
}

/** What this browser makes of one certificate; `verified` only ever by the reader's own trust. */
export function describeCheck(result: CheckResult): VerdictWords {
  const isOwn = result.basis === "own-trust";
  switch (result.status) {
    case "sound": {
      const { thresholdBps } = result.facts;
      const rule = describeRule(result.facts);
      if (isOwn) {
        const bound = `the registry's threshold is ${formatThreshold(thresholdBps)}`;
        return { word: "Verified", sentence: `${rule}; ${bound}. Checked against your own trust.` };
      }
      return {
        word: "Consistent",
        sentence: `${rule}. Checked in this browser against the operator set that this node names.`,
      };
    }
    case "expired":
      return {
        word: "Was valid in its time",
        sentence:
          `${describeRule(result.facts)}. But the time of its operator set, or of the trust that ` +
          "it was held to, is over: whoever held those keys may have left with their stake, and " +
          "could sign anything today.",
      };
    case "refused":
      return { word: "Refused", sentence: checkWords(result.code) };
    case "unchecked":
      return { word: "Not checked", sentence: checkWords(result.code) };
    case "contradicted":
      return {
        word: "Contradicted",
        sentence: "It is valid, and so is one that it conflicts with. Act on neither.",
      };
  }
}

/** Why, for people. */
export function reasonOf(code: string | undefined): string {
  if (code === undefined) return "No certificate stands yet.";
  return REASON_WORDS[code] ?? code;
}

function checkWords(code: string): string {
  return CHECK_WORDS[code] ?? code;
}

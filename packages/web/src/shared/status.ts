/** How something is shown: only what was checked here, and is fresh, is ever `final`. */
export type Tone = "final" | "pending" | "quiet" | "alarm" | "info";

/** One status for people: its word, what it promises in a sentence, and its tone at best. */
export interface StatusWords {
  readonly word: string;
  readonly promise: string;
  readonly tone: Tone;
}

/** The statuses of a block, as the glossary has them, and what a page adds for its own sight. */
export type ShownStatus =
  | "unknown"
  | "observed"
  | "attested"
  | "fast-final"
  | "safe"
  | "finalized"
  | "contradicted"
  | "not-yet"
  | "stale"
  | "unreachable";

/** The words of every status. */
export const STATUS_WORDS: { readonly [Name in ShownStatus]: StatusWords } = {
  unknown: {
    word: "Unknown",
    promise: "No such block is known here. Nothing may be concluded from that.",
    tone: "quiet",
  },
  observed: {
    word: "Observed",
    promise: "A node has seen and checked the block. Nobody has signed it yet.",
    tone: "pending",
  },
  attested: {
    word: "Attested",
    promise: "Some operators have signed the block, not enough of them yet.",
    tone: "pending",
  },
  "fast-final": {
    word: "Fast-final",
    promise:
      "More than two thirds of the restaked weight signed this block or a descendant. Whoever " +
      "signed a conflicting one as well can be slashed.",
    tone: "final",
  },
  safe: {
    word: "Safe",
    promise: "The rollup's own nodes say that the block is in data on L1. No certificate says so.",
    tone: "info",
  },
  finalized: {
    word: "Finalized",
    promise: "The rollup's own nodes say that the block is in finalised L1 data.",
    tone: "info",
  },
  contradicted: {
    word: "Contradicted",
    promise: "L1, or a second certificate, says otherwise. Do not act on it, ever.",
    tone: "alarm",
  },
  "not-yet": {
    word: "Not yet final",
    promise: "No certificate stands for it that could be checked. Wait.",
    tone: "pending",
  },
  stale: {
    word: "Out of date",
    promise: "Nothing new was heard for too long. What is shown may have changed since.",
    tone: "quiet",
  },
  unreachable: {
    word: "No answer",
    promise: "No node answers. Nothing may be concluded from that.",
    tone: "quiet",
  },
};

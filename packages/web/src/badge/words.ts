const ENGLISH = {
  "label.unknown": "Unknown",
  "label.asking": "Asking",
  "label.checking": "Checking",
  "label.unproved": "Not proved",
  "label.observed": "Seen, not signed",
  "label.not-yet": "Not yet final",
  "label.fast-final": "Fast-final",
  "label.said": "Fast-final, not checked",
  "label.failed": "Failed for good",
  "label.contradicted": "Contradicted",
  "label.stale": "Out of date",
  "label.unreachable": "No answer",

  "promise.unknown": "Nothing may be concluded.",
  "promise.observed": "Endpoints have seen its block. No operator has signed it yet.",
  "promise.not-yet": "What stands behind it is less than what is asked for. Wait.",
  "promise.fast-final":
    "Restaked operators signed this block or a descendant; whoever signs a conflicting one can be slashed.",
  "promise.failed": "Its block is fast-final, and the transaction failed in it.",
  "promise.unread": "Its block is fast-final. What the transaction did, its receipt does not tell.",
  "promise.contradicted": "L1, or a second certificate, says otherwise. Do not act on it, ever.",
  "promise.stale": "Nobody has confirmed it for too long. What was known: {known}.",
  "promise.unreachable": "No endpoint gives an answer. Nothing may be concluded.",

  "name.attribute": "Attribute",
  "name.source": "Source",
  "name.rule": "Rule",
  "name.checked": "Operators",
  "name.block": "Block",
  "name.certificate": "Certificate",
  "name.age": "Age",
  "name.reason": "Why",
  "name.endpoints": "Endpoints",

  "source.verified":
    "Checked in this browser: signatures, operator set, threshold, way to the block",
  "source.said": "{voices} of {endpoints} endpoints say so; nothing was checked in this browser",
  "source.unchecked": "The endpoints say so; nothing was checked yet",
  "rule.share": "{signed} of {total} weight signed, {share}",
  "rule.threshold": "{signed} of {total} weight signed, {share}; {threshold} was needed",
  "rule.so-far": "{signed} of {total} weight signed so far; {required} is needed",
  "checked.1": "Compared the block's header with independent sources",
  "checked.2": "Executed its transactions",
  "checked.epoch": "{how}; set of epoch {epoch}",
  "block.name": "{height}, {hash}",
  "age.certified": "Certified block {age} old; confirmed {confirmed} ago",
  "age.confirmed": "Confirmed {confirmed} ago",

  "code.asking": "The endpoints are being asked.",
  "code.checking": "The certificate is being checked.",
  "code.unknown": "No endpoint knows it. It may come still.",
  "code.pruned": "No longer kept by these nodes. Others may keep it still.",
  "code.timed-out": "Checking takes too long. It is tried again.",
  "code.pending": "No certificate covers it yet.",
  "code.no-certificate": "The rollup's own nodes call it final on L1; no certificate says so.",
  "code.no-agreement": "The endpoints do not say the same.",
  "code.too-few-answers": "Too few endpoints answer.",
  "code.below-threshold": "Too little weight has signed.",
  "code.below-min-weight": "Less weight has signed than is asked for here.",
  "code.below-min-signed-weight": "Less weight has signed than is asked for here.",
  "code.below-min-verification": "Operators checked it less than is asked for here.",
  "code.not-covered-yet": "The next attested block will cover it.",
  "code.order-only": "This rollup's blocks do not prove what a transaction did.",
  "code.bad-signature": "An endpoint serves a certificate whose signature does not hold.",
  "code.bad-answer": "What the endpoints answer cannot be read.",
  "code.stale-set":
    "Its operator set's time is over, or that of the set which the page names: too late to check it.",
  "code.l1-unavailable": "The L1 nodes that are trusted here do not answer alike.",
  "code.verifier-unavailable": "The part of this page that checks could not be loaded.",
  "code.bad-trust": "What the page says of trust or network cannot be used.",
  "code.bad-attribute": "The page says too little of what to ask, or it wrongly.",
  "code.conflicting-certificates": "Two valid certificates conflict.",
  "code.reported-contradiction": "The endpoints say that a certificate does not hold.",
  "code.other": "The code is {code}.",
} as const;

export type WordKey = keyof typeof ENGLISH;

/** What badges say, by key; `{name}` stands for a value that is filled in. */
export type BadgeWords = { readonly [Key in WordKey]: string };

const languages = new Map<string, Partial<BadgeWords>>();

/** Adds the words of a language; what is left out stays English. */
export function addBadgeWords(lang: string, words: Partial<BadgeWords>): void {
  languages.set(lang.toLowerCase(), words);
}

/** The words of a language, of the one that it is a kind of, or English. */
export function wordsOf(lang: string): BadgeWords {
  const tag = lang.toLowerCase();
  const [primary = ""] = tag.split("-");
  return { ...ENGLISH, ...languages.get(primary), ...languages.get(tag) };
}

/** A template with its values. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** The words for a code: those of its own, or the code itself. */
export function wordsOfCode(words: BadgeWords, code: string): string {
  const own = (words as Readonly<Record<string, string>>)[`code.${code}`];
  return own ?? fill(words["code.other"], { code });
}

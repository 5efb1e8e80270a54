import { afterAll, expect, describe as group, it } from "vitest";
import { describe } from "../../src/badge/description.ts";
import { type FinalityDetail, unknownDetail } from "../../src/badge/finding.ts";
import { addBadgeWords, wordsOf } from "../../src/badge/words.ts";

const NOW = 1_800_000_000_000;
const HASH = `0x${"ab".repeat(32)}` as const;
const FINAL: FinalityDetail = {
  state: "fast-final",
  code: null,
  isVerified: true,
  knownState: "fast-final",
  rollupId: 901n,
  subject: { kind: "block", block: 42n },
  block: { blockNumber: 42n, blockHash: HASH },
  rule: {
    signedWeight: 70n,
    requiredWeight: null,
    totalWeight: 100n,
    thresholdBps: 6667,
    verification: 1,
    epoch: 3n,
  },
  certificate: { certificateId: HASH, blockNumber: 42n, timestamp: 1_799_999_988n },
  isSuccess: null,
  voices: 0,
  confirmedAtMs: NOW - 3_000,
  endpoints: [{ endpoint: "https://a.example/", code: "verified" }],
};
const TRANSACTION = { subject: { kind: "transaction", hash: HASH } } as const;
const STATES = [
  "unknown",
  "observed",
  "not-yet",
  "fast-final",
  "contradicted",
  "stale",
  "unreachable",
] as const;

function show(change: Partial<FinalityDetail> = {}, lang = "en") {
  return describe({ ...FINAL, ...change }, NOW, wordsOf(lang));
}

it("a checked, fresh fast-final names its rule, its weight and its age", () => {
  expect(show()).toMatchInlineSnapshot(`
    {
      "age": "12 s",
      "figure": "70 %",
      "glyph": "check",
      "label": "Fast-final",
      "lines": [
        {
          "name": "Source",
          "text": "Checked in this browser: signatures, operator set, threshold, way to the block",
        },
        {
          "name": "Rule",
          "text": "70 of 100 weight signed, 70 %; 66.67 % was needed",
        },
        {
          "name": "Operators",
          "text": "Compared the block's header with independent sources; set of epoch 3",
        },
        {
          "name": "Block",
          "text": "42, 0xababab…abab",
        },
        {
          "name": "Certificate",
          "text": "0xababab…abab",
        },
        {
          "name": "Age",
          "text": "Certified block 12 s old; confirmed 3.0 s ago",
        },
        {
          "name": "Endpoints",
          "text": "a.example: verified",
        },
      ],
      "progress": 1,
      "promise": "Restaked operators signed this block or a descendant; whoever signs a conflicting one can be slashed.",
      "tone": "final",
    }
  `);
});

group("green is", () => {
  it("nothing but fast-final that was checked here", () => {
    for (const state of STATES) {
      for (const isVerified of [true, false]) {
        const isGreen = state === "fast-final" && isVerified;
        expect(show({ state, isVerified }).tone === "final").toBe(isGreen);
      }
    }
  });

  it("no transaction that failed, or of which nobody can tell", () => {
    expect(show({ ...TRANSACTION, isSuccess: true }).tone).toBe("final");
    expect(show({ ...TRANSACTION, isSuccess: null }).tone).toBe("info");
    const failed = show({ ...TRANSACTION, isSuccess: false });
    expect(failed).toMatchObject({ tone: "alarm", label: "Failed for good" });
  });
});

it("the endpoints' word is named as their word, with how many there are", () => {
  const endpoints = ["a", "b", "c"].map((name) => ({ endpoint: `https://${name}/`, code: "x" }));
  const said = show({ isVerified: false, voices: 2, endpoints });
  expect(said.label).toBe("Fast-final, not checked");
  const [source] = said.lines;
  expect(source?.text).toBe("2 of 3 endpoints say so; nothing was checked in this browser");
});

it("weight so far is shown against what is needed", () => {
  const rule = { ...FINAL.rule, signedWeight: 46n, requiredWeight: 67n } as FinalityDetail["rule"];
  const change = { state: "not-yet", knownState: "not-yet", code: "below-threshold" } as const;
  const waiting = show({ ...change, rule, certificate: null, isVerified: false });
  expect(waiting).toMatchObject({ label: "Not yet final", figure: "46 %", tone: "pending" });
  expect(waiting.progress).toBeCloseTo(46 / 67, 2);
  expect(waiting.lines.map(({ text }) => text)).toContain(
    "46 of 100 weight signed so far; 67 is needed",
  );
});

it("what is stale says what was known, and since when nobody has confirmed it", () => {
  const stale = show({ state: "stale", code: "stale", isVerified: false });
  expect(stale).toMatchObject({ tone: "quiet", label: "Out of date", age: "3.0 s" });
  expect(stale.promise).toContain("What was known: Fast-final.");
});

it("an unknown tells asking from a forgery, and any code is named", () => {
  const unknown = (code: string) => describe(unknownDetail(code), NOW, wordsOf(""));
  expect(unknown("asking").label).toBe("Asking");
  expect(unknown("unknown").label).toBe("Unknown");
  expect(unknown("pruned").label).toBe("Unknown");
  expect(unknown("pruned").lines[0]?.text).toMatch(/^No longer kept by these nodes/);
  expect(unknown("bad-signature").label).toBe("Not proved");
  expect(unknown("never-heard-of").lines[0]?.text).toBe("The code is never-heard-of.");
});

group("words", () => {
  afterAll(() => addBadgeWords("de", {}));

  it("are those of the language, and English where it has none", () => {
    addBadgeWords("de", { "label.fast-final": "Schnell endgültig" });
    addBadgeWords("de-AT", { "name.rule": "Regel" });
    expect(show({}, "de-CH").label).toBe("Schnell endgültig");
    const austrian = show({}, "de-at");
    expect(austrian.label).toBe("Schnell endgültig");
    expect(austrian.lines.map(({ name }) => name)).toContain("Regel");
    expect(show({}, "fr").label).toBe("Fast-final");
  });
});

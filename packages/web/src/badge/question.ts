import type { MachNetwork, Trust } from "@mach/sdk";
import type { Hex } from "@mach/sdk/reader";

/** The attributes that the element reads; a change of any of them asks anew. */
export const QUESTION_ATTRIBUTES = [
  "endpoints",
  "rollup",
  "transaction",
  "block",
  "height",
  "network",
  "trust",
  "min-weight-bps",
  "min-verification",
  "min-signed-weight",
  "stale-after",
] as const;
export type QuestionAttribute = (typeof QUESTION_ATTRIBUTES)[number];

/** What a badge is about. */
export type Subject =
  | { readonly kind: "transaction"; readonly hash: Hex }
  | { readonly kind: "block"; readonly block: Hex | bigint };

/** What is asked of a certificate beyond its being valid. */
export interface BadgePolicy {
  /** Basis points of the set's weight, 6667 to 10000. */
  readonly minWeightBps: number;
  /** 1 `header`, 2 `executed`. */
  readonly minVerification: 1 | 2;
  /** In the registry's unit of weight. */
  readonly minSignedWeight: bigint;
}

/** What is checked in the page, and against what. */
export interface BadgeTrust {
  readonly network: MachNetwork;
  readonly trust: Trust;
}

/** A badge's question: two badges that ask the same share the answer. */
export interface Question {
  readonly key: string;
  /** Origins with a slash at the end. */
  readonly endpoints: readonly string[];
  readonly rollupId: bigint;
  readonly subject: Subject;
  readonly policy: BadgePolicy;
  /** Null where the endpoints' word is shown, as their word. */
  readonly trust: BadgeTrust | null;
  /** How long an answer counts after it was asked for, milliseconds. */
  readonly staleAfterMs: number;
}

export type QuestionResult =
  | { readonly ok: true; readonly question: Question }
  /** The first attribute that is missing or has the wrong form. */
  | { readonly ok: false; readonly attribute: QuestionAttribute };

export const MAX_ENDPOINTS = 16;
const MAX_L1_URLS = 8;
const HASH = /^0x[0-9a-f]{64}$/;
const ADDRESS = /^0x[0-9a-f]{40}$/;
const NUMBER = /^(?:0|[1-9][0-9]{0,38})$/;
const MAX_UINT64 = (1n << 64n) - 1n;
const DEFAULT_STALE_SECONDS = 30n;
const [LEAST_STALE_SECONDS, MOST_STALE_SECONDS] = [2n, 3_600n];
const [LEAST_WEIGHT_BPS, MOST_WEIGHT_BPS] = [6_667n, 10_000n];

/** Reads a question from attributes. Nothing that has the wrong form is left out or mended. */
export function readQuestion(get: (name: QuestionAttribute) => string | null): QuestionResult {
  const text = (name: QuestionAttribute): string => get(name)?.trim() ?? "";
  const whole = (name: QuestionAttribute, ifNone: bigint, range: readonly [bigint, bigint]) =>
    text(name) === "" ? ifNone : numberIn(text(name), range);

  const endpoints = readOrigins(text("endpoints"));
  if (endpoints === null) return { ok: false, attribute: "endpoints" };
  const rollupId = numberIn(text("rollup"), [1n, MAX_UINT64]);
  if (rollupId === null) return { ok: false, attribute: "rollup" };
  const subject = readSubject(text);
  if ("attribute" in subject) return { ok: false, attribute: subject.attribute };
  const weightBps = [LEAST_WEIGHT_BPS, MOST_WEIGHT_BPS] as const;
  const minWeightBps = whole("min-weight-bps", LEAST_WEIGHT_BPS, weightBps);
  if (minWeightBps === null) return { ok: false, attribute: "min-weight-bps" };
  const minVerification = whole("min-verification", 1n, [1n, 2n]);
  if (minVerification === null) return { ok: false, attribute: "min-verification" };
  const minSignedWeight = whole("min-signed-weight", 0n, [0n, (1n << 128n) - 1n]);
  if (minSignedWeight === null) return { ok: false, attribute: "min-signed-weight" };
  const staleRange = [LEAST_STALE_SECONDS, MOST_STALE_SECONDS] as const;
  const staleAfter = whole("stale-after", DEFAULT_STALE_SECONDS, staleRange);
  if (staleAfter === null) return { ok: false, attribute: "stale-after" };
  const trust = readTrust(text);
  if (trust !== null && "attribute" in trust) return { ok: false, attribute: trust.attribute };
  return {
    ok: true,
    question: {
      key: JSON.stringify(QUESTION_ATTRIBUTES.map(text)),
      endpoints,
      rollupId,
      subject,
      policy: {
        minWeightBps: Number(minWeightBps),
        minVerification: minVerification === 2n ? 2 : 1,
        minSignedWeight,
      },
      trust,
      staleAfterMs: Number(staleAfter) * 1_000,
    },
  };
}

type Text = (name: QuestionAttribute) => string;
type Refused = { readonly attribute: QuestionAttribute };

/** Exactly one of the three is given: two could be about different blocks. */
function readSubject(text: Text): Subject | Refused {
  const names = (["transaction", "block", "height"] as const).filter((name) => text(name) !== "");
  const [name = "transaction", second] = names;
  if (second !== undefined) return { attribute: second };
  if (name === "height") {
    const block = numberIn(text(name), [0n, MAX_UINT64]);
    return block === null ? { attribute: name } : { kind: "block", block };
  }
  const hash = text(name).toLowerCase() as Hex;
  if (!HASH.test(hash)) return { attribute: name };
  return name === "block" ? { kind: name, block: hash } : { kind: name, hash };
}

/** `EPOCH:OPERATORSETHASH`, or URLs of L1 nodes; with it the network has to be known as well. */
function readTrust(text: Text): BadgeTrust | Refused | null {
  const given = text("trust");
  if (given === "") return null;
  const network = readNetwork(text("network"));
  if (network === null) return { attribute: "network" };
  const [, epoch = "", hash = ""] = /^([^:]*):(0x[0-9a-fA-F]{64})$/.exec(given) ?? [];
  const pinned = numberIn(epoch, [0n, MAX_UINT64]);
  if (pinned !== null) {
    return { network, trust: { epoch: pinned, operatorSetHash: hash.toLowerCase() as Hex } };
  }
  const rpcUrls = given.split(/[\s,]+/);
  const isUrl = (url: string): boolean => /^https?:\/\//.test(url) && URL.canParse(url);
  if (rpcUrls.length > MAX_L1_URLS || !rpcUrls.every(isUrl)) return { attribute: "trust" };
  return { network, trust: { l1: { rpcUrls } } };
}

/** JSON with the integers as decimal strings; other fields are not read. */
function readNetwork(json: string): MachNetwork | null {
  const fields = parseObject(json);
  const registry = String(fields["registry"]).toLowerCase();
  const window = fields["acceptanceWindowSeconds"];
  const [chainId, genesisTime, epochSeconds, acceptanceWindowSeconds] = [
    fields["chainId"],
    fields["genesisTime"],
    fields["epochSeconds"],
    window ?? "0",
  ].map((value) => (typeof value === "string" ? numberIn(value, [0n, MAX_UINT64]) : null));
  if (!ADDRESS.test(registry) || !chainId || !genesisTime || !epochSeconds) return null;
  if (typeof acceptanceWindowSeconds !== "bigint") return null;
  const network = { chainId, registry: registry as Hex, genesisTime, epochSeconds };
  return window === undefined ? network : { ...network, acceptanceWindowSeconds };
}

function parseObject(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // An attribute can hold any text.
    return {};
  }
}

/** One to sixteen different origins, by white space or commas. */
function readOrigins(list: string): readonly string[] | null {
  const origins = list.split(/[\s,]+/).map(originOf);
  const known = origins.filter((origin) => origin !== null);
  const isFit = known.length === origins.length && known.length <= MAX_ENDPOINTS;
  // The same URL twice is one voice, not two.
  return isFit && new Set(known).size === known.length ? known : null;
}

function originOf(text: string): string | null {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return null;
  const { origin, href } = new URL(text);
  return href === `${origin}/` ? href : null;
}

function numberIn(text: string, [least, most]: readonly [bigint, bigint]): bigint | null {
  if (!NUMBER.test(text)) return null;
  const value = BigInt(text);
  return value >= least && value <= most ? value : null;
}

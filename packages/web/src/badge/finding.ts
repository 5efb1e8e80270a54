import type { EndpointReport } from "@mach/sdk";
import { elapsedMs, type Instant } from "./clock.ts";
import { isWaiting, type Proof } from "./proof.ts";
import type { Question, Subject } from "./question.ts";
import {
  type Agreed,
  agreeOn,
  type BlockName,
  type CertificateName,
  type Rule,
  type Said,
  type SaidStatus,
} from "./said.ts";

/** What a badge shows. Only `fast-final` that was checked in this page is ever green. */
export type BadgeState =
  /** Nothing may be concluded: `code` says why. */
  | "unknown"
  /** In a block that enough endpoints have seen; nobody has signed it yet. */
  | "observed"
  /** Some weight has signed it, or what stands is below what is asked for. */
  | "not-yet"
  /** In or under a certificate: by its own check, or by the endpoints' word (`isVerified`). */
  | "fast-final"
  /** A certificate does not hold: act on nothing, ever. */
  | "contradicted"
  /** It was known, and nobody has confirmed it for too long. */
  | "stale"
  /** No endpoint gives an answer. */
  | "unreachable";

/** What stands behind a badge: the detail of `mach-finality-change`. */
export interface FinalityDetail {
  readonly state: BadgeState;
  /** Why it is not fast-final, or not checked; null where it is. */
  readonly code: string | null;
  /** Whether signatures, set, threshold and hash chain were checked in this page. */
  readonly isVerified: boolean;
  /** What was known before it went stale; the state itself elsewhere. */
  readonly knownState: BadgeState;
  readonly rollupId: bigint | null;
  readonly subject: Subject | null;
  readonly block: BlockName | null;
  readonly rule: Rule | null;
  readonly certificate: CertificateName | null;
  /** Whether the transaction did what it was to do: proved by its receipt, null where it is not. */
  readonly isSuccess: boolean | null;
  /** How many endpoints say so, where nothing was checked. */
  readonly voices: number;
  /** When what is shown was asked for last, milliseconds since 1970. */
  readonly confirmedAtMs: number | null;
  /** Each endpoint's part in it. */
  readonly endpoints: readonly EndpointReport[];
}

/** Something that was learnt, and when it was asked for. */
export interface Dated<T> {
  readonly value: T;
  readonly at: Instant;
}

export type FinalProof = Extract<Proof, { readonly status: "fast-final" }>;

/** All that a badge has seen of its question. */
export interface Sight {
  /** The newest answer of each endpoint, by its URL: silence takes back none. */
  readonly said: ReadonlyMap<string, Dated<Said>>;
  /** What came of the newest request to each endpoint. */
  readonly reports: ReadonlyMap<string, string>;
  /** The newest outcome of checking, where it is not a proof. */
  readonly unproven: Dated<Exclude<Proof, FinalProof>> | null;
  /** What was proved, and when it was proved last. */
  readonly proven: Dated<FinalProof> | null;
  /** The newest state in which something was known. */
  readonly known: FinalityDetail | null;
}

export const NOTHING_SEEN: Sight = {
  said: new Map(),
  reports: new Map(),
  unproven: null,
  proven: null,
  known: null,
};

/** What a badge shows that cannot ask. */
export function unknownDetail(code: string): FinalityDetail {
  return { ...NOTHING, code, rollupId: null, subject: null, endpoints: [] };
}

/** What may be concluded from all that was seen, now. */
export function findDetail(question: Question, sight: Sight, now: Instant): FinalityDetail {
  const { rollupId, subject, staleAfterMs, trust } = question;
  // What was contradicted stays so, whatever is said later or not at all.
  if (sight.known?.state === "contradicted") return sight.known;
  const isFresh = ({ at }: Dated<unknown>): boolean => elapsedMs(at, now) <= staleAfterMs;
  const fresh = [...sight.said.values()].filter(isFresh);
  const confirmedAtMs = newestOf(fresh);
  const reports = [...sight.reports].map(([endpoint, code]) => ({ endpoint, code }));
  const base = { ...NOTHING, rollupId, subject, confirmedAtMs, endpoints: reports };
  const proof = sight.unproven;
  const agreed = agreeOn(
    fresh.map(({ value }) => value),
    question,
  );
  if (proof?.value.status === "contradicted") {
    return named({ ...base, ...lastFacts(sight) }, "contradicted", proof.value.code);
  }
  const { proven } = sight;
  if (proven !== null && isFresh(proven)) return provenDetail(base, proven);
  if (agreed.kind === "contradicted") {
    return named({ ...base, ...lastFacts(sight) }, "contradicted", "reported-contradiction");
  }
  if (sight.known !== null && isForgotten(agreed, fresh.length, proven)) {
    return outdated(sight.known, reports);
  }
  if (fresh.length === 0) return nobodyAnswers(base, question, sight);
  if (trust === null) return saidDetail(base, agreed);
  return uncheckedDetail(base, agreed, proof && isFresh(proof) ? proof.value : null);
}

const NOTHING = {
  state: "unknown",
  code: null,
  isVerified: false,
  knownState: "unknown",
  block: null,
  rule: null,
  certificate: null,
  isSuccess: null,
  voices: 0,
  confirmedAtMs: null,
} as const;

type Base = Omit<FinalityDetail, "state" | "knownState" | "code">;

function named(base: Base, state: BadgeState, code: string | null): FinalityDetail {
  return { ...base, state, knownState: state, code };
}

function provenDetail(base: Base, { value, at }: Dated<FinalProof>): FinalityDetail {
  const { block, rule, certificate, isSuccess, endpoints } = value;
  const facts = { block, rule, certificate, isSuccess, endpoints };
  const confirmed = { isVerified: true, confirmedAtMs: at.wallMs };
  return named({ ...base, ...facts, ...confirmed }, "fast-final", null);
}

type Uncontradicted = Exclude<Agreed, { readonly kind: "contradicted" }>;

/** The endpoints' word, as their word. */
function saidDetail(base: Base, agreed: Uncontradicted): FinalityDetail {
  switch (agreed.kind) {
    case "fast-final":
      return named(
        { ...base, ...factsOf(agreed.status), voices: agreed.voices },
        "fast-final",
        null,
      );
    case "pending": {
      const state = agreed.name === "observed" ? "observed" : "not-yet";
      return named({ ...base, ...factsOf(agreed.status) }, state, agreed.code);
    }
    case "unknown":
      return named(base, "unknown", agreed.code);
  }
}

/** What endpoints say where it has to be checked, and is not: never more than that it waits. */
function uncheckedDetail(
  base: Base,
  agreed: Uncontradicted,
  proof: Exclude<Proof, FinalProof> | null,
): FinalityDetail {
  const code = proof?.code ?? "checking";
  const hasFailed = proof !== null && proof.status === "not-yet" && !isWaiting(code);
  if (hasFailed) return named({ ...base, endpoints: proof.endpoints }, "unknown", code);
  if (agreed.kind !== "fast-final") return saidDetail(base, agreed);
  return named({ ...base, ...factsOf(agreed.status) }, "not-yet", code);
}

/** Whether what was known has only lost its voices: nobody says anything else. */
function isForgotten(agreed: Agreed, answers: number, proven: Sight["proven"]): boolean {
  if (proven !== null || answers === 0) return true;
  return agreed.kind === "unknown" && agreed.code === "too-few-answers";
}

function outdated(known: FinalityDetail, endpoints: FinalityDetail["endpoints"]): FinalityDetail {
  return { ...known, state: "stale", code: "stale", isVerified: false, endpoints };
}

function nobodyAnswers(base: Base, { endpoints }: Question, { reports }: Sight): FinalityDetail {
  if (reports.size < endpoints.length) return named(base, "unknown", "asking");
  const isRubbish = [...reports.values()].includes("bad-answer");
  return named(base, "unreachable", isRubbish ? "bad-answer" : "unreachable");
}

function factsOf(status: SaidStatus): Pick<FinalityDetail, "block" | "rule" | "certificate"> {
  const { block, rule, certificate } = status;
  return { block, rule, certificate };
}

function lastFacts({ known }: Sight): Partial<Base> {
  if (known === null) return {};
  const { block, rule, certificate } = known;
  return { block, rule, certificate };
}

function newestOf(dated: readonly Dated<unknown>[]): number | null {
  return dated.reduce<number | null>((newest, { at }) => Math.max(newest ?? 0, at.wallMs), null);
}

import type { Hex } from "@mach/core";
import type {
  Accusation,
  EncodedCharge,
  EncodedEvidence,
  SlasherCall,
} from "./evidence-calldata.ts";
import type { ChargeState, SlasherTerms } from "./slasher-reader.ts";

/** One transaction of a submission. */
export type SubmissionStep =
  /** Convicts, or records a charge. */
  | { readonly action: "report" | "charge" | "prove" | "convict"; readonly call: SlasherCall }
  /** Has the contract remember a part of the walk: `from` blocks below `start`, and further down. */
  | {
      readonly action: "walk";
      readonly start: Hex;
      readonly from: number;
      readonly headers: readonly Hex[];
      /** How many blocks below the evidence's higher block it arrives. */
      readonly distance: number;
    }
  /** Takes from one source what a conviction costs there. */
  | ({ readonly action: "collect"; readonly source: Hex } & Accusation);

export type SubmissionRefusal =
  /** All of its operators are convicted, and it has been taken from every source. */
  | { readonly ok: false; readonly code: "already-convicted" }
  /** The time in which it convicts ended at `deadline`, in seconds. */
  | { readonly ok: false; readonly code: "window-over"; readonly deadline: bigint }
  /** L1 cannot read how this rollup settles, so that a charge against its operators stays one. */
  | { readonly ok: false; readonly code: "no-settlement" }
  /** A certificate between the two, or settlement, has excused the operators. */
  | { readonly ok: false; readonly code: "charge-void" }
  /** The charge is walked from a block above the evidence's, from which the headers are needed. */
  | { readonly ok: false; readonly code: "headers-missing" }
  /** The charge is proved and can be challenged until `until`, inclusive, in seconds. */
  | { readonly ok: false; readonly code: "challenge-open"; readonly until: bigint };

export type SubmissionPlan =
  | {
      readonly ok: true;
      readonly steps: readonly SubmissionStep[];
      /** Whether the steps end in a charge that has to wait, and nobody is convicted by them. */
      readonly isCharge: boolean;
    }
  | SubmissionRefusal;

/** A walk of headers, as far as the contract knows it. */
export interface KnownWalk {
  readonly start: Hex;
  /** How many blocks below the start the evidence's higher block is. */
  readonly offset: number;
  /** How many blocks below that one the walk is known; null where it is not known so far down. */
  readonly walked: number | null;
}

/** What the contract knows already. */
export interface SubmissionState {
  /** Of the newest block, in seconds. */
  readonly now: bigint;
  readonly convicted: ReadonlySet<Hex>;
  /** The sources from which has been taken for a conviction. */
  readonly collected: (convictionId: Hex, source: Hex) => boolean;
  readonly charge: ChargeState | null;
  /** How far the walk of the charge's headers is known. */
  readonly walk: KnownWalk;
  /** Whether L1 can read how the rollup of a charge settles. */
  readonly hasSettlement: boolean;
}

/** The bytes of headers in one transaction, a little below what a node relays. */
const MAX_HEADER_BYTES = 96 * 1024;

/** How many transactions are left, and which; a refusal where none of them could do anything. */
export function planSubmission(
  evidence: EncodedEvidence,
  terms: SlasherTerms,
  state: SubmissionState,
): SubmissionPlan {
  const open = evidence.accused.filter((each) => !state.convicted.has(each.convictionId));
  const convicting =
    open.length === 0 ? { ok: true as const, steps: [] } : planConviction(evidence, terms, state);
  if (!convicting.ok) {
    // What is convicted can be taken, whatever became of the rest.
    const rest = collectFrom(
      evidence.accused.filter((each) => !open.includes(each)),
      terms,
      state,
    );
    return rest.length > 0 ? { ok: true, steps: rest, isCharge: false } : convicting;
  }
  const isCharge = convicting.steps.some((step) => step.action === "prove");
  const collectable = isCharge
    ? evidence.accused.filter((each) => !open.includes(each))
    : evidence.accused;
  const steps = [...convicting.steps, ...collectFrom(collectable, terms, state)];
  return steps.length > 0
    ? { ok: true, steps, isCharge }
    : { ok: false, code: "already-convicted" };
}

/** The end of the time in which evidence about these epochs convicts, inclusive, in seconds. */
export function evidenceDeadline(terms: SlasherTerms, epochs: readonly bigint[]): bigint {
  const latest = epochs.reduce((left, right) => (left > right ? left : right));
  return terms.genesisTime + (latest + 1n) * terms.epochSeconds + terms.evidenceWindow;
}

/** The batches of headers that are walked below a block, as how many are below each one's end. */
export function walkDistances(headers: readonly Hex[]): readonly number[] {
  const ends: number[] = [];
  let bytes = 0;
  for (const [index, header] of headers.entries()) {
    const size = header.length / 2 - 1;
    if (bytes > 0 && bytes + size > MAX_HEADER_BYTES) {
      ends.push(index);
      bytes = 0;
    }
    bytes += size;
  }
  return headers.length === 0 ? ends : [...ends, headers.length];
}

function planConviction(
  evidence: EncodedEvidence,
  terms: SlasherTerms,
  state: SubmissionState,
): { readonly ok: true; readonly steps: readonly SubmissionStep[] } | SubmissionRefusal {
  const { charge, epochs } = evidence;
  const open = evidence.accused
    .filter((each) => !state.convicted.has(each.convictionId))
    .map((each) => each.operator);
  const deadline = evidenceDeadline(terms, epochs);
  if (charge !== null && state.charge !== null) {
    if (state.charge.isVoid) return { ok: false, code: "charge-void" };
    if (state.charge.provedAt !== null) return planOpenCharge(evidence, terms, state);
  }
  if (state.now > deadline) return { ok: false, code: "window-over", deadline };
  if (charge === null || charge.distance === 0) {
    const steps = evidence.report(open).map(toStep);
    return { ok: true, steps };
  }
  if (!state.hasSettlement) return { ok: false, code: "no-settlement" };
  // The contract refuses a proof whose challenge would outlast the window.
  const provable = deadline - terms.challengeWindow;
  if (state.now > provable) return { ok: false, code: "window-over", deadline: provable };
  const { walk } = state;
  if (walk.walked === null) return { ok: false, code: "headers-missing" };
  const record =
    state.charge === null ? [{ action: "charge", call: charge.open([]) } as const] : [];
  return { ok: true, steps: [...record, ...planProof(charge, walk, walk.walked)] };
}

/** A charge that is proved: convicted of when its challenge is over, which takes none at one height. */
function planOpenCharge(
  evidence: EncodedEvidence,
  terms: SlasherTerms,
  state: SubmissionState,
): { readonly ok: true; readonly steps: readonly SubmissionStep[] } | SubmissionRefusal {
  const { charge } = evidence;
  const provedAt = state.charge?.provedAt ?? 0n;
  const until = provedAt + terms.challengeWindow;
  if (charge === null) return { ok: true, steps: [] };
  if (charge.distance > 0 && state.now <= until)
    return { ok: false, code: "challenge-open", until };
  const late = until + terms.challengeWindow;
  const usual = evidenceDeadline(terms, evidence.epochs);
  const deadline = late > usual ? late : usual;
  if (state.now > deadline) return { ok: false, code: "window-over", deadline };
  const operators = evidence.accused
    .filter((each) => !state.convicted.has(each.convictionId))
    .map((each) => each.operator);
  return {
    ok: true,
    steps: charge.convict(operators).map((call) => ({ action: "convict", call })),
  };
}

function planProof(
  charge: EncodedCharge,
  { start, offset }: KnownWalk,
  walked: number,
): readonly SubmissionStep[] {
  const { headers } = charge;
  const steps: SubmissionStep[] = [];
  let from = walked;
  const ends = walkDistances(headers.slice(walked)).map((each) => walked + each);
  for (const distance of ends.slice(0, -1)) {
    const batch = headers.slice(from, distance);
    steps.push({ action: "walk", start, from: offset + from, headers: batch, distance });
    from = distance;
  }
  return [...steps, { action: "prove", call: charge.prove(offset + from, headers.slice(from)) }];
}

function collectFrom(
  accused: readonly Accusation[],
  terms: SlasherTerms,
  state: SubmissionState,
): readonly SubmissionStep[] {
  return accused.flatMap((each) =>
    terms.sources
      .filter((source) => !state.collected(each.convictionId, source))
      .map((source) => ({ action: "collect" as const, source, ...each })),
  );
}

function toStep(call: SlasherCall): SubmissionStep {
  return { action: call.method === "convict" ? "convict" : "report", call };
}

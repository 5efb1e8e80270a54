import type { Hex } from "@mach/core";
import * as z from "zod/mini";
import {
  address,
  code,
  count,
  type Document,
  type DocumentSchema,
  uint64,
  uint128,
} from "./scalars.ts";

/** How an operator's attestation can be wanting: after the window, not at all, another claim. */
export const LAPSE_KINDS = ["late", "missed", "disagreeing"] as const;
export type LapseKind = (typeof LAPSE_KINDS)[number];

/** Why, as far as a node can know. Of its own operator it gives its own codes of abstention too. */
export const LAPSE_REASONS = {
  "after-window": "It came after the certificate had closed.",
  "left-branch": "It attested a block that this node followed as well, before a reorg.",
  "other-block": "It attested another block at that height.",
  "other-root": "It attested the block, with another root, timestamp or epoch.",
  "double-attestation": "It attested two claims at that height: see /v1/evidence.",
  "fork-locked": "The last block that it is known to have attested is of a branch that was left.",
  skipped: "It attested other blocks meanwhile, and not this one.",
  silent: "No attestation of it reached this node meanwhile, for any rollup.",
} as const;
export type LapseReason = keyof typeof LAPSE_REASONS;

/** One height at which an operator's attestation was wanting. */
export interface Lapse {
  readonly kind: LapseKind;
  readonly blockNumber: bigint;
  /** One of LAPSE_REASONS, or a code of abstention. */
  readonly reason: string;
  /** Milliseconds after the certificate's window had closed; null unless it was late. */
  readonly lateMs: number | null;
}

/** How many lapses of a kind had a reason. */
export interface LapseCount {
  readonly kind: LapseKind;
  readonly reason: string;
  readonly count: number;
}

/** Heights by what became of the operator's attestation; `expected` is the sum of the others. */
export interface ParticipationCounts {
  readonly expected: number;
  /** In the certificate; where none stands, attributed to the claim that the node made itself. */
  readonly made: number;
  readonly late: number;
  readonly missed: number;
  readonly disagreeing: number;
  /** The node ran, and cannot tell: too little of that height reached it. Never held against it. */
  readonly unseen: number;
}

/** What a node has seen of one operator on one rollup in one epoch. */
export interface Participation extends ParticipationCounts {
  /** The highest that it attested; null for none. */
  readonly newestBlockNumber: bigint | null;
  /** Every lapse by its reason. */
  readonly reasons: readonly LapseCount[];
  /** The newest lapses, ascending by height. */
  readonly lapses: readonly Lapse[];
}

/** A participation with what it is of. */
export interface RollupParticipation extends Participation {
  readonly rollupId: bigint;
  readonly epoch: bigint;
  /** Up to which height is counted. */
  readonly throughBlockNumber: bigint;
}

/** An operator of an epoch's set, and its participation over all rollups in that epoch. */
export interface OperatorSummary extends ParticipationCounts {
  readonly operator: Hex;
  readonly epoch: bigint;
  readonly index: number;
  readonly weight: bigint;
}

/** What a node has seen of one operator, by ascending epoch and rollup. */
export interface OperatorReport {
  readonly operator: Hex;
  readonly participation: readonly RollupParticipation[];
}

/** The most newest lapses, and the most different reasons, that are told of. */
export const MAX_LAPSES = 8;
export const MAX_LAPSE_REASONS = 16;
/** The most rollups and epochs of one report: a page of epochs of as many rollups as are followed. */
const MAX_REPORT_ROWS = 32_768;

const kind = z.enum(LAPSE_KINDS);

const countsShape = {
  expected: count,
  made: count,
  late: count,
  missed: count,
  disagreeing: count,
  unseen: count,
};

/** The fields of a participation, for documents that name what it is of. */
export const participationShape: {
  readonly [Field in keyof Participation]: DocumentSchema<Participation[Field]>;
} = {
  ...countsShape,
  newestBlockNumber: uint64.apply(z.nullable),
  reasons: z
    .array(z.strictObject({ kind, reason: code, count }))
    .check(z.maxLength(MAX_LAPSE_REASONS)),
  lapses: z
    .array(
      z.strictObject({ kind, blockNumber: uint64, reason: code, lateMs: count.apply(z.nullable) }),
    )
    .check(z.maxLength(MAX_LAPSES)),
};

export const operatorSummarySchema: DocumentSchema<OperatorSummary> = z
  .strictObject({ operator: address, epoch: uint64, index: count, weight: uint128, ...countsShape })
  .check(z.meta({ id: "OperatorSummary", description: "An operator and what it did in an epoch" }));

export const operatorReportSchema: DocumentSchema<OperatorReport> = z
  .strictObject({
    operator: address,
    participation: z
      .array(
        z.strictObject({
          rollupId: uint64,
          epoch: uint64,
          throughBlockNumber: uint64,
          ...participationShape,
        }),
      )
      .check(z.maxLength(MAX_REPORT_ROWS)),
  })
  .check(z.meta({ id: "OperatorReport", description: "What the node has seen of one operator" }));

/** The JSON of an operator's summary. */
export function encodeOperatorSummary(summary: OperatorSummary): Document<OperatorSummary> {
  const { operator, epoch, index, weight } = summary;
  return { operator, epoch: `${epoch}`, index, weight: `${weight}`, ...countsOf(summary) };
}

/** The JSON of an operator's report. */
export function encodeOperatorReport(report: OperatorReport): Document<OperatorReport> {
  return {
    operator: report.operator,
    participation: report.participation.map((each) => ({
      rollupId: `${each.rollupId}`,
      epoch: `${each.epoch}`,
      throughBlockNumber: `${each.throughBlockNumber}`,
      ...encodeParticipation(each),
    })),
  };
}

/** The JSON of a participation, without what it is of. */
export function encodeParticipation(participation: Participation): Document<Participation> {
  const { newestBlockNumber, reasons, lapses } = participation;
  return {
    ...countsOf(participation),
    newestBlockNumber: newestBlockNumber === null ? null : `${newestBlockNumber}`,
    reasons: reasons.map(({ kind, reason, count }) => ({ kind, reason, count })),
    lapses: lapses.map(({ kind, blockNumber, reason, lateMs }) => ({
      kind,
      blockNumber: `${blockNumber}`,
      reason,
      lateMs,
    })),
  };
}

function countsOf(counts: ParticipationCounts): ParticipationCounts {
  const { expected, made, late, missed, disagreeing, unseen } = counts;
  return { expected, made, late, missed, disagreeing, unseen };
}

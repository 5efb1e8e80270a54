import {
  type Certificate,
  type Hex,
  requiredWeight,
  type VerificationLevel,
  type VerifiedCertificate,
} from "@mach/core";
import * as z from "zod/mini";
import { certificateSchema, encodeCertificate, MAX_HEADER_BYTES } from "./documents.ts";
import {
  type InclusionProof,
  inclusionProofSchema,
  type ProofGap,
  proofGapSchema,
} from "./inclusion.ts";
import {
  code,
  count,
  type Document,
  type DocumentSchema,
  hash,
  hexRangeSchema,
  uint64,
  uint128,
} from "./scalars.ts";

/** The statuses of a rollup block, from nothing known to the most certain, and contradicted. */
export const BLOCK_STATUSES = [
  "unknown",
  "observed",
  "attested",
  "fast-final",
  "safe",
  "finalized",
  "contradicted",
] as const;
export type BlockStatusName = (typeof BLOCK_STATUSES)[number];

/** What a badge rests on; one for each status, in the same order. */
export const RULE_BASES = [
  "nothing",
  "node",
  "attestations",
  "certificate",
  "l1",
  "l1-finalized",
  "contradiction",
] as const;
export type RuleBasis = (typeof RULE_BASES)[number];

/** Why a rollup, or a block, is not fast-final: `REASONS` tells what each means. */
export const REASON_CODES = [
  "below-threshold",
  "split",
  "contradicted",
  "unknown-operator-set",
  "unknown-rollup",
  "no-block",
  "unknown-block",
  "unverified-block",
  "not-covered-yet",
  "pruned",
  "l1-unavailable",
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** Why something is not fast-final. Weights are null where no operator set tells them. */
export interface Reason {
  readonly code: ReasonCode;
  readonly blockNumber: bigint | null;
  readonly presentWeight: bigint | null;
  readonly requiredWeight: bigint | null;
  /** The code with which this node abstained from the block, if it did. */
  readonly abstention: string | null;
}

/** The rule behind a badge. Weights, threshold, level and epoch are null where none applies. */
export interface BadgeRule {
  readonly basis: RuleBasis;
  readonly signedWeight: bigint | null;
  readonly requiredWeight: bigint | null;
  readonly totalWeight: bigint | null;
  readonly thresholdBps: number | null;
  readonly verification: VerificationLevel | null;
  readonly epoch: bigint | null;
}

/** A block of a rollup; `timestamp` in seconds. */
export interface BlockReference {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly timestamp: bigint;
}

/** How final a rollup is. Every head is null while this node knows none. */
export interface Finality {
  readonly rollupId: bigint;
  readonly observed: BlockReference | null;
  readonly fastFinal: BlockReference | null;
  readonly safe: BlockReference | null;
  readonly finalized: BlockReference | null;
  /** The one that `fastFinal` rests on. */
  readonly certificate: Certificate | null;
  readonly rule: BadgeRule | null;
  /** Why the newest attested height is not fast-final; null where it is. */
  readonly reason: Reason | null;
  /** Weights behind the newest attested height; 0 of 0 where no operator set is known. */
  readonly participation: { readonly signed: bigint; readonly total: bigint };
  /** From this node's first sight of the certified block to its certificate, milliseconds. */
  readonly latencyMs: number | null;
  readonly agesMs: FinalityAges;
}

/** Milliseconds since each block's timestamp, and since the certificate stood on this node. */
export interface FinalityAges {
  readonly observed: number | null;
  readonly fastFinal: number | null;
  readonly safe: number | null;
  readonly finalized: number | null;
  readonly certificate: number | null;
}

/** The status of one rollup block, and everything needed to check it. */
export interface BlockStatus {
  readonly rollupId: bigint;
  readonly status: BlockStatusName;
  /** Null while the block is unknown. */
  readonly block: BlockReference | null;
  readonly rule: BadgeRule;
  /** The certificate in or under which the block is. */
  readonly certificate: Certificate | null;
  /**
   * The headers from the certificate's block down to the block's child, newest first: the first
   * hashes to the certificate's blockHash, the last one's parentHash is the block's hash. Empty
   * where the certificate is for the block itself; null without a certificate, and where the node
   * does not hold all of them.
   */
  readonly headers: readonly Hex[] | null;
  /** Why the block is not fast-final; null where it is, or is more than that. */
  readonly reason: Reason | null;
  readonly agesMs: { readonly block: number | null; readonly certificate: number | null };
}

/** The status of the block that a transaction is in; unknown while this node knows of none. */
export interface TransactionStatus extends BlockStatus {
  readonly transactionHash: Hex;
  /** That the block holds it, and its receipt; null where `proofGap` says why there is none. */
  readonly proof: InclusionProof | null;
  readonly proofGap: ProofGap | null;
}

/** The most headers between a block and its certificate in one answer. */
export const MAX_ANSWER_HEADERS = 256;

const thresholdBps = z.int().check(z.minimum(6667)).check(z.maximum(10_000));

export const blockReferenceSchema: DocumentSchema<BlockReference> = z
  .strictObject({
    blockNumber: uint64,
    blockHash: hash,
    timestamp: uint64.check(z.meta({ description: "Seconds" })),
  })
  .check(z.meta({ id: "BlockReference", description: "A block of a rollup" }));

export const reasonSchema: DocumentSchema<Reason> = z
  .strictObject({
    code: z.enum(REASON_CODES),
    blockNumber: uint64.apply(z.nullable),
    presentWeight: uint128.apply(z.nullable),
    requiredWeight: uint128.apply(z.nullable),
    abstention: code.apply(z.nullable),
  })
  .check(z.meta({ id: "Reason", description: "Why something is not fast-final" }));

export const badgeRuleSchema: DocumentSchema<BadgeRule> = z
  .strictObject({
    basis: z.enum(RULE_BASES),
    signedWeight: uint128.apply(z.nullable),
    requiredWeight: uint128.apply(z.nullable),
    totalWeight: uint128.apply(z.nullable),
    thresholdBps: thresholdBps.apply(z.nullable),
    verification: z.literal([1, 2]).apply(z.nullable),
    epoch: uint64.apply(z.nullable),
  })
  .check(z.meta({ id: "BadgeRule", description: "The rule behind a badge" }));

const age = count.apply(z.nullable).check(z.meta({ description: "Milliseconds" }));

export const finalitySchema: DocumentSchema<Finality> = z
  .strictObject({
    rollupId: uint64,
    observed: blockReferenceSchema.apply(z.nullable),
    fastFinal: blockReferenceSchema.apply(z.nullable),
    safe: blockReferenceSchema.apply(z.nullable),
    finalized: blockReferenceSchema.apply(z.nullable),
    certificate: certificateSchema.apply(z.nullable),
    rule: badgeRuleSchema.apply(z.nullable),
    reason: reasonSchema.apply(z.nullable),
    participation: z.strictObject({ signed: uint128, total: uint128 }),
    latencyMs: age,
    agesMs: z.strictObject({
      observed: age,
      fastFinal: age,
      safe: age,
      finalized: age,
      certificate: age,
    }),
  })
  .check(z.meta({ id: "Finality", description: "How final a rollup is" }));

const blockStatusShape = {
  rollupId: uint64,
  status: z.enum(BLOCK_STATUSES),
  block: blockReferenceSchema.apply(z.nullable),
  rule: badgeRuleSchema,
  certificate: certificateSchema.apply(z.nullable),
  headers: z
    .array(hexRangeSchema(1, MAX_HEADER_BYTES))
    .check(z.maxLength(MAX_ANSWER_HEADERS))
    .apply(z.nullable)
    .check(z.meta({ description: "From the certificate's block down to the block's child" })),
  reason: reasonSchema.apply(z.nullable),
  agesMs: z.strictObject({ block: age, certificate: age }),
};

export const blockStatusSchema: DocumentSchema<BlockStatus> = z
  .strictObject(blockStatusShape)
  .check(z.meta({ id: "BlockStatus", description: "The status of one rollup block" }));

export const transactionStatusSchema: DocumentSchema<TransactionStatus> = z
  .strictObject({
    transactionHash: hash,
    ...blockStatusShape,
    proof: inclusionProofSchema.apply(z.nullable),
    proofGap: proofGapSchema.apply(z.nullable),
  })
  .check(z.meta({ id: "TransactionStatus", description: "The status of a transaction's block" }));

/** The JSON of a rollup's finality. */
export function encodeFinality(finality: Finality): Document<Finality> {
  const { agesMs, participation } = finality;
  return {
    rollupId: finality.rollupId.toString(),
    observed: orNull(finality.observed, encodeBlockReference),
    fastFinal: orNull(finality.fastFinal, encodeBlockReference),
    safe: orNull(finality.safe, encodeBlockReference),
    finalized: orNull(finality.finalized, encodeBlockReference),
    certificate: orNull(finality.certificate, encodeCertificate),
    rule: orNull(finality.rule, encodeBadgeRule),
    reason: orNull(finality.reason, encodeReason),
    participation: {
      signed: participation.signed.toString(),
      total: participation.total.toString(),
    },
    latencyMs: finality.latencyMs,
    agesMs: {
      observed: agesMs.observed,
      fastFinal: agesMs.fastFinal,
      safe: agesMs.safe,
      finalized: agesMs.finalized,
      certificate: agesMs.certificate,
    },
  };
}

/** The JSON of a block's status. */
export function encodeBlockStatus(status: BlockStatus): Document<BlockStatus> {
  return {
    rollupId: status.rollupId.toString(),
    status: status.status,
    block: orNull(status.block, encodeBlockReference),
    rule: encodeBadgeRule(status.rule),
    certificate: orNull(status.certificate, encodeCertificate),
    headers: status.headers,
    reason: orNull(status.reason, encodeReason),
    agesMs: { block: status.agesMs.block, certificate: status.agesMs.certificate },
  };
}

/** The JSON of a transaction's status. */
export function encodeTransactionStatus(status: TransactionStatus): Document<TransactionStatus> {
  const { transactionHash, proof, proofGap } = status;
  return { transactionHash, ...encodeBlockStatus(status), proof, proofGap };
}

/** The rule that a certificate fulfils. */
export function certificateRule(certificate: VerifiedCertificate): BadgeRule {
  const { claim, signedWeight, totalWeight, thresholdBps } = certificate;
  return {
    basis: "certificate",
    signedWeight,
    requiredWeight: requiredWeight(totalWeight, thresholdBps),
    totalWeight,
    thresholdBps,
    verification: claim.verification,
    epoch: claim.epoch,
  };
}

/** The JSON of the rule behind a badge. */
export function encodeBadgeRule(rule: BadgeRule): Document<BadgeRule> {
  return {
    basis: rule.basis,
    signedWeight: orNull(rule.signedWeight, String),
    requiredWeight: orNull(rule.requiredWeight, String),
    totalWeight: orNull(rule.totalWeight, String),
    thresholdBps: rule.thresholdBps,
    verification: rule.verification,
    epoch: orNull(rule.epoch, String),
  };
}

function encodeReason(reason: Reason): Document<Reason> {
  return {
    code: reason.code,
    blockNumber: orNull(reason.blockNumber, String),
    presentWeight: orNull(reason.presentWeight, String),
    requiredWeight: orNull(reason.requiredWeight, String),
    abstention: reason.abstention,
  };
}

function encodeBlockReference(block: BlockReference): Document<BlockReference> {
  return {
    blockNumber: block.blockNumber.toString(),
    blockHash: block.blockHash,
    timestamp: block.timestamp.toString(),
  };
}

function orNull<T, R>(value: T | null, encode: (value: T) => R): R | null {
  return value === null ? null : encode(value);
}

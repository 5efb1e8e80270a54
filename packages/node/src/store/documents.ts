import {
  encodeEpochRollup,
  encodeEvidence,
  encodeOperatorSet,
  encodeParticipation,
  epochRollupSchema,
  evidenceSchema,
  MAX_OPERATORS,
  operatorSetSchema,
  participationShape,
} from "@mach/api";
import { type Contradiction, type Hex, isHex, keccak256Text } from "@mach/core";
import { z } from "zod";
import { canonicalJson } from "./canonical-json.ts";
import type { EpochRecord, EvidenceEntry, ParticipationRecord, ResumePoint } from "./store.ts";

const hash = z.custom<Hex>((value) => typeof value === "string" && isHex(value, 32));
const uint64 = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,19})$/, { abort: true })
  .transform(BigInt)
  .refine((value) => value < 2n ** 64n);

/** Reads a hash, such as the name of another row. */
export const hashSchema: z.ZodType<Hex, unknown> = hash;

/** Reads an address. */
export const addressSchema: z.ZodType<Hex, unknown> = z.custom<Hex>(
  (value) => typeof value === "string" && isHex(value, 20),
);

/** Reads a uint64, by its decimal digits. */
export const numberSchema: z.ZodType<bigint, unknown> = uint64;

/** Reads the row of an epoch. */
export const epochRecordSchema: z.ZodType<EpochRecord, unknown> = z
  .strictObject({ operatorSet: operatorSetSchema, rollups: z.array(epochRollupSchema) })
  .transform(({ operatorSet, rollups }) => ({
    operatorSet,
    rollups: rollups.map(({ epoch: _, ...parameters }) => parameters),
  }));

/** Reads the row of a piece of evidence. */
export const evidenceEntrySchema: z.ZodType<EvidenceEntry, unknown> = z.strictObject({
  position: uint64,
  evidenceId: hash,
  evidence: evidenceSchema,
});

/** Reads the row of a contradiction. */
export const contradictionSchema: z.ZodType<Contradiction, unknown> = z.strictObject({
  fromBlockNumber: uint64,
  throughBlockNumber: uint64,
  claims: z.array(z.strictObject({ blockNumber: uint64, digest: hash })),
});

/** Reads the row of a resume point. */
export const resumePointSchema: z.ZodType<ResumePoint, unknown> = z.strictObject({
  rollupId: uint64,
  blockNumber: uint64,
  blockHash: hash,
});

/** Reads the row of a rollup's participation in an epoch. */
export const participationRecordSchema: z.ZodType<ParticipationRecord, unknown> = z.strictObject({
  rollupId: uint64,
  epoch: uint64,
  throughBlockNumber: uint64,
  operators: z
    .array(z.strictObject({ operator: addressSchema, ...participationShape }))
    .max(MAX_OPERATORS),
});

/** The JSON of an epoch's row. */
export function encodeEpochRecord({ operatorSet, rollups }: EpochRecord): unknown {
  const { epoch } = operatorSet;
  return {
    operatorSet: encodeOperatorSet(operatorSet),
    rollups: rollups.map((parameters) => encodeEpochRollup({ ...parameters, epoch })),
  };
}

/** Whether two records say the same of an epoch. */
export function isSameEpoch(left: EpochRecord, right: EpochRecord): boolean {
  return canonicalJson(encodeEpochRecord(left)) === canonicalJson(encodeEpochRecord(right));
}

/** The JSON of a piece of evidence with its id and position. */
export function encodeEvidenceEntry(entry: EvidenceEntry): unknown {
  const { position, evidenceId, evidence } = entry;
  return { position: `${position}`, evidenceId, evidence: encodeEvidence(evidence) };
}

/** The JSON of a contradiction. */
export function encodeContradiction(contradiction: Contradiction): unknown {
  const { fromBlockNumber, throughBlockNumber, claims } = contradiction;
  return {
    fromBlockNumber: `${fromBlockNumber}`,
    throughBlockNumber: `${throughBlockNumber}`,
    claims: claims.map(({ blockNumber, digest }) => ({ blockNumber: `${blockNumber}`, digest })),
  };
}

/** A contradiction's own name, so that it is kept once. */
export function contradictionId(contradiction: Contradiction): Hex {
  return keccak256Text(canonicalJson(encodeContradiction(contradiction)));
}

/** The JSON of a resume point. */
export function encodeResumePoint({ rollupId, blockNumber, blockHash }: ResumePoint): unknown {
  return { rollupId: `${rollupId}`, blockNumber: `${blockNumber}`, blockHash };
}

/** The JSON of a rollup's participation in an epoch. */
export function encodeParticipationRecord(record: ParticipationRecord): unknown {
  return {
    rollupId: `${record.rollupId}`,
    epoch: `${record.epoch}`,
    throughBlockNumber: `${record.throughBlockNumber}`,
    operators: record.operators.map((each) => ({
      operator: each.operator,
      ...encodeParticipation(each),
    })),
  };
}

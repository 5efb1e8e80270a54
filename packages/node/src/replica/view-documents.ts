import {
  type CertificateDocument,
  certificateSchema,
  encodeCertificate,
  encodeHealth,
  encodeRollup,
  type FollowedRollup,
  type Health,
  ROUTES,
  rollupSchema,
} from "@mach/api";
import {
  type Certificate,
  type CertifiedHeight,
  type ContradictedClaim,
  type EpochSchedule,
  type Head,
  type Hex,
  isHex,
  type RollupState,
  type VerifiedBlock,
} from "@mach/core";
import { z } from "zod";
import {
  addressSchema,
  contradictionSchema,
  encodeContradiction,
  hashSchema,
} from "../store/documents.ts";

/** What a node publishes of itself and of what it follows, as of one moment. */
export interface PublishedView {
  /** The node's clock, milliseconds. */
  readonly atMs: number;
  readonly schedule: EpochSchedule;
  readonly openHeights: number;
  readonly graceMs: number;
  readonly epochs: readonly bigint[];
  readonly absentEpochs: readonly bigint[];
  /** What has been signed of set updates that do not stand yet. */
  readonly updateWeights: readonly { readonly epoch: bigint; readonly weight: bigint }[];
  readonly health: Health;
  readonly followed: readonly FollowedRollup[];
  readonly rollups: readonly PublishedRollup[];
}

/** A rollup without its heights, which are published each by itself. */
export interface PublishedRollup
  extends Pick<
    RollupState,
    "rollupId" | "tipObservedAtMs" | "safe" | "finalized" | "lock" | "contradictions"
  > {
  readonly tip: bigint | null;
  /** The height of the certificate that `fast-final` rests on. */
  readonly newest: bigint | null;
  /** What is below is no longer published. */
  readonly lowest: bigint;
  readonly contradicted: readonly ContradictedClaim[];
  /** Operators that a reorg left on another branch. */
  readonly off: readonly {
    readonly operator: Hex;
    readonly blockNumber: bigint;
    readonly blockHash: Hex;
  }[];
  /** Why the node trusts no newer block. */
  readonly abstention: string | null;
}

/** What is known of one height; an empty one takes the place of what has gone. */
export interface PublishedHeight {
  readonly block: VerifiedBlock | null;
  readonly observedAtMs: number | null;
  /** What has attested the block and is not in a certificate. */
  readonly weight: bigint;
  readonly certified:
    | (Omit<CertifiedHeight, "certificate" | "publishAtMs"> & { readonly certificate: Certificate })
    | null;
}

const MAX_ROLLUPS = 64;
const MAX_LISTED = 65_536;
const MAX_HEADER_BYTES = 65_536;

const hexText = z.custom<Hex>(
  (value) => typeof value === "string" && isHex(value) && value.length <= 2 * MAX_HEADER_BYTES + 2,
);
const uint = z
  .string()
  .regex(/^\d{1,39}$/)
  .transform(BigInt);
const time = z.number().int().nonnegative();
const code = z.string().max(64);
const head: z.ZodType<Head, unknown> = z.strictObject({
  blockNumber: uint,
  blockHash: hashSchema,
  timestamp: uint,
});
const block = z
  .strictObject({
    blockNumber: uint,
    blockHash: hashSchema,
    parentHash: hashSchema,
    stateRoot: hashSchema,
    outputRoot: hashSchema.nullable(),
    timestamp: uint,
    headerRlp: hexText,
    isWithinBatch: z.boolean(),
  })
  .transform(({ isWithinBatch, ...rest }) => (isWithinBatch ? { ...rest, isWithinBatch } : rest));

const rollup: z.ZodType<PublishedRollup, unknown> = z.strictObject({
  rollupId: uint,
  tip: uint.nullable(),
  newest: uint.nullable(),
  lowest: uint,
  tipObservedAtMs: time.nullable(),
  safe: head.nullable(),
  finalized: head.nullable(),
  lock: z.enum(["fork-locked", "waiting-for-finality"]).nullable(),
  contradictions: z.array(contradictionSchema).max(MAX_LISTED),
  contradicted: z.array(z.strictObject({ blockNumber: uint, digest: hashSchema })).max(MAX_LISTED),
  off: z
    .array(z.strictObject({ operator: addressSchema, blockNumber: uint, blockHash: hashSchema }))
    .max(MAX_LISTED),
  abstention: code.nullable(),
});

/** Reads what a node publishes. */
export const publishedViewSchema: z.ZodType<PublishedView, unknown> = z
  .strictObject({
    atMs: time,
    schedule: z.strictObject({ genesisTime: uint, epochSeconds: uint }),
    openHeights: time,
    graceMs: time,
    epochs: z.array(uint).max(MAX_LISTED),
    absentEpochs: z.array(uint).max(MAX_LISTED),
    updateWeights: z.array(z.strictObject({ epoch: uint, weight: uint })).max(MAX_LISTED),
    health: z.unknown().transform(parseHealth),
    followed: z.array(rollupSchema).max(MAX_ROLLUPS),
    rollups: z.array(rollup).max(MAX_ROLLUPS),
  })
  .readonly();

/** Reads what a node publishes of one height. */
export const publishedHeightSchema: z.ZodType<PublishedHeight, unknown> = z.strictObject({
  block: block.nullable(),
  observedAtMs: time.nullable(),
  weight: uint,
  certified: z
    .strictObject({
      certificate: certificateSchema,
      digest: hashSchema,
      openUntilMs: time.nullable(),
      certifiedAtMs: time,
      latencyMs: z.number().nullable(),
    })
    .nullable(),
});

/** The JSON of what a node publishes. */
export function encodePublishedView(view: PublishedView): unknown {
  const { schedule, updateWeights } = view;
  return {
    atMs: view.atMs,
    schedule: strings(schedule),
    openHeights: view.openHeights,
    graceMs: view.graceMs,
    epochs: view.epochs.map(String),
    absentEpochs: view.absentEpochs.map(String),
    updateWeights: updateWeights.map(strings),
    health: { data: encodeHealth(view.health) },
    followed: view.followed.map(encodeRollup),
    rollups: view.rollups.map((each) => ({
      rollupId: `${each.rollupId}`,
      tip: each.tip?.toString() ?? null,
      newest: each.newest?.toString() ?? null,
      lowest: `${each.lowest}`,
      tipObservedAtMs: each.tipObservedAtMs,
      safe: each.safe && encodeHead(each.safe),
      finalized: each.finalized && encodeHead(each.finalized),
      lock: each.lock,
      contradictions: each.contradictions.map(encodeContradiction),
      contradicted: each.contradicted.map(strings),
      off: each.off.map(strings),
      abstention: each.abstention,
    })),
  };
}

/** The JSON of what a node publishes of one height. */
export function encodePublishedHeight(height: PublishedHeight): unknown {
  const { block: known, certified } = height;
  return {
    block: known && {
      ...encodeHead(known),
      parentHash: known.parentHash,
      stateRoot: known.stateRoot,
      outputRoot: known.outputRoot,
      headerRlp: known.headerRlp,
      isWithinBatch: known.isWithinBatch === true,
    },
    observedAtMs: height.observedAtMs,
    weight: `${height.weight}`,
    certified: certified && {
      certificate: encodeCertificate(certified.certificate) satisfies CertificateDocument,
      digest: certified.digest,
      openUntilMs: certified.openUntilMs,
      certifiedAtMs: certified.certifiedAtMs,
      latencyMs: certified.latencyMs,
    },
  };
}

function encodeHead({ blockNumber, blockHash, timestamp }: Head): Readonly<Record<string, string>> {
  return strings({ blockNumber, blockHash, timestamp });
}

function strings(fields: object): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, `${value}`]));
}

function parseHealth(value: unknown, context: z.core.$RefinementCtx): Health {
  const parsed = ROUTES.health.answer?.safeParse(value);
  if (parsed?.success) return parsed.data.data;
  context.addIssue({ code: "custom", message: "expected a health" });
  return z.NEVER;
}

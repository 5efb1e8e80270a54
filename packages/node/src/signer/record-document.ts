import {
  certificateSchema,
  claimSchema,
  domainSchema,
  encodeCertificate,
  encodeClaim,
  encodeDomain,
} from "@mach/api";
import { type Hex, isHex, type Release } from "@mach/core";
import { z } from "zod";
import type {
  ProtectionIdentity,
  RecordedClaim,
  RecordedSetUpdate,
  RecordOrigin,
} from "./protection.ts";

const address = hexOf(20);
const hash = hexOf(32);
const uint64 = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,19})$/)
  .transform(BigInt)
  .refine((value) => value < 2n ** 64n);

const releaseSchema: z.ZodType<Release, unknown> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("certificate"), certificate: certificateSchema }),
  z.strictObject({
    kind: z.literal("l1-finalised-block"),
    block: z.strictObject({ blockNumber: uint64, blockHash: hash, timestamp: uint64 }),
  }),
]);

/** Reads a row of the record. */
export const recordedClaimSchema: z.ZodType<RecordedClaim, unknown> = z
  .strictObject({
    version: z.literal(1),
    claim: claimSchema,
    digest: hash,
    release: releaseSchema.nullable(),
  })
  .transform(({ claim, digest, release }) => ({ claim, digest, release }));

/** Reads a row of a set update. */
export const recordedSetUpdateSchema: z.ZodType<RecordedSetUpdate, unknown> = z
  .strictObject({
    version: z.literal(1),
    epoch: uint64,
    operatorSetHash: hash,
    digest: hash,
  })
  .transform(({ epoch, operatorSetHash, digest }) => ({ epoch, operatorSetHash, digest }));

/** Reads the row of what was known when the record was made. */
export const originSchema: z.ZodType<RecordOrigin, unknown> = z.enum([
  "never-signed",
  "record-lost",
]);

/** Reads a row of a number: the sequence of peer bindings, or a ceiling. */
export const sequenceSchema: z.ZodType<bigint, unknown> = uint64;

/** Reads what the marker file and the record itself say about whose the record is. */
export const identitySchema: z.ZodType<ProtectionIdentity, unknown> = z
  .strictObject({ version: z.literal(1), domain: domainSchema, operator: address })
  .transform(({ domain, operator }) => ({ domain, operator }));

/** The JSON of a row of the record. */
export function encodeRecordedClaim(record: RecordedClaim): unknown {
  return {
    version: 1,
    claim: encodeClaim(record.claim),
    digest: record.digest,
    release: record.release && encodeRelease(record.release),
  };
}

/** The JSON of a row of a set update. */
export function encodeRecordedSetUpdate(record: RecordedSetUpdate): unknown {
  const { epoch, operatorSetHash, digest } = record;
  return { version: 1, epoch: `${epoch}`, operatorSetHash, digest };
}

/** The JSON of an identity. */
export function encodeIdentity(identity: ProtectionIdentity): unknown {
  return { version: 1, domain: encodeDomain(identity.domain), operator: identity.operator };
}

function encodeRelease(release: Release): unknown {
  switch (release.kind) {
    case "certificate":
      return { kind: release.kind, certificate: encodeCertificate(release.certificate) };
    case "l1-finalised-block": {
      const { blockNumber, blockHash, timestamp } = release.block;
      const block = { blockNumber: `${blockNumber}`, blockHash, timestamp: `${timestamp}` };
      return { kind: release.kind, block };
    }
  }
}

function hexOf(byteLength: number): z.ZodType<Hex, unknown> {
  return z.custom<Hex>((value) => typeof value === "string" && isHex(value, byteLength));
}

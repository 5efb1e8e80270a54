import { domainSchema, encodeDomain, parseDocument } from "@mach/api";
import { claimDigest, type Domain, type Hex, isHex, setUpdateDigest } from "@mach/core";
import { z } from "zod";
import { isLegalClaim } from "./legal-claim.ts";
import type {
  Ceiling,
  ProtectionRecord,
  RecordedClaim,
  RecordedSetUpdate,
  RecordOrigin,
} from "./protection.ts";
import {
  encodeRecordedClaim,
  encodeRecordedSetUpdate,
  originSchema,
  recordedClaimSchema,
  recordedSetUpdateSchema,
  sequenceSchema,
} from "./record-document.ts";

/**
 * What another record has to know of this one, in the spirit of EIP-3076's minimal form: of each
 * rollup the highest claim, all claims that had a release (their excuse), and all set updates.
 * Signatures are left out, because signing again gives the same.
 */
export interface ProtectionInterchange {
  readonly domain: Domain;
  readonly operator: Hex;
  readonly origin: RecordOrigin;
  readonly bindingSequence: bigint;
  readonly ceilings: readonly Ceiling[];
  readonly claims: readonly RecordedClaim[];
  readonly setUpdates: readonly RecordedSetUpdate[];
}

export type InterchangeResult =
  | { readonly ok: true; readonly value: ProtectionInterchange }
  /** No such document, or a digest in it is not its claim's or its update's. */
  | { readonly ok: false; readonly path: string };

const KIND = "mach-signing-record";
const operatorSchema = z.custom<Hex>((value) => typeof value === "string" && isHex(value, 20));

const interchangeSchema: z.ZodType<ProtectionInterchange, unknown> = z
  .strictObject({
    // For the eyes of who opens the file.
    warning: z.string().max(1_024).optional(),
    kind: z.literal(KIND),
    version: z.literal(1),
    domain: domainSchema,
    operator: operatorSchema,
    origin: originSchema,
    bindingSequence: sequenceSchema,
    ceilings: z.array(z.strictObject({ rollupId: sequenceSchema, blockNumber: sequenceSchema })),
    claims: z.array(recordedClaimSchema),
    setUpdates: z.array(recordedSetUpdateSchema),
  })
  .transform(({ warning: _warning, kind: _kind, version: _version, ...value }) => value);

/** Collects what a record exports. Throws where a row is damaged. */
export function exportRecord(record: ProtectionRecord): ProtectionInterchange {
  const { domain, operator } = record.identity;
  const contents = record.contents();
  const newest = new Map<bigint, RecordedClaim>();
  const released: RecordedClaim[] = [];
  for (const each of contents.claims) {
    newest.set(each.claim.rollupId, each);
    if (each.release !== null) released.push(each);
  }
  const claims = [...new Set([...released, ...newest.values()])].sort(inOrder);
  return {
    domain,
    operator,
    origin: record.origin,
    bindingSequence: contents.bindingSequence,
    ceilings: [...contents.ceilings],
    claims,
    setUpdates: [...contents.setUpdates],
  };
}

/** The JSON of an export; every integer is a decimal string. */
export function encodeInterchange(value: ProtectionInterchange): unknown {
  return {
    kind: KIND,
    version: 1,
    domain: encodeDomain(value.domain),
    operator: value.operator,
    origin: value.origin,
    bindingSequence: `${value.bindingSequence}`,
    ceilings: value.ceilings.map(({ rollupId, blockNumber }) => ({
      rollupId: `${rollupId}`,
      blockNumber: `${blockNumber}`,
    })),
    claims: value.claims.map(encodeRecordedClaim),
    setUpdates: value.setUpdates.map(encodeRecordedSetUpdate),
  };
}

const BACKUP_WARNING =
  "This is a backup of an operator's signing record, and older than the record itself. Whoever " +
  "imports it has lost the record: it says so, and nothing is signed before L1 has finalised past " +
  "all that may have been signed since. Never change `origin`: the stake can be slashed for it.";

/**
 * The JSON of an export that may be imported at any later time. It counts as a lost record, without
 * the ceilings of an earlier loss: those were for what had been signed before that one.
 */
export function encodeBackup(value: ProtectionInterchange): unknown {
  const lost: ProtectionInterchange = { ...value, origin: "record-lost", ceilings: [] };
  return { warning: BACKUP_WARNING, ...(encodeInterchange(lost) as object) };
}

/** Reads an export strictly; every digest is computed again. */
export function parseInterchange(json: unknown): InterchangeResult {
  const parsed = parseDocument(interchangeSchema, json);
  if (!parsed.ok) return { ok: false, path: parsed.path };
  const { domain, claims, setUpdates } = parsed.value;
  const badClaim = claims.findIndex(
    ({ claim, digest }) => !isLegalClaim(claim) || claimDigest(domain, claim) !== digest,
  );
  if (badClaim >= 0) return { ok: false, path: `claims.${badClaim}.digest` };
  const badUpdate = setUpdates.findIndex(
    (update) => update.epoch < 1n || setUpdateDigest(domain, update) !== update.digest,
  );
  if (badUpdate >= 0) return { ok: false, path: `setUpdates.${badUpdate}.digest` };
  return { ok: true, value: parsed.value };
}

function inOrder({ claim: left }: RecordedClaim, { claim: right }: RecordedClaim): number {
  const difference =
    left.rollupId === right.rollupId
      ? left.blockNumber - right.blockNumber
      : left.rollupId - right.rollupId;
  return difference < 0n ? -1 : 1;
}

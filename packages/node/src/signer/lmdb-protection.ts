import { domainSeparator } from "@mach/core";
import { open, type RootDatabase } from "lmdb";
import { NodeError } from "../node-error.ts";
import { corruptRow, openBytes, openRow, sealBytes, sealRow } from "../store/row.ts";
import { MAX_UINT64, nameKey, numberKey } from "../store/row-key.ts";
import type {
  ProtectionIdentity,
  ProtectionRecord,
  ProtectionWriter,
  RecordedClaim,
  RecordOrigin,
  SigningRecord,
  Slot,
} from "./protection.ts";
import {
  encodeIdentity,
  encodeRecordedClaim,
  encodeRecordedSetUpdate,
  identitySchema,
  originSchema,
  recordedClaimSchema,
  recordedSetUpdateSchema,
  sequenceSchema,
} from "./record-document.ts";

/** The rows of a record: two for each slot and each set update, and a few by name. */
export type ProtectionRows = RootDatabase<Uint8Array, Uint8Array>;

const SIGNATURE_BYTES = 192;
const IDENTITY = nameKey("identity");
const ORIGIN = nameKey("origin");
const OPENINGS = nameKey("openings");
const BINDING_SEQUENCE = nameKey("binding-sequence");

/**
 * What a slot's key ends with. A slot's rows are neighbours in one table, because each further
 * page that a commit changes is written and synced before a signature.
 */
const CLAIM_ROW = 0;
const SIGNATURE_ROW = 1;

/** Opens the database, making it where it is missing: callers look first. */
export function openProtectionRows(path: string): ProtectionRows {
  return open<Uint8Array, Uint8Array>(path, {
    encoding: "binary",
    keyEncoding: "binary",
    noSubdir: false,
    // With the default of true some synchronous commits return before their data is synced.
    overlappingSync: false,
  });
}

/** Whose the record is; null for one that was never initialised. Throws on a damaged row. */
export function readIdentity(rows: ProtectionRows): ProtectionIdentity | null {
  const bytes = rows.get(IDENTITY);
  if (bytes !== undefined) return openRow(identitySchema, { key: IDENTITY, bytes });
  if (rows.getKeysCount({ limit: 1 }) > 0) throw corruptRow(IDENTITY, "it is missing");
  return null;
}

/** What was known when the record was made. Throws where that is missing or damaged. */
export function readOrigin(rows: ProtectionRows): RecordOrigin {
  const bytes = rows.get(ORIGIN);
  if (bytes === undefined) throw corruptRow(ORIGIN, "it is missing");
  return openRow(originSchema, { key: ORIGIN, bytes });
}

/** Binds a new record to its identity, durably. */
export function writeIdentity(
  rows: ProtectionRows,
  identity: ProtectionIdentity,
  origin: RecordOrigin,
): void {
  rows.transactionSync(() => {
    putNow(rows, IDENTITY, sealRow(IDENTITY, encodeIdentity(identity)));
    putNow(rows, ORIGIN, sealRow(ORIGIN, origin));
  });
}

/** The record in an opened database that is this identity's. */
export function createLmdbProtection(
  rows: ProtectionRows,
  identity: ProtectionIdentity,
): ProtectionRecord {
  const prefix = domainSeparator(identity.domain);
  const slotKey = (slot: Slot, row: number): Uint8Array =>
    Buffer.concat([numberKey([slot.rollupId, slot.blockNumber], prefix), Uint8Array.of(row)]);

  function claimAt(slot: Slot): RecordedClaim | null {
    const key = slotKey(slot, CLAIM_ROW);
    const bytes = rows.get(key);
    return bytes === undefined ? null : openRow(recordedClaimSchema, { key, bytes });
  }
  function newestClaim(rollupId: bigint): RecordedClaim | null {
    const start = slotKey({ rollupId, blockNumber: MAX_UINT64 }, SIGNATURE_ROW);
    const end = numberKey([rollupId], prefix);
    const [key] = [...rows.getKeys({ start, end, reverse: true, limit: 1 })];
    if (key === undefined) return null;
    const newest = claimAt({ rollupId, blockNumber: Buffer.from(key).readBigUInt64BE(40) });
    if (newest === null) throw corruptRow(key, "its claim is missing");
    return newest;
  }
  function withSignature(record: RecordedClaim | null): SigningRecord | null {
    if (record === null) return null;
    const key = slotKey(record.claim, SIGNATURE_ROW);
    const bytes = rows.get(key);
    return { ...record, signature: bytes === undefined ? null : readSignature(key, bytes) };
  }
  const at = (slot: Slot): SigningRecord | null => withSignature(claimAt(slot));

  const writer: ProtectionWriter = {
    newest: newestClaim,
    at,
    insert(record) {
      const key = slotKey(record.claim, CLAIM_ROW);
      if (rows.doesExist(key)) throw new NodeError("slot-taken", "The slot is already signed.");
      putNow(rows, key, sealRow(key, encodeRecordedClaim(record)));
    },
    keepSignature(slot, signature) {
      const key = slotKey(slot, SIGNATURE_ROW);
      putNow(rows, key, sealBytes(key, signature));
    },
    setUpdateOf(epoch) {
      const key = setUpdateKey(epoch, CLAIM_ROW);
      const bytes = rows.get(key);
      if (bytes === undefined) return null;
      const record = openRow(recordedSetUpdateSchema, { key, bytes });
      const signatureKey = setUpdateKey(epoch, SIGNATURE_ROW);
      const signature = rows.get(signatureKey);
      return { ...record, signature: signature ? readSignature(signatureKey, signature) : null };
    },
    insertSetUpdate(record) {
      const key = setUpdateKey(record.epoch, CLAIM_ROW);
      if (rows.doesExist(key)) {
        throw new NodeError("slot-taken", "The epoch's update is already signed.");
      }
      putNow(rows, key, sealRow(key, encodeRecordedSetUpdate(record)));
    },
    keepSetUpdateSignature(epoch, signature) {
      const key = setUpdateKey(epoch, SIGNATURE_ROW);
      putNow(rows, key, sealBytes(key, signature));
    },
    ceiling: (rollupId) => {
      const key = ceilingKey(rollupId);
      return rows.doesExist(key) ? readNumber(rows, key) : null;
    },
    keepCeiling: (rollupId, height) => putNumber(rows, ceilingKey(rollupId), height),
    bindingSequence: () => readNumber(rows, BINDING_SEQUENCE),
    keepBindingSequence: (sequence) => putNumber(rows, BINDING_SEQUENCE, sequence),
  };
  // A process that was killed may have left rows in the page cache that are not on the disk yet.
  // This commit syncs them too, before anything relies on them.
  rows.transactionSync(() => putNumber(rows, OPENINGS, readNumber(rows, OPENINGS) + 1n));
  return {
    identity,
    origin: readOrigin(rows),
    commit: (change) => rows.transactionSync(() => change(writer)),
    newest: (rollupId) => withSignature(newestClaim(rollupId)),
    at,
    close: () => rows.close(),
  };
}

/** Named apart from every rollup's slots: an epoch's update is no claim. */
function setUpdateKey(epoch: bigint, row: number): Uint8Array {
  return Buffer.concat([nameKey("set-update/"), numberKey([epoch]), Uint8Array.of(row)]);
}

function ceilingKey(rollupId: bigint): Uint8Array {
  return nameKey(`ceiling/${rollupId}`);
}

function readNumber(rows: ProtectionRows, key: Uint8Array): bigint {
  const bytes = rows.get(key);
  return bytes === undefined ? 0n : openRow(sequenceSchema, { key, bytes });
}

function putNumber(rows: ProtectionRows, key: Uint8Array, value: bigint): void {
  putNow(rows, key, sealRow(key, `${value}`));
}

function readSignature(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const signature = openBytes(key, bytes);
  if (signature.length !== SIGNATURE_BYTES) throw corruptRow(key, "it is no signature");
  return new Uint8Array(signature);
}

/** Within a synchronous transaction a put is done when it returns; its promise says nothing more. */
function putNow(rows: ProtectionRows, key: Uint8Array, bytes: Uint8Array): void {
  void rows.put(key, bytes);
}

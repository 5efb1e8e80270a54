import { domainSeparator, fromHex, type Hex } from "@mach/core";
import type { z } from "zod";
import { NodeError } from "../node-error.ts";
import { corruptRow, openBytes, openJson, openRow, sealBytes } from "../store/row.ts";
import { MAX_UINT64, nameKey, numberKey } from "../store/row-key.ts";
import { openChained } from "./hash-chain.ts";
import type {
  Ceiling,
  ProtectionIdentity,
  ProtectionRecord,
  ProtectionWriter,
  RecordedClaim,
  RecordedSetUpdate,
  SigningRecord,
  Slot,
} from "./protection.ts";
import {
  createRowChain,
  type ProtectionRows,
  putNow,
  putNumber,
  type RowChain,
  readNumber,
  readOrigin,
} from "./protection-rows.ts";
import {
  encodeRecordedClaim,
  encodeRecordedSetUpdate,
  recordedClaimSchema,
  recordedSetUpdateSchema,
  sequenceSchema,
} from "./record-document.ts";
import type { Watermark } from "./watermark.ts";

const SIGNATURE_BYTES = 192;
const SET_UPDATE = "set-update/";
const CEILING = "ceiling/";
/** Behind a prefix. */
const MAX_KEY_BYTES = 24;
const BINDING_SEQUENCE = nameKey("binding-sequence");

/**
 * What a slot's key ends with. A slot's rows are neighbours in one table, because each further
 * page that a commit changes is written and synced before a signature.
 */
const CLAIM_ROW = 0;
const SIGNATURE_ROW = 1;

/** Rollups whose newest claim is at hand: each commit asks for one. */
const CACHED_ROLLUPS = 256;

/** The record in an opened database that is this identity's and was found whole. */
export function createLmdbProtection(
  rows: ProtectionRows,
  identity: ProtectionIdentity,
  watermark: Watermark,
): ProtectionRecord {
  const chain = createRowChain(rows, watermark);
  const claims = createClaimTable({ rows, chain }, domainSeparator(identity.domain));
  const writer: ProtectionWriter = {
    newest: claims.newest,
    at: claims.at,
    insert: claims.insert,
    keepSignature: claims.keepSignature,
    ...setUpdateTable({ rows, chain }),
    ceiling: (rollupId) => {
      const key = ceilingKey(rollupId);
      return rows.doesExist(key) ? readNumber(rows, key) : null;
    },
    keepCeiling: (rollupId, height) => putNumber(rows, ceilingKey(rollupId), height),
    bindingSequence: () => readNumber(rows, BINDING_SEQUENCE),
    keepBindingSequence: (sequence) => putNumber(rows, BINDING_SEQUENCE, sequence),
  };
  return {
    identity,
    origin: readOrigin(rows),
    commit(change) {
      try {
        return chain.commit(() => change(writer));
      } catch (error) {
        claims.forget();
        throw error;
      }
    },
    covered: () => chain.covered(),
    newest: (rollupId) => claims.withSignature(claims.newest(rollupId)),
    at: claims.at,
    contents: () => ({
      claims: claims.all(),
      setUpdates: allSetUpdates(rows),
      ceilings: allCeilings(rows),
      bindingSequence: readNumber(rows, BINDING_SEQUENCE),
    }),
    async close() {
      await watermark.close();
      await rows.close();
    },
  };
}

interface Tables {
  readonly rows: ProtectionRows;
  readonly chain: RowChain;
}

interface ClaimTable extends Pick<ProtectionWriter, "newest" | "at" | "insert" | "keepSignature"> {
  withSignature(record: RecordedClaim | null): SigningRecord | null;
  all(): Iterable<RecordedClaim>;
  /** Drops what a transaction that failed may have left in memory. */
  forget(): void;
}

function createClaimTable({ rows, chain }: Tables, prefix: Hex): ClaimTable {
  const newestClaims = new Map<bigint, RecordedClaim>();
  const slotKey = (slot: Slot, row: number): Uint8Array =>
    Buffer.concat([numberKey([slot.rollupId, slot.blockNumber], prefix), Uint8Array.of(row)]);

  function claimAt(slot: Slot): RecordedClaim | null {
    const key = slotKey(slot, CLAIM_ROW);
    const bytes = rows.get(key);
    return bytes === undefined ? null : openDocument(recordedClaimSchema, key, bytes);
  }
  function findNewest(rollupId: bigint): RecordedClaim | null {
    const start = slotKey({ rollupId, blockNumber: MAX_UINT64 }, SIGNATURE_ROW);
    const end = numberKey([rollupId], prefix);
    const [key] = [...rows.getKeys({ start, end, reverse: true, limit: 1 })];
    if (key === undefined) return null;
    const newest = claimAt({ rollupId, blockNumber: Buffer.from(key).readBigUInt64BE(40) });
    if (newest === null) throw corruptRow(key, "its claim is missing");
    return newest;
  }
  function remember(record: RecordedClaim): void {
    if (newestClaims.size >= CACHED_ROLLUPS) newestClaims.clear();
    newestClaims.set(record.claim.rollupId, record);
  }
  function newest(rollupId: bigint): RecordedClaim | null {
    const known = newestClaims.get(rollupId);
    if (known !== undefined) return known;
    const found = findNewest(rollupId);
    if (found !== null) remember(found);
    return found;
  }
  function withSignature(record: RecordedClaim | null): SigningRecord | null {
    if (record === null) return null;
    return { ...record, signature: readSignature(rows, slotKey(record.claim, SIGNATURE_ROW)) };
  }

  return {
    newest,
    withSignature,
    at: (slot) => withSignature(claimAt(slot)),
    insert(record) {
      const { claim } = record;
      const key = slotKey(claim, CLAIM_ROW);
      if (rows.doesExist(key)) throw new NodeError("slot-taken", "The slot is already signed.");
      const last = newest(claim.rollupId);
      chain.append(key, encodeRecordedClaim(record));
      if (last === null || last.claim.blockNumber < claim.blockNumber) remember(record);
    },
    keepSignature(slot, signature) {
      const key = slotKey(slot, SIGNATURE_ROW);
      putNow(rows, key, sealBytes(key, signature));
    },
    *all() {
      const start = fromHex(prefix);
      for (const { key, value } of rows.getRange({ start, end: endOf(start) })) {
        if (key.at(-1) === CLAIM_ROW) yield openDocument(recordedClaimSchema, key, value);
      }
    },
    forget: () => newestClaims.clear(),
  };
}

function setUpdateTable({
  rows,
  chain,
}: Tables): Pick<ProtectionWriter, "setUpdateOf" | "insertSetUpdate" | "keepSetUpdateSignature"> {
  return {
    setUpdateOf(epoch) {
      const key = setUpdateKey(epoch, CLAIM_ROW);
      const bytes = rows.get(key);
      if (bytes === undefined) return null;
      const record = openDocument(recordedSetUpdateSchema, key, bytes);
      return { ...record, signature: readSignature(rows, setUpdateKey(epoch, SIGNATURE_ROW)) };
    },
    insertSetUpdate(record) {
      const key = setUpdateKey(record.epoch, CLAIM_ROW);
      if (rows.doesExist(key)) {
        throw new NodeError("slot-taken", "The epoch's update is already signed.");
      }
      chain.append(key, encodeRecordedSetUpdate(record));
    },
    keepSetUpdateSignature(epoch, signature) {
      const key = setUpdateKey(epoch, SIGNATURE_ROW);
      putNow(rows, key, sealBytes(key, signature));
    },
  };
}

function* allSetUpdates(rows: ProtectionRows): Iterable<RecordedSetUpdate> {
  const start = nameKey(SET_UPDATE);
  for (const { key, value } of rows.getRange({ start, end: endOf(start) })) {
    if (key.at(-1) === CLAIM_ROW) yield openDocument(recordedSetUpdateSchema, key, value);
  }
}

function* allCeilings(rows: ProtectionRows): Iterable<Ceiling> {
  const start = nameKey(CEILING);
  for (const { key, value: bytes } of rows.getRange({ start, end: endOf(start) })) {
    const rollupId = BigInt(Buffer.from(key).toString("utf8").slice(CEILING.length));
    yield { rollupId, blockNumber: openRow(sequenceSchema, { key, bytes }) };
  }
}

/** The end of the keys that begin with these bytes. */
function endOf(start: Uint8Array): Uint8Array {
  return Buffer.concat([start, new Uint8Array(MAX_KEY_BYTES).fill(0xff)]);
}

/** Named apart from every rollup's slots: an epoch's update is no claim. */
function setUpdateKey(epoch: bigint, row: number): Uint8Array {
  return Buffer.concat([nameKey(SET_UPDATE), numberKey([epoch]), Uint8Array.of(row)]);
}

function ceilingKey(rollupId: bigint): Uint8Array {
  return nameKey(`${CEILING}${rollupId}`);
}

function openDocument<T>(schema: z.ZodType<T, unknown>, key: Uint8Array, bytes: Uint8Array): T {
  return openJson(schema, { key, body: openChained(key, bytes).payload });
}

function readSignature(rows: ProtectionRows, key: Uint8Array): Uint8Array | null {
  const bytes = rows.get(key);
  if (bytes === undefined) return null;
  const signature = openBytes(key, bytes);
  if (signature.length !== SIGNATURE_BYTES) throw corruptRow(key, "it is no signature");
  return new Uint8Array(signature);
}

import { domainSeparator, fromHex, toHex } from "@mach/core";
import { type Database, open, type RootDatabase } from "lmdb";
import { NodeError } from "../node-error.ts";
import { corruptRow, openRow, sealRow } from "../store/row.ts";
import { MAX_UINT64, nameKey, numberKey } from "../store/row-key.ts";
import type {
  ProtectionIdentity,
  ProtectionRecord,
  ProtectionWriter,
  SigningRecord,
  Slot,
} from "./protection.ts";
import {
  encodeIdentity,
  encodeRecordedClaim,
  identitySchema,
  recordedClaimSchema,
  sequenceSchema,
  signatureSchema,
} from "./record-document.ts";

type Rows = Database<Uint8Array, Uint8Array>;

/** The databases of a record; claims and signatures by the slot's key, the rest by name. */
export interface ProtectionTables {
  readonly root: RootDatabase<Uint8Array, Uint8Array>;
  /** Only ever added to: a claim is never written again, not even to add its signature. */
  readonly claims: Rows;
  readonly signatures: Rows;
  readonly meta: Rows;
}

const IDENTITY = nameKey("identity");
const OPENINGS = nameKey("openings");
const BINDING_SEQUENCE = nameKey("binding-sequence");

/** Opens the databases, making them where they are missing: callers look first. */
export function openProtectionTables(path: string): ProtectionTables {
  const encoding = { encoding: "binary", keyEncoding: "binary" } as const;
  const root = open<Uint8Array, Uint8Array>(path, {
    ...encoding,
    noSubdir: false,
    // With the default of true some synchronous commits return before their data is synced.
    overlappingSync: false,
  });
  return {
    root,
    claims: root.openDB("claims", encoding),
    signatures: root.openDB("signatures", encoding),
    meta: root.openDB("meta", encoding),
  };
}

/** Whose the record is; null for one that was never initialised. Throws on a damaged row. */
export function readIdentity(tables: ProtectionTables): ProtectionIdentity | null {
  const bytes = tables.meta.get(IDENTITY);
  return bytes === undefined ? null : openRow(identitySchema, { key: IDENTITY, bytes });
}

/** Binds a new record to its identity, durably. */
export function writeIdentity(tables: ProtectionTables, identity: ProtectionIdentity): void {
  tables.root.transactionSync(() => {
    putNow(tables.meta, IDENTITY, encodeIdentity(identity));
  });
}

/** The record in opened databases that are this identity's. */
export function createLmdbProtection(
  tables: ProtectionTables,
  identity: ProtectionIdentity,
): ProtectionRecord {
  const { root, claims, signatures, meta } = tables;
  const prefix = domainSeparator(identity.domain);
  const slotKey = ({ rollupId, blockNumber }: Slot): Uint8Array =>
    numberKey([rollupId, blockNumber], prefix);

  function readRow(key: Uint8Array, bytes: Uint8Array): SigningRecord {
    const record = openRow(recordedClaimSchema, { key, bytes });
    const signature = signatures.get(key);
    return {
      ...record,
      signature:
        signature === undefined
          ? null
          : fromHex(openRow(signatureSchema, { key, bytes: signature })),
    };
  }
  function at(slot: Slot): SigningRecord | null {
    const key = slotKey(slot);
    const bytes = claims.get(key);
    if (bytes === undefined) return null;
    const record = readRow(key, bytes);
    const { rollupId, blockNumber } = record.claim;
    if (rollupId !== slot.rollupId || blockNumber !== slot.blockNumber) {
      throw corruptRow(key, "it is another slot's");
    }
    return record;
  }
  function newest(rollupId: bigint): SigningRecord | null {
    const range = { start: numberKey([rollupId, MAX_UINT64], prefix), reverse: true, limit: 1 };
    const end = numberKey([rollupId], prefix);
    const [entry] = [...claims.getRange({ ...range, end })];
    return entry === undefined ? null : readRow(entry.key, entry.value);
  }

  const writer: ProtectionWriter = {
    newest,
    at,
    insert(record) {
      const key = slotKey(record.claim);
      if (claims.doesExist(key)) throw new NodeError("slot-taken", "The slot is already signed.");
      putNow(claims, key, encodeRecordedClaim(record));
    },
    keepSignature(slot, signature) {
      putNow(signatures, slotKey(slot), toHex(signature));
    },
    bindingSequence: () => readNumber(meta, BINDING_SEQUENCE),
    keepBindingSequence(sequence) {
      putNow(meta, BINDING_SEQUENCE, `${sequence}`);
    },
  };
  // A process that was killed may have left rows in the page cache that are not on the disk yet.
  // This commit syncs them too, before anything relies on them.
  root.transactionSync(() => {
    putNow(meta, OPENINGS, `${readNumber(meta, OPENINGS) + 1n}`);
  });
  return {
    identity,
    commit: (change) => root.transactionSync(() => change(writer)),
    newest,
    at,
    close: () => root.close(),
  };
}

function readNumber(meta: Rows, key: Uint8Array): bigint {
  const bytes = meta.get(key);
  return bytes === undefined ? 0n : openRow(sequenceSchema, { key, bytes });
}

/** Within a synchronous transaction a put is done when it returns; its promise says nothing more. */
function putNow(rows: Rows, key: Uint8Array, document: unknown): void {
  void rows.put(key, sealRow(key, document));
}

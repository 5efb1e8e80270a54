import { open, type RootDatabase } from "lmdb";
import { corruptRow, openRow, sealRow } from "../store/row.ts";
import { nameKey } from "../store/row-key.ts";
import {
  type ChainHead,
  type ChainMark,
  chainAnchor,
  openHead,
  passesThrough,
  sealChained,
  sealHead,
} from "./hash-chain.ts";
import type { ProtectionIdentity, RecordOrigin } from "./protection.ts";
import { encodeIdentity, identitySchema, originSchema, sequenceSchema } from "./record-document.ts";
import type { Watermark } from "./watermark.ts";

/** The rows of a record: two for each slot and each set update, and a few by name. */
export type ProtectionRows = RootDatabase<Uint8Array, Uint8Array>;

const IDENTITY = nameKey("identity");
const ORIGIN = nameKey("origin");
const HEAD = nameKey("head");
const OPENINGS = nameKey("openings");

/** How many of the newest rows an opening reads: what decides on new claims is among them. */
const CHECKED_ROWS = 100_000;

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
    putNow(rows, HEAD, sealHead(HEAD, readAnchor(rows)));
  });
}

/** Where the record's chain has come to. Throws where that is missing or damaged. */
export function readHead(rows: ProtectionRows): ChainHead {
  const bytes = rows.get(HEAD);
  if (bytes === undefined) throw corruptRow(HEAD, "it is missing");
  return openHead(HEAD, bytes);
}

/**
 * Whether the record still holds all that it did when the mark was set. Throws where a row is
 * missing or damaged.
 */
export function hasKept(rows: ProtectionRows, mark: ChainMark): boolean {
  const [head, anchor] = [readHead(rows), readAnchor(rows)];
  return passesThrough((key) => rows.get(key), { head, anchor, mark, maxRows: CHECKED_ROWS });
}

/**
 * Makes durable what is in the database. A process that was killed may have left rows in the page
 * cache that are not on the disk yet, and nothing may rely on them before they are.
 */
export function syncRows(rows: ProtectionRows): void {
  rows.transactionSync(() => putNumber(rows, OPENINGS, readNumber(rows, OPENINGS) + 1n));
}

/** The number of a row; 0 where there is none. */
export function readNumber(rows: ProtectionRows, key: Uint8Array): bigint {
  const bytes = rows.get(key);
  return bytes === undefined ? 0n : openRow(sequenceSchema, { key, bytes });
}

export function putNumber(rows: ProtectionRows, key: Uint8Array, value: bigint): void {
  putNow(rows, key, sealRow(key, `${value}`));
}

/** Within a synchronous transaction a put is done when it returns; its promise says nothing more. */
export function putNow(rows: ProtectionRows, key: Uint8Array, bytes: Uint8Array): void {
  void rows.put(key, bytes);
}

/** The chain of a record's rows, and the watermark that follows it. */
export interface RowChain {
  /** Adds a row to the chain, within a commit. */
  append(key: Uint8Array, document: unknown): void;
  /** Runs in one transaction: when it returns all is on disk, when it throws nothing is. */
  commit<T>(change: () => T): T;
  /** Resolves when the watermark is where the chain is. Rejects where the disk fails. */
  covered(): Promise<void>;
}

/** The chain of a database whose watermark is where its chain is. */
export function createRowChain(rows: ProtectionRows, watermark: Watermark): RowChain {
  let head = readHead(rows);
  /** What `head` will be once the transaction that runs is on disk. */
  let nextHead = head;
  let covered = head;
  let raising: Promise<void> = Promise.resolve();

  return {
    append(key, document) {
      const payload = Buffer.from(JSON.stringify(document));
      const sealed = sealChained(nextHead, { key, payload });
      putNow(rows, key, sealed.bytes);
      nextHead = sealed.head;
    },
    commit(change) {
      nextHead = head;
      const value = rows.transactionSync(() => {
        const changed = change();
        if (nextHead !== head) putNow(rows, HEAD, sealHead(HEAD, nextHead));
        return changed;
      });
      head = nextHead;
      return value;
    },
    covered() {
      if (covered !== head) {
        covered = head;
        raising = watermark.raise(head);
      }
      return raising;
    },
  };
}

function readAnchor(rows: ProtectionRows): ChainHead {
  return chainAnchor(...[IDENTITY, ORIGIN].map((key) => rows.get(key) ?? new Uint8Array(0)));
}

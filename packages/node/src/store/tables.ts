import { type Database, open } from "lmdb";
import type { z } from "zod";
import { openRow, sealRow } from "./row.ts";

const MAX_KEY_BYTES = 128;

/** Rows of documents by their keys' bytes, in that order. */
export interface Table {
  /** The document of a row, strictly parsed, or null. Throws a NodeError `row-corrupt`. */
  get<T>(schema: z.core.$ZodType<T, unknown>, key: Uint8Array): T | null;
  has(key: Uint8Array): boolean;
  /** How many rows there are: it looks at each key. */
  count(): number;
  /** The lowest keys that begin with `prefix`, from `first` on, ascending. */
  firstKeys(range: { prefix: Uint8Array; first: Uint8Array; limit: number }): readonly Uint8Array[];
  /** The highest keys that begin with `prefix`, ascending. */
  lastKeys(range: { prefix: Uint8Array; limit: number }): readonly Uint8Array[];
  /** Within `commit` alone. */
  put(key: Uint8Array, document: unknown): void;
  /** Within `commit` alone. */
  remove(key: Uint8Array): void;
}

/** The tables of the store. */
export interface Tables {
  readonly meta: Table;
  /** By certificateId. */
  readonly certificates: Table;
  /** By rollup and height: the id that stands there. */
  readonly heights: Table;
  /** By rollup, height and certificateId: what was put for a height and does not stand there. */
  readonly replaced: Table;
  readonly contradictions: Table;
  readonly epochs: Table;
  /** By the epoch that the update leads into. */
  readonly setUpdates: Table;
  /** By id. */
  readonly evidence: Table;
  /** By position: the id. */
  readonly evidenceOrder: Table;
  /** By alertId: the position. */
  readonly alertPositions: Table;
  /** By position. */
  readonly alerts: Table;
  readonly resumePoints: Table;
  /** By epoch and rollup. */
  readonly participation: Table;
  /** Runs one atomic change; readers see it when this resolves. */
  commit<T>(change: () => T): Promise<T>;
  /** Resolves when all that was committed is on disk. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the tables, and makes them where they are missing. */
export function openTables(path: string): Tables {
  const encoding = { encoding: "binary", keyEncoding: "binary" } as const;
  const root = open<Uint8Array, Uint8Array>(path, { ...encoding, noSubdir: false, maxDbs: 16 });
  const table = (name: string): Table => createTable(root.openDB(name, encoding));
  return {
    meta: table("meta"),
    certificates: table("certificates"),
    heights: table("heights"),
    replaced: table("replaced"),
    contradictions: table("contradictions"),
    epochs: table("epochs"),
    setUpdates: table("set-updates"),
    evidence: table("evidence"),
    evidenceOrder: table("evidence-order"),
    alertPositions: table("alert-positions"),
    alerts: table("alerts"),
    resumePoints: table("resume-points"),
    participation: table("participation"),
    commit: (change) => root.transaction(change),
    async flush() {
      await root.flushed;
    },
    async close() {
      await root.flushed;
      await root.close();
    },
  };
}

function createTable(rows: Database<Uint8Array, Uint8Array>): Table {
  return {
    get(schema, key) {
      const bytes = rows.get(key);
      return bytes === undefined ? null : openRow(schema, { key, bytes });
    },
    has: (key) => rows.doesExist(key),
    count: () => rows.getKeysCount(),
    firstKeys({ prefix, first, limit }) {
      return [...rows.getKeys({ start: first, end: after(prefix), limit })];
    },
    lastKeys({ prefix, limit }) {
      const start = after(prefix);
      const range = prefix.length === 0 ? { start } : { start, end: prefix };
      return [...rows.getKeys({ ...range, limit, reverse: true })].reverse();
    },
    put(key, document) {
      void rows.put(key, sealRow(key, document));
    },
    remove(key) {
      void rows.remove(key);
    },
  };
}

/** A key above all keys of this project that begin with a prefix: none is as long. */
function after(prefix: Uint8Array): Uint8Array {
  return Buffer.concat([prefix, new Uint8Array(MAX_KEY_BYTES).fill(0xff)]);
}

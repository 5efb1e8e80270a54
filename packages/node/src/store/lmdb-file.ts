import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/** LMDB's MDB_meta in the build of lmdb 3.5, after a page header of 24 bytes. */
const MAGIC_OFFSET = 24;
const PAGE_SIZE_OFFSET = 48;
const LAST_PAGE_OFFSET = 144;
const META_BYTES = 160;
const MAGIC = 0xbeefc0de;

export type DatabaseFile = "missing" | "whole" | "damaged";

/**
 * What a folder holds by the headers of its database file, because LMDB ends the process on a
 * file that is none of its own. It says nothing of the pages behind them.
 */
export function inspectDatabase(path: string): DatabaseFile {
  const file = join(path, "data.mdb");
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  // An empty file is what a crash leaves of a database that was about to be made.
  if (size === 0) return "missing";
  const metas = readMetas(file);
  return metas.length === 2 ? "whole" : "damaged";
}

/**
 * Whether the file is as long as its headers say: LMDB reads it through a map, and a page behind
 * the end of the file ends the process. Only for a database that nothing is deleted from: where a
 * transaction frees a page that it took itself, the last one may never have been written.
 */
export function hasAllPages(path: string): boolean {
  return readMetas(join(path, "data.mdb")).every(({ bytes, size }) => size >= bytes);
}

interface Meta {
  /** How long the file is, and how long this header needs it to be. */
  readonly size: bigint;
  readonly bytes: bigint;
}

/** The headers, of two, that are there. */
function readMetas(file: string): readonly Meta[] {
  const descriptor = openSync(file, "r");
  try {
    const size = BigInt(fstatSync(descriptor).size);
    const page = Buffer.alloc(META_BYTES);
    const readMeta = (position: number): readonly Meta[] => {
      const read = readSync(descriptor, page, 0, META_BYTES, position);
      if (read !== META_BYTES || page.readUInt32LE(MAGIC_OFFSET) !== MAGIC) return [];
      const pages = page.readBigUInt64LE(LAST_PAGE_OFFSET) + 1n;
      return [{ size, bytes: pages * BigInt(page.readUInt32LE(PAGE_SIZE_OFFSET)) }];
    };
    const first = readMeta(0);
    const pageSize = page.readUInt32LE(PAGE_SIZE_OFFSET);
    return first.length === 0 ? [] : [...first, ...readMeta(pageSize)];
  } finally {
    closeSync(descriptor);
  }
}

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/** LMDB's MDB_meta in the build of lmdb 3.5, after a page header of 24 bytes. */
const MAGIC_OFFSET = 24;
const PAGE_SIZE_OFFSET = 48;
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
  const descriptor = openSync(file, "r");
  try {
    const first = Buffer.alloc(PAGE_SIZE_OFFSET + 4);
    const isHeader = (position: number): boolean =>
      readSync(descriptor, first, 0, first.length, position) === first.length &&
      first.readUInt32LE(MAGIC_OFFSET) === MAGIC;
    if (!isHeader(0)) return "damaged";
    return isHeader(first.readUInt32LE(PAGE_SIZE_OFFSET)) ? "whole" : "damaged";
  } finally {
    closeSync(descriptor);
  }
}

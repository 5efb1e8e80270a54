import { closeSync, openSync, readSync, rmSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";

/** One fault of the file system in a data folder. */
export type Fault =
  | { readonly kind: "flip"; readonly file: string; readonly at: number; readonly bit: number }
  | { readonly kind: "cut"; readonly file: string; readonly at: number }
  | { readonly kind: "delete"; readonly file: string };

export const DATABASE = "protection/data.mdb";
export const MARKER = "protection.json";
export const WATERMARK = "protection.watermark";

const PAGE_BYTES = 4_096;
/** LMDB's header of a page, and the first of the pointers behind it. */
const HEADER_BYTES = 44;

export function applyFault(folder: string, fault: Fault): void {
  const path = join(folder, fault.file);
  switch (fault.kind) {
    case "delete":
      rmSync(path);
      break;
    case "cut":
      truncateSync(path, fault.at);
      break;
    case "flip": {
      const file = openSync(path, "r+");
      const byte = Buffer.alloc(1);
      readSync(file, byte, 0, 1, fault.at);
      byte.writeUInt8(byte.readUInt8() ^ (1 << fault.bit));
      writeSync(file, byte, 0, 1, fault.at);
      closeSync(file);
      break;
    }
  }
}

/**
 * Every class of faults: each byte of the headers and of the first pointers of the pages that
 * `isChosen`, one byte in `stride` of all others, cuts at the ends of pages and inside of them.
 */
export function faultsOf(
  folder: string,
  { stride, isChosen }: { readonly stride: number; isChosen(page: number): boolean },
): readonly Fault[] {
  const size = statSync(join(folder, DATABASE)).size;
  const flip = (file: string, at: number): Fault => ({ kind: "flip", file, at, bit: at % 8 });
  const faults: Fault[] = [];
  for (let page = 0; page * PAGE_BYTES < size; page++) {
    const start = page * PAGE_BYTES;
    const inside = isChosen(page) ? [0, 1, 2_000, PAGE_BYTES - 1] : [0];
    for (const at of inside) faults.push({ kind: "cut", file: DATABASE, at: start + at });
    if (!isChosen(page)) continue;
    for (let at = 0; at < HEADER_BYTES; at++) faults.push(flip(DATABASE, start + at));
  }
  for (let at = 0; at < size; at += stride) faults.push(flip(DATABASE, at));
  for (const file of [MARKER, WATERMARK]) {
    const bytes = statSync(join(folder, file)).size;
    for (let at = 0; at < bytes; at += stride) {
      faults.push(flip(file, at), { kind: "cut", file, at });
    }
  }
  return [...faults, ...[DATABASE, MARKER, WATERMARK].map(gone)];
}

function gone(file: string): Fault {
  return { kind: "delete", file };
}

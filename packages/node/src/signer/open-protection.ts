import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { parseDocument } from "@mach/api";
import { isSameDomain } from "@mach/core";
import type { DataFolder } from "../data-folder.ts";
import { NodeError } from "../node-error.ts";
import { type DatabaseFile, hasAllPages, inspectDatabase } from "../store/lmdb-file.ts";
import { replaceFile, syncDirectory } from "./durable-file.ts";
import { createLmdbProtection } from "./lmdb-protection.ts";
import { isInPlace, keepPlace } from "./place.ts";
import { survivesProbe } from "./probe.ts";
import type { ProtectionIdentity, ProtectionRecord, RecordOrigin } from "./protection.ts";
import {
  hasKept,
  openProtectionRows,
  type ProtectionRows,
  readHead,
  readIdentity,
  readOrigin,
  syncRows,
  writeIdentity,
} from "./protection-rows.ts";
import { encodeIdentity, identitySchema } from "./record-document.ts";
import { openWatermark, readWatermark, type WatermarkState } from "./watermark.ts";

export type ProtectionFailure =
  /** The folder has no record that was initialised: do so, once in an operator's life. */
  | "protection-not-initialised"
  /** The folder has one already. */
  | "protection-already-initialised"
  /** A record was initialised here and its database is gone: never sign on, restore it. */
  | "protection-missing"
  /** The record, or a file beside it, is damaged. */
  | "protection-corrupt"
  /** The database holds less than it once did, or something else: rows of signatures are gone. */
  | "protection-rolled-back"
  /** The file that says how far the record had come is gone: nobody can say that it is whole. */
  | "watermark-missing"
  /** The record is of another network. */
  | "wrong-domain"
  /** The record is another operator's. */
  | "wrong-operator";

export type ProtectionResult =
  | {
      readonly ok: true;
      readonly protection: ProtectionRecord;
      /** Whether the record is where it was opened last: see `isInPlace`. */
      readonly isInPlace: boolean;
    }
  | { readonly ok: false; readonly code: ProtectionFailure };

export type InitialiseResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: ProtectionFailure };

/**
 * Makes an empty record for an operator on a network: an explicit step, because an operator that
 * signs on without its record can be slashed for it. A database without its marker, as a crash
 * in this function leaves it, is kept with all that is in it. `fill` puts in what is known
 * elsewhere, before the record counts as made: where it throws, none was. Throws where the disk fails.
 */
export async function initialiseProtection(
  folder: DataFolder,
  identity: ProtectionIdentity,
  origin: RecordOrigin,
  fill?: (record: ProtectionRecord) => void,
): Promise<InitialiseResult> {
  const marker = await readMarker(folder);
  const mark = await readWatermark(folder.protectionWatermarkPath);
  const database = inspectRecord(folder);
  const isKnown = marker !== null || mark !== "missing";
  if (isKnown && database === "missing") return { ok: false, code: "protection-missing" };
  if (database === "damaged") return { ok: false, code: "protection-corrupt" };
  if (marker !== null) return { ok: false, code: "protection-already-initialised" };
  await mkdir(folder.protectionPath, { recursive: true, mode: 0o700 });
  const rows = openProtectionRows(folder.protectionPath);
  try {
    const failure = checkRows(rows, identity);
    if (failure === "protection-missing" && mark === "missing") {
      writeIdentity(rows, identity, origin);
    } else if (failure !== null) {
      return { ok: false, code: failure };
    }
    const kept = checkChain(rows, mark, { isNew: mark === "missing" });
    if (kept !== null) return { ok: false, code: kept };
    syncRows(rows);
    await syncDirectory(folder.protectionPath);
    const watermark = await openWatermark(folder.protectionWatermarkPath, readHead(rows));
    const record = createLmdbProtection(rows, identity, watermark);
    try {
      fill?.(record);
      await record.covered();
    } finally {
      await watermark.close();
    }
  } finally {
    await rows.close();
  }
  // What was taken from elsewhere may be older than it looks: peers are asked first.
  if (mark === "missing" && fill === undefined) await keepPlace(folder);
  await writeMarker(folder, identity);
  return { ok: true };
}

/**
 * Opens the record of this operator on this network; it is never made here. Throws where the disk
 * fails.
 */
export async function openProtection(
  folder: DataFolder,
  identity: ProtectionIdentity,
): Promise<ProtectionResult> {
  const marker = await readMarker(folder);
  if (marker === null) return { ok: false, code: "protection-not-initialised" };
  if (marker === "damaged") return { ok: false, code: "protection-corrupt" };
  const database = inspectRecord(folder);
  if (database === "missing") return { ok: false, code: "protection-missing" };
  if (database === "damaged") return { ok: false, code: "protection-corrupt" };
  const mismatch = compareIdentities(marker, identity);
  if (mismatch !== null) return { ok: false, code: mismatch };
  const mark = await readWatermark(folder.protectionWatermarkPath);
  if (!(await isWorthOpening(folder, mark))) return { ok: false, code: "protection-corrupt" };
  const rows = openProtectionRows(folder.protectionPath);
  const failure = checkRows(rows, identity) ?? checkChain(rows, mark, { isNew: false });
  if (failure === null) return await openWhole(folder, identity, rows);
  await rows.close();
  return { ok: false, code: failure };
}

/** A record that nothing was signed on has nothing to lose, and is spared the time of a probe. */
async function isWorthOpening(folder: DataFolder, mark: WatermarkState): Promise<boolean> {
  const isNew = typeof mark === "object" && mark.index === 0n;
  return isNew || (await survivesProbe(folder.protectionPath));
}

/**
 * What the database holds beyond the watermark was recorded and not signed for anybody, so that
 * the higher of the two counts; it is made durable before the watermark says so.
 */
async function openWhole(
  folder: DataFolder,
  identity: ProtectionIdentity,
  rows: ProtectionRows,
): Promise<ProtectionResult> {
  try {
    syncRows(rows);
    const wasInPlace = await isInPlace(folder);
    const watermark = await openWatermark(folder.protectionWatermarkPath, readHead(rows));
    const protection = createLmdbProtection(rows, identity, watermark);
    return { ok: true, protection, isInPlace: wasInPlace };
  } catch (error) {
    await rows.close();
    // Damage that the first commit has brought to light.
    if (isCorruptRow(error)) return { ok: false, code: "protection-corrupt" };
    throw error;
  }
}

function isCorruptRow(error: unknown): boolean {
  return error instanceof NodeError && error.code === "row-corrupt";
}

function inspectRecord(folder: DataFolder): DatabaseFile {
  const found = inspectDatabase(folder.protectionPath);
  return found === "whole" && !hasAllPages(folder.protectionPath) ? "damaged" : found;
}

/** What an operator does about a record that cannot be used, in a sentence or two. */
export function adviceOn(code: ProtectionFailure): string {
  switch (code) {
    case "protection-not-initialised":
      return "An operator that has never signed makes one, once: mach protection init --new";
    case "protection-already-initialised":
      return "There is one: use it.";
    case "wrong-domain":
    case "wrong-operator":
      return "The configuration points at another network's or operator's folder.";
    case "protection-missing":
    case "protection-corrupt":
    case "protection-rolled-back":
    case "watermark-missing":
      return (
        "Do not delete it and do not sign from a copy. If the whole record cannot be found, make " +
        "a new one in an empty folder, without --new: mach protection init"
      );
  }
}

/** Null where the chain of rows is whole, up to the mark at least. */
function checkChain(
  rows: ProtectionRows,
  mark: WatermarkState,
  { isNew }: { readonly isNew: boolean },
): ProtectionFailure | null {
  if (mark === "damaged") return "protection-corrupt";
  try {
    const head = readHead(rows);
    // A record that was never opened may lack its watermark; one with rows may not.
    if (mark === "missing" && !(isNew && head.index === 0n)) return "watermark-missing";
    return hasKept(rows, mark === "missing" ? head : mark) ? null : "protection-rolled-back";
  } catch {
    // A damaged row: the reason is in the code, and nothing is signed on it.
    return "protection-corrupt";
  }
}

/** Null where the database holds this identity's record. */
function checkRows(rows: ProtectionRows, identity: ProtectionIdentity): ProtectionFailure | null {
  try {
    const found = readIdentity(rows);
    if (found === null) return "protection-missing";
    readOrigin(rows);
    return compareIdentities(found, identity);
  } catch {
    // A damaged row: the reason is in the code, and nothing is signed on it.
    return "protection-corrupt";
  }
}

function compareIdentities(
  found: ProtectionIdentity,
  expected: ProtectionIdentity,
): ProtectionFailure | null {
  if (!isSameDomain(found.domain, expected.domain)) return "wrong-domain";
  return found.operator === expected.operator ? null : "wrong-operator";
}

async function readMarker(folder: DataFolder): Promise<ProtectionIdentity | "damaged" | null> {
  if (!existsSync(folder.protectionMarkerPath)) return null;
  try {
    const text = await readFile(folder.protectionMarkerPath, "utf8");
    const parsed = parseDocument(identitySchema, JSON.parse(text));
    return parsed.ok ? parsed.value : "damaged";
  } catch {
    // Unreadable and unparsable come to the same: the folder is marked, and not known for whom.
    return "damaged";
  }
}

async function writeMarker(folder: DataFolder, identity: ProtectionIdentity): Promise<void> {
  const text = `${JSON.stringify(encodeIdentity(identity), null, 2)}\n`;
  await replaceFile(folder.protectionMarkerPath, text);
}

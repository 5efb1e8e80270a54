import { existsSync } from "node:fs";
import { type FileHandle, mkdir, open, readFile, rename } from "node:fs/promises";
import { parseDocument } from "@mach/api";
import { isSameDomain } from "@mach/core";
import type { DataFolder } from "../data-folder.ts";
import { inspectDatabase } from "../store/lmdb-file.ts";
import {
  createLmdbProtection,
  openProtectionRows,
  type ProtectionRows,
  readIdentity,
  readOrigin,
  writeIdentity,
} from "./lmdb-protection.ts";
import type { ProtectionIdentity, ProtectionRecord, RecordOrigin } from "./protection.ts";
import { encodeIdentity, identitySchema } from "./record-document.ts";

export type ProtectionFailure =
  /** The folder has no record that was initialised: do so, once in an operator's life. */
  | "protection-not-initialised"
  /** The folder has one already. */
  | "protection-already-initialised"
  /** A record was initialised here and its database is gone: never sign on, restore it. */
  | "protection-missing"
  /** The record, or the file that marks it, is damaged. */
  | "protection-corrupt"
  /** The record is of another network. */
  | "wrong-domain"
  /** The record is another operator's. */
  | "wrong-operator";

export type ProtectionResult =
  | { readonly ok: true; readonly protection: ProtectionRecord }
  | { readonly ok: false; readonly code: ProtectionFailure };

export type InitialiseResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: ProtectionFailure };

/**
 * Makes an empty record for an operator on a network: an explicit step, because an operator that
 * signs on without its record can be slashed for it. A database without its marker, as a crash
 * in this function leaves it, is kept with all that is in it. Throws where the disk fails.
 */
export async function initialiseProtection(
  folder: DataFolder,
  identity: ProtectionIdentity,
  origin: RecordOrigin,
): Promise<InitialiseResult> {
  const marker = await readMarker(folder);
  const database = inspectDatabase(folder.protectionPath);
  if (marker !== null && database === "missing") return { ok: false, code: "protection-missing" };
  if (database === "damaged") return { ok: false, code: "protection-corrupt" };
  if (marker !== null) return { ok: false, code: "protection-already-initialised" };
  await mkdir(folder.protectionPath, { recursive: true, mode: 0o700 });
  const rows = openProtectionRows(folder.protectionPath);
  try {
    const failure = checkRows(rows, identity);
    if (failure === "protection-missing") writeIdentity(rows, identity, origin);
    else if (failure !== null) return { ok: false, code: failure };
  } finally {
    await rows.close();
  }
  await syncDirectory(folder.protectionPath);
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
  const database = inspectDatabase(folder.protectionPath);
  if (database === "missing") return { ok: false, code: "protection-missing" };
  if (database === "damaged") return { ok: false, code: "protection-corrupt" };
  const mismatch = compareIdentities(marker, identity);
  if (mismatch !== null) return { ok: false, code: mismatch };
  const rows = openProtectionRows(folder.protectionPath);
  const failure = checkRows(rows, identity);
  if (failure === null) return { ok: true, protection: createLmdbProtection(rows, identity) };
  await rows.close();
  return { ok: false, code: failure };
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
  const path = folder.protectionMarkerPath;
  await withFile(await open(`${path}.new`, "w", 0o600), async (file) => {
    await file.writeFile(`${JSON.stringify(encodeIdentity(identity), null, 2)}\n`);
    await file.sync();
  });
  await rename(`${path}.new`, path);
  await syncDirectory(folder.path);
}

async function syncDirectory(path: string): Promise<void> {
  await withFile(await open(path, "r"), (directory) => directory.sync());
}

async function withFile(file: FileHandle, use: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type DataFolder, openDataFolder } from "../../src/data-folder.ts";
import { initialiseProtection, openProtection } from "../../src/signer/open-protection.ts";
import type {
  ProtectionIdentity,
  ProtectionRecord,
  RecordOrigin,
} from "../../src/signer/protection.ts";
import { IDENTITY } from "./test-claims.ts";

export async function temporaryPath(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mach-test-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

export async function lockedFolder(path?: string): Promise<DataFolder> {
  const result = await openDataFolder(path ?? (await temporaryPath()));
  if (!result.ok) throw new Error(result.code, { cause: result });
  onTestFinished(() => result.folder.release());
  return result.folder;
}

/** The record of a folder, initialised where it is not. */
export async function recordIn(
  folder: DataFolder,
  identity: ProtectionIdentity = IDENTITY,
  origin: RecordOrigin = "never-signed",
): Promise<ProtectionRecord> {
  await initialiseProtection(folder, identity, origin);
  const result = await openProtection(folder, identity);
  if (!result.ok) throw new Error(result.code);
  return result.protection;
}

import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UsageError } from "./command.ts";

/**
 * Writes a file of mode 0600 that did not exist; false where it did. It is there whole and on disk,
 * or not at all: it is written under another name, and given its own one by a link, which unlike a
 * rename takes no other file's place.
 */
export function writeNewFile(path: string, content: string): boolean {
  const folder = dirname(path);
  const written = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    writeSynced(written, content);
    linkSync(written, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw new UsageError(`${path} cannot be written (${code ?? "unknown"})`);
  } finally {
    rmSync(written, { force: true });
  }
  syncFolder(folder);
  return true;
}

function writeSynced(path: string, content: string): void {
  const file = openSync(path, "wx", 0o600);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Without it the new name could be lost with the power. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

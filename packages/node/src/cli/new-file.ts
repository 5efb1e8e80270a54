import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { UsageError } from "./command.ts";

/** What file systems without links (FAT on a stick, some network shares) answer to one. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/**
 * Writes a file of mode 0600 that did not exist; false where it did. It is there whole and on disk,
 * or not at all: it is written under another name, and given its own one by a link, which unlike a
 * rename takes no other file's place. Where there are no links it is written in its place.
 */
export function writeNewFile(
  path: string,
  content: string,
  link: typeof linkSync = linkSync,
): boolean {
  const folder = dirname(path);
  const written = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    writeSynced(written, content);
    linkOrWrite({ written, path, content }, link);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") return false;
    throw new UsageError(`${path} cannot be written (${code})`);
  } finally {
    rmSync(written, { force: true });
  }
  syncFolder(folder);
  return true;
}

/** Makes a folder of mode 0700, and those that it is in; one that exists is left as it is. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UsageError(`the folder ${folder} cannot be made (${codeOf(error)})`);
  }
}

function linkOrWrite(
  file: { readonly written: string; readonly path: string; readonly content: string },
  link: typeof linkSync,
): void {
  try {
    link(file.written, file.path);
  } catch (error) {
    if (!NO_LINKS.has(codeOf(error))) throw error;
    writeSynced(file.path, file.content);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown";
}

function writeSynced(path: string, content: string): void {
  const file = openSync(path, "wx", 0o600);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } catch (error) {
    // Half a key is worse than none: it would be taken for one, and keep its place.
    rmSync(path, { force: true });
    throw error;
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

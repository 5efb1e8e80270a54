import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { UsageError } from "./command.ts";

/** Writes a file that did not exist and syncs it; false where it did. */
export function writeNewFile(path: string, content: string): boolean {
  let file: number;
  try {
    file = openSync(path, "wx", 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw new UsageError(`${path} cannot be written (${code ?? "unknown"})`);
  }
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return true;
}

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DataFolder } from "../data-folder.ts";
import { replaceFile } from "./durable-file.ts";

/** Linux makes a new one each time that the machine starts. */
const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";
const MAX_CHARACTERS = 256;

/**
 * Whether the record is where it was opened last: the same file of the same disk, and the machine
 * has not been started anew. After a copy, a restored backup or a restored machine it is not, and
 * nothing in a consistent old copy says by itself that it is old.
 */
export async function isInPlace(folder: DataFolder): Promise<boolean> {
  return (await readShort(pathOf(folder))) === (await describePlace(folder));
}

/** Remembers, durably, where the record is. */
export async function keepPlace(folder: DataFolder): Promise<void> {
  await replaceFile(pathOf(folder), await describePlace(folder));
}

async function describePlace(folder: DataFolder): Promise<string> {
  const { dev, ino } = await stat(join(folder.protectionPath, "data.mdb"));
  return `${((await readShort(BOOT_ID_FILE)) ?? "").trim()} ${dev} ${ino}\n`;
}

function pathOf(folder: DataFolder): string {
  return `${folder.protectionPath}.place`;
}

async function readShort(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).slice(0, MAX_CHARACTERS);
  } catch {
    // Not there, or not readable: then the place is not the one that was kept.
    return null;
  }
}

import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Puts a file of this content in the place of what is there, so that a crash leaves the one or the
 * other: written beside it, synced, renamed, and the folder synced.
 */
export async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  await withFile(await open(`${path}.new`, "w", 0o600), async (file) => {
    await file.writeFile(content);
    await file.sync();
  });
  await rename(`${path}.new`, path);
  await syncDirectory(dirname(path));
}

/** Makes durable which names a folder holds. */
export async function syncDirectory(path: string): Promise<void> {
  await withFile(await open(path, "r"), (directory) => directory.sync());
}

async function withFile(file: FileHandle, use: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

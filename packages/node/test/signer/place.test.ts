import { cpSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DataFolder } from "../../src/data-folder.ts";
import { openProtection } from "../../src/signer/open-protection.ts";
import { isInPlace, keepPlace } from "../../src/signer/place.ts";
import { IDENTITY } from "./test-claims.ts";
import { lockedFolder, recordIn, temporaryPath } from "./test-folders.ts";

async function madeFolder(): Promise<DataFolder> {
  const folder = await lockedFolder();
  await (await recordIn(folder)).close();
  return folder;
}

async function opensInPlace(folder: DataFolder): Promise<boolean> {
  const opened = await openProtection(folder, IDENTITY);
  if (!opened.ok) throw new Error(opened.code);
  await opened.protection.close();
  return opened.isInPlace;
}

test("a record is in its place after any number of restarts", async () => {
  const folder = await madeFolder();
  expect(await opensInPlace(folder)).toBe(true);
  expect(await opensInPlace(folder)).toBe(true);
});

test("a copy is not in its place until that is said of it", async () => {
  const original = await madeFolder();
  const path = join(await temporaryPath(), "copy");
  cpSync(original.path, path, { recursive: true, filter: (file) => !file.endsWith("lock") });
  const copy = await lockedFolder(path);
  expect(await opensInPlace(copy)).toBe(false);
  expect(await opensInPlace(copy)).toBe(false);
  await keepPlace(copy);
  expect(await opensInPlace(copy)).toBe(true);
});

test("without the place, or after another start of the machine, it is not in its place", async () => {
  const folder = await madeFolder();
  const file = `${folder.protectionPath}.place`;
  await writeFile(file, "d7a4c0de-another-boot 1 2\n");
  expect(await isInPlace(folder)).toBe(false);
  await rm(file);
  expect(await isInPlace(folder)).toBe(false);
});

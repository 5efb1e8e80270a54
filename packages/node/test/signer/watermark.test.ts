import { constants } from "node:fs";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ChainMark } from "../../src/signer/hash-chain.ts";
import { createWatermark, openWatermark, readWatermark } from "../../src/signer/watermark.ts";
import { temporaryPath } from "./test-folders.ts";

const SECOND_SLOT = 4_096;

function markAt(index: bigint): ChainMark {
  return { index, link: new Uint8Array(32).fill(Number(index % 251n)) };
}

async function markedPath(...indexes: readonly bigint[]): Promise<string> {
  const path = join(await temporaryPath(), "watermark");
  const watermark = await openWatermark(path, markAt(0n));
  for (const index of indexes) await watermark.raise(markAt(index));
  await watermark.close();
  return path;
}

test("the newest mark is read back, after any number of them", async () => {
  for (const count of [0n, 1n, 2n, 5n]) {
    const indexes = Array.from({ length: Number(count) }, (_, i) => BigInt(i + 1));
    expect(await readWatermark(await markedPath(...indexes))).toEqual(markAt(count));
  }
});

test("a write that was torn leaves the mark before it", async () => {
  const path = await markedPath(1n, 2n, 3n);
  const bytes = await readFile(path);
  // The third mark is in the second slot.
  bytes.fill(0, SECOND_SLOT + 100);
  await writeFile(path, bytes);
  expect(await readWatermark(path)).toEqual(markAt(2n));
});

test("a flipped byte never gives a mark that was not there", async () => {
  const path = await markedPath(1n, 2n, 3n);
  const whole = await readFile(path);
  for (let at = 0; at < whole.length; at += 13) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 0x04;
    await writeFile(path, bytes);
    expect([markAt(2n), markAt(3n)]).toContainEqual(await readWatermark(path));
  }
});

test("a file that is gone, cut or foreign is told apart from one that is whole", async () => {
  const path = await markedPath(1n);
  for (const text of ["", "{}", "x".repeat(SECOND_SLOT + 512), "x".repeat(10_000)]) {
    await writeFile(path, text);
    expect(await readWatermark(path)).toBe("damaged");
  }
  await rm(path);
  expect(await readWatermark(path)).toBe("missing");
});

test("a disk that is full makes it reject", async () => {
  const watermark = createWatermark(await open("/dev/full", constants.O_WRONLY));
  await expect(watermark.raise(markAt(1n))).rejects.toMatchObject({ code: "ENOSPC" });
  await watermark.close();
});

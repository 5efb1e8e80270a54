import { hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { parseDocument } from "@mach/api";
import { fromHex, type Hex, isHex, toHex } from "@mach/core";
import { z } from "zod";
import { replaceFile } from "./durable-file.ts";
import type { ChainMark } from "./hash-chain.ts";

/**
 * A second place that knows how far the signing record had come: a database that has lost its
 * newest rows looks whole to itself.
 */
export interface Watermark {
  /** Resolves when the mark is on disk. One at a time. Rejects where the disk fails. */
  raise(mark: ChainMark): Promise<void>;
  close(): Promise<void>;
}

/** The mark that a file holds, or why it holds none. */
export type WatermarkState = ChainMark | "missing" | "damaged";

/** A block of its own for each of the two slots, so that a torn write leaves the other whole. */
const SLOT_OFFSET = 4_096;
const SLOT_BYTES = 512;
const FILE_BYTES = SLOT_OFFSET + SLOT_BYTES;

const hash32 = z.custom<Hex>((value) => typeof value === "string" && isHex(value, 32));
const slotSchema: z.ZodType<SlotDocument, unknown> = z.strictObject({
  version: z.literal(1),
  index: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,18})$/)
    .transform(BigInt),
  link: hash32,
  seal: hash32,
});

/** The higher of the two marks in the file. */
export async function readWatermark(path: string): Promise<WatermarkState> {
  const size = await stat(path).then(
    (found) => found.size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    },
  );
  if (size === null) return "missing";
  if (size !== FILE_BYTES) return "damaged";
  const bytes = await readFile(path);
  const marks = [0, SLOT_OFFSET].flatMap((at) => readSlot(bytes.subarray(at, at + SLOT_BYTES)));
  const [highest] = marks.sort((left, right) => (left.index < right.index ? 1 : -1));
  return highest ?? "damaged";
}

/**
 * Puts a file with this mark in the place of the one before, durably, and keeps it open: from then
 * on a mark is one synchronous write into the slot whose turn it is.
 */
export async function openWatermark(path: string, mark: ChainMark): Promise<Watermark> {
  const slot = encodeSlot(mark);
  const bytes = Buffer.alloc(FILE_BYTES, " ");
  bytes.set(slot);
  bytes.set(slot, SLOT_OFFSET);
  await replaceFile(path, bytes);
  const file = await open(path, constants.O_RDWR | constants.O_DSYNC);
  return createWatermark(file);
}

/** Writes marks into an open file by turns; exported to be tried on a file that fails. */
export function createWatermark(file: Pick<FileHandle, "write" | "close">): Watermark {
  let writes = 0;
  return {
    async raise(mark) {
      const slot = encodeSlot(mark);
      writes++;
      // One call, so that it goes on in another thread while this one computes a signature.
      const { bytesWritten } = await file.write(slot, 0, SLOT_BYTES, (writes % 2) * SLOT_OFFSET);
      if (bytesWritten !== SLOT_BYTES) throw new Error("the watermark was written in part only");
    },
    close: () => file.close(),
  };
}

interface SlotDocument {
  readonly version: 1;
  readonly index: bigint;
  readonly link: Hex;
  readonly seal: Hex;
}

function encodeSlot({ index, link }: ChainMark): Buffer {
  const hex = toHex(link);
  const document = { version: 1, index: `${index}`, link: hex, seal: sealOf(index, hex) };
  return Buffer.from(`${JSON.stringify(document).padEnd(SLOT_BYTES - 1)}\n`);
}

function readSlot(bytes: Buffer): readonly ChainMark[] {
  try {
    const parsed = parseDocument(slotSchema, JSON.parse(bytes.toString("utf8")));
    if (!parsed.ok) return [];
    const { index, link, seal } = parsed.value;
    return sealOf(index, link) === seal ? [{ index, link: fromHex(link) }] : [];
  } catch {
    // No JSON: a torn write, or damage. The other slot decides.
    return [];
  }
}

function sealOf(index: bigint, link: Hex): Hex {
  return toHex(hash("sha256", `${index}/${link}`, "buffer"));
}

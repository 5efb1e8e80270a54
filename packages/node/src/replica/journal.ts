import { randomUUID } from "node:crypto";
import type { Hex } from "@mach/core";
import { type Database, open } from "lmdb";
import { z } from "zod";
import { NodeError } from "../node-error.ts";
import { hashSchema, numberSchema } from "../store/documents.ts";
import { inspectDatabase } from "../store/lmdb-file.ts";
import { openRow, sealRow } from "../store/row.ts";
import { leadingNumber, nameKey, numberKey } from "../store/row-key.ts";

/** What was put into the store and may not be in the database yet; its rows are read when sent. */
export type JournalEntry =
  | { readonly kind: "certificate"; readonly certificateId: Hex }
  | { readonly kind: "contradiction"; readonly rollupId: bigint }
  | { readonly kind: "epoch"; readonly epoch: bigint }
  | { readonly kind: "set-update"; readonly epoch: bigint }
  | { readonly kind: "evidence"; readonly evidenceId: Hex }
  | { readonly kind: "alerts" }
  | { readonly kind: "participation"; readonly epoch: bigint }
  | { readonly kind: "pruned-certificates"; readonly rollupId: bigint }
  | { readonly kind: "pruned-sets" };

export interface NumberedEntry {
  readonly sequence: bigint;
  readonly entry: JournalEntry;
}

/** What of this node's store still has to reach the database, on disk and in order. */
export interface Journal {
  /** Names this journal in the database. */
  readonly nodeId: string;
  /** Notes a put, and makes it once the entry would survive the process. */
  note<T>(entries: readonly JournalEntry[], put: () => Promise<T>): Promise<T>;
  /** Told after each put that was noted. */
  listen(onNoted: () => void): void;
  /** The lowest ones, as far as all puts up to them have been made. */
  first(limit: number): readonly NumberedEntry[];
  /** How many wait. */
  size(): number;
  /** The highest number up to which all puts have been made. */
  newest(): bigint;
  /** Forgets all up to this one. */
  removeThrough(sequence: bigint): Promise<void>;
  /**
   * Whether all that the store holds is in the database or in here. It is not at first, nor after
   * more entries waited than are kept.
   */
  isComplete(): boolean;
  /** Says that it is, or that the database has lost what was sent. */
  setComplete(isComplete: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** About 100 bytes each: days without a database. */
const MAX_ENTRIES = 1_000_000;
const ABOUT = nameKey("about");

const entrySchema: z.ZodType<JournalEntry, unknown> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("certificate"), certificateId: hashSchema }),
  z.strictObject({ kind: z.literal("contradiction"), rollupId: numberSchema }),
  z.strictObject({ kind: z.literal("epoch"), epoch: numberSchema }),
  z.strictObject({ kind: z.literal("set-update"), epoch: numberSchema }),
  z.strictObject({ kind: z.literal("evidence"), evidenceId: hashSchema }),
  z.strictObject({ kind: z.literal("alerts") }),
  z.strictObject({ kind: z.literal("participation"), epoch: numberSchema }),
  z.strictObject({ kind: z.literal("pruned-certificates"), rollupId: numberSchema }),
  z.strictObject({ kind: z.literal("pruned-sets") }),
]);
const aboutSchema = z.strictObject({
  nodeId: z.uuid(),
  isComplete: z.boolean(),
  newest: numberSchema,
});

interface About {
  readonly nodeId: string;
  readonly isComplete: boolean;
  /** So that a number is never given twice, also when all entries are gone. */
  readonly newest: bigint;
}

/** Opens the journal in a folder, and makes it where it is missing. */
export async function openJournal(
  path: string,
  options: { readonly maxEntries: number } = { maxEntries: MAX_ENTRIES },
): Promise<Journal> {
  if (inspectDatabase(path) === "damaged") {
    throw new NodeError(
      "data-folder-unusable",
      `The journal in ${path} is damaged: move it away, and the database is filled again.`,
    );
  }
  const encoding = { encoding: "binary", keyEncoding: "binary" } as const;
  const root = open<Uint8Array, Uint8Array>(path, { ...encoding, noSubdir: false, maxDbs: 4 });
  const meta = root.openDB<Uint8Array, Uint8Array>("meta", encoding);
  const entries = root.openDB<Uint8Array, Uint8Array>("entries", encoding);
  const bytes = meta.get(ABOUT);
  const about: About = bytes
    ? openRow(aboutSchema, { key: ABOUT, bytes })
    : { nodeId: randomUUID(), isComplete: false, newest: 0n };
  const journal = new LmdbJournal({ root, meta, entries, about, ...options });
  await journal.setComplete(about.isComplete);
  return journal;
}

type Rows = Database<Uint8Array, Uint8Array>;

class LmdbJournal implements Journal {
  readonly nodeId: string;
  readonly #root: Rows;
  readonly #meta: Rows;
  readonly #entries: Rows;
  readonly #maxEntries: number;
  /** The first numbers of puts that are under way. */
  readonly #underWay = new Set<bigint>();
  #onNoted: () => void = () => undefined;
  #newest: bigint;
  #isComplete: boolean;
  #size: number;

  constructor(parts: {
    readonly root: Rows;
    readonly meta: Rows;
    readonly entries: Rows;
    readonly about: About;
    readonly maxEntries: number;
  }) {
    const { nodeId, isComplete, newest } = parts.about;
    this.#root = parts.root;
    this.#meta = parts.meta;
    this.#entries = parts.entries;
    this.#maxEntries = parts.maxEntries;
    this.nodeId = nodeId;
    this.#isComplete = isComplete;
    this.#size = parts.entries.getKeysCount();
    const last = lastNumber(parts.entries) ?? 0n;
    this.#newest = last > newest ? last : newest;
  }

  async note<T>(entries: readonly JournalEntry[], put: () => Promise<T>): Promise<T> {
    const first = this.#newest + 1n;
    this.#underWay.add(first);
    try {
      await Promise.all(entries.map((entry) => this.#add(entry)));
      return await put();
    } finally {
      this.#underWay.delete(first);
      this.#onNoted();
    }
  }

  listen(onNoted: () => void): void {
    this.#onNoted = onNoted;
  }

  first(limit: number): readonly NumberedEntry[] {
    const end = numberKey([this.newest() + 1n]);
    return [...this.#entries.getRange({ end, limit })].map(({ key, value }) => ({
      sequence: leadingNumber(key),
      entry: openRow(entrySchema, { key, bytes: value }),
    }));
  }

  size(): number {
    return this.#size;
  }

  newest(): bigint {
    // In order of their beginning, the lowest first.
    const [lowest] = this.#underWay;
    return lowest === undefined ? this.#newest : lowest - 1n;
  }

  async removeThrough(sequence: bigint): Promise<void> {
    await this.#root.transaction(() => {
      for (const key of this.#entries.getKeys({ end: numberKey([sequence + 1n]) })) {
        void this.#entries.remove(key);
      }
    });
    this.#size = this.#entries.getKeysCount();
  }

  isComplete(): boolean {
    return this.#isComplete;
  }

  async setComplete(isComplete: boolean): Promise<void> {
    this.#isComplete = isComplete;
    const { nodeId } = this;
    const about = { nodeId, isComplete, newest: `${this.#newest}` };
    await this.#meta.put(ABOUT, sealRow(ABOUT, about));
  }

  async stop(): Promise<void> {
    await this.setComplete(this.#isComplete);
    await this.#root.flushed;
    await this.#root.close();
  }

  async #add(entry: JournalEntry): Promise<void> {
    this.#newest += 1n;
    const key = numberKey([this.#newest]);
    this.#size += 1;
    const written = this.#entries.put(key, sealRow(key, encodeEntry(entry)));
    if (this.#size > this.#maxEntries) await this.#giveUp();
    await written;
  }

  /** The store holds it all: one day the database is filled from there. */
  async #giveUp(): Promise<void> {
    await this.setComplete(false);
    await this.removeThrough(this.#newest);
  }
}

function encodeEntry(entry: JournalEntry): unknown {
  const fields = Object.entries(entry).map(([name, value]) => [
    name,
    typeof value === "bigint" ? `${value}` : value,
  ]);
  return Object.fromEntries(fields);
}

function lastNumber(entries: Rows): bigint | null {
  const [last] = [...entries.getKeys({ reverse: true, limit: 1 })];
  return last === undefined ? null : leadingNumber(last);
}

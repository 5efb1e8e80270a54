import { z } from "zod";
import { type Query, withinTransaction } from "../store/postgres-database.ts";
import { openRow } from "../store/row.ts";
import { numberKey } from "../store/row-key.ts";
import { openEvent, type PlacedEvent } from "./event-documents.ts";
import {
  type PublishedHeight,
  type PublishedView,
  publishedHeightSchema,
  publishedViewSchema,
} from "./view-documents.ts";
import { VIEW_KEY } from "./view-publisher.ts";

/** Up to where a process has read what was published. */
export interface ReplicaCursor {
  /** Heights of another session have nothing to do with this one's. */
  readonly session: string;
  readonly revision: bigint;
  /** Names the stream of events. */
  readonly run: string;
  readonly sequence: number;
}

/** What was published since, as of one moment. */
export interface ReplicaNews {
  readonly cursor: ReplicaCursor;
  /** How long before the reading all of it was so, by the database's clock, milliseconds. */
  readonly ageMs: number;
  readonly view: PublishedView;
  /** The heights begin anew: those that are known are of another session. */
  readonly isAnew: boolean;
  readonly heights: readonly {
    readonly rollupId: bigint;
    readonly blockNumber: bigint;
    readonly height: PublishedHeight;
  }[];
  readonly events: readonly PlacedEvent[];
}

const MAX_EVENTS = 65_536;

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const uint = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt);
const viewRow = z.strictObject({
  revision: uint,
  run: z.string().regex(/^[0-9a-f]{8}$/),
  session: z.uuid(),
  document: bytes,
  age_ms: z.coerce.number(),
});
const heightRows = z.array(
  z.strictObject({ rollup_id: uint, block_number: uint, document: bytes }),
);
const eventRows = z.array(
  z.strictObject({ sequence: z.coerce.number().int().positive(), document: bytes }),
);

/** Reads what is new; null where nothing was ever published. Throws a NodeError `row-corrupt`. */
export async function readNews(
  query: Query,
  since: ReplicaCursor | null,
): Promise<ReplicaNews | null> {
  return await withinTransaction(query, READ_ONLY, async () => {
    const [found] = await query(
      `select revision::text, run, session::text, document,
         extract(epoch from clock_timestamp() - written_at) * 1000 as age_ms
       from mach.view`,
    );
    if (found === undefined) return null;
    const { revision, run, session, document, age_ms: ageMs } = viewRow.parse(found);
    const isAnew = since?.session !== session;
    const heights = await readHeights(query, isAnew ? 0n : since.revision);
    const isSameRun = since?.run === run;
    const events = await readEvents(query, run, isSameRun ? since.sequence : 0);
    const sequence = events.at(-1)?.id.sequence ?? (isSameRun ? since.sequence : 0);
    return {
      cursor: { session, revision, run, sequence },
      ageMs,
      view: openRow(publishedViewSchema, { key: VIEW_KEY, bytes: document }),
      isAnew,
      heights,
      events: since === null ? startOfStream(events) : events,
    };
  });
}

const READ_ONLY = "begin isolation level repeatable read, read only";

async function readHeights(query: Query, revision: bigint): Promise<ReplicaNews["heights"]> {
  const rows = await query(
    `select rollup_id::text, block_number::text, document from mach.view_heights
     where revision > $1`,
    [revision],
  );
  return heightRows.parse(rows).map((row) => {
    const { rollup_id: rollupId, block_number: blockNumber, document } = row;
    const key = numberKey([rollupId, blockNumber]);
    const height = openRow(publishedHeightSchema, { key, bytes: document });
    return { rollupId, blockNumber, height };
  });
}

async function readEvents(
  query: Query,
  run: string,
  after: number,
): Promise<readonly PlacedEvent[]> {
  const rows = await query(
    `select sequence::text, document from mach.events where run = $1 and sequence > $2
     order by events.sequence limit $3`,
    [run, after, MAX_EVENTS],
  );
  return eventRows
    .parse(rows)
    .flatMap(({ sequence, document }) => openEvent({ run, sequence }, document) ?? []);
}

/** The oldest of each topic that are kept: there may have been others before. */
function startOfStream(events: readonly PlacedEvent[]): readonly PlacedEvent[] {
  if (events.at(-1)?.id.sequence === events.length) return events;
  const seen = new Set<string>();
  return events.map((placed) => {
    const { topic } = placed.event;
    if (seen.has(topic)) return placed;
    seen.add(topic);
    return { ...placed, id: { ...placed.id, isAfterGap: true } };
  });
}

import { z } from "zod";
import { numberSchema } from "../store/documents.ts";
import type { Query } from "../store/postgres-database.ts";
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
  /** How many contradictions nodes have kept, of all rollups: none is ever taken back. */
  readonly contradictions: bigint;
}

const MAX_EVENTS = 65_536;

/**
 * One statement, so that all of it is as of one moment, and one way to the database and back. What
 * is asked for since an older session, or an older stream, is all there is.
 */
const NEWS = `
  with published as (
    select *, extract(epoch from clock_timestamp() - written_at) * 1000 as age_ms from mach.view
  )
  select 'view' as kind, run, session::text, revision::text as number, null as rollup_id, document,
    age_ms::float8, (select count(*) from mach.contradictions)::text as contradictions
  from published
  union all
  select 'height', null, null, block_number::text, rollup_id::text, document, null, null
  from mach.view_heights
  where revision > (select case when session::text = $1 then $2::bigint else 0 end from published)
  union all (
    select 'event', run, null, sequence::text, null, document, null, null
    from mach.events
    where run = (select run from published)
      and sequence > (select case when run = $3 then $4::bigint else 0 end from published)
    order by events.sequence limit $5
  )`;

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const run = z.string().regex(/^[0-9a-f]{8}$/);
const newsRow = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("view"),
    run,
    session: z.uuid(),
    number: numberSchema,
    document: bytes,
    age_ms: z.number(),
    contradictions: numberSchema,
  }),
  z.object({
    kind: z.literal("height"),
    number: numberSchema,
    rollup_id: numberSchema,
    document: bytes,
  }),
  z.object({ kind: z.literal("event"), run, number: numberSchema, document: bytes }),
]);

/** Reads what is new; null where nothing was ever published. Throws a NodeError `row-corrupt`. */
export async function readNews(
  query: Query,
  since: ReplicaCursor | null,
): Promise<ReplicaNews | null> {
  const { session, revision, run: stream, sequence } = since ?? NOTHING;
  const rows = await query(NEWS, [session, revision, stream, sequence, MAX_EVENTS]);
  const news = rows.map((row) => newsRow.parse(row));
  const published = news.find((row) => row.kind === "view");
  if (published === undefined) return null;
  const events = news
    .flatMap((row) => (row.kind === "event" ? (openEvent(placeOf(row), row.document) ?? []) : []))
    .toSorted((left, right) => left.id.sequence - right.id.sequence);
  const told = published.run === stream ? sequence : 0;
  return {
    cursor: {
      session: published.session,
      revision: published.number,
      run: published.run,
      sequence: events.at(-1)?.id.sequence ?? told,
    },
    ageMs: published.age_ms,
    view: openRow(publishedViewSchema, { key: VIEW_KEY, bytes: published.document }),
    isAnew: published.session !== session,
    heights: news.flatMap((row) => {
      if (row.kind !== "height") return [];
      const { rollup_id: rollupId, number: blockNumber, document } = row;
      const key = numberKey([rollupId, blockNumber]);
      const height = openRow(publishedHeightSchema, { key, bytes: document });
      return { rollupId, blockNumber, height };
    }),
    events: since === null ? startOfStream(events) : events,
    contradictions: published.contradictions,
  };
}

const NOTHING: ReplicaCursor = { session: "", revision: 0n, run: "", sequence: 0 };

function placeOf(row: { readonly run: string; readonly number: bigint }): {
  readonly run: string;
  readonly sequence: number;
} {
  return { run: row.run, sequence: Number(row.number) };
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

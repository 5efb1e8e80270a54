import { randomUUID } from "node:crypto";
import type { EventId } from "../http/node-view.ts";
import type { Query } from "../store/postgres-database.ts";
import { sealRow } from "../store/row.ts";
import { nameKey, numberKey } from "../store/row-key.ts";
import type { EventBuffer } from "./event-buffer.ts";
import { sealEvent } from "./event-documents.ts";
import type { NodeWords, ViewChanges, ViewTracker } from "./published-view.ts";
import {
  encodePublishedHeight,
  encodePublishedView,
  type PublishedRollup,
} from "./view-documents.ts";

/** Where readers hear that there is something new. */
export const CHANNEL = "mach";
/** Names the row of the view in its seal. */
export const VIEW_KEY: Uint8Array = nameKey("view");

const MAX_EVENTS = 1_024;
/** A statement's worth, of some 4 KiB each. */
const MAX_HEIGHTS = 256;
/** So many events later, those that are too old are removed. */
const SWEEP_EVENTS = 1_024;
const MAX_EVIDENCE_EVENTS = 64;

export interface ViewPublisherPorts {
  readonly tracker: ViewTracker;
  readonly events: EventBuffer;
  readonly words: () => Promise<NodeWords>;
  /** The name of this node's stream of events. */
  readonly run: EventId["run"];
}

/** Writes what this node sees, for readers; only ever by the session that holds the lock. */
export interface ViewPublisher {
  /** Begins anew: whatever the database has is another session's. Within a transaction. */
  takeOver(query: Query): Promise<void>;
  /** Within a transaction; what it returns is called once that has been committed. */
  publish(query: Query): Promise<() => void>;
}

/** Publishes what changed, with the time by the database's clock at which it was so. */
export function createViewPublisher(
  ports: ViewPublisherPorts,
  options: { readonly eventHistory: number },
): ViewPublisher {
  return new Publisher(ports, options.eventHistory);
}

class Publisher implements ViewPublisher {
  readonly #ports: ViewPublisherPorts;
  readonly #eventHistory: number;
  #session = randomUUID();
  #revision = 0n;
  /** Below what was removed last. */
  #lowest = "";
  #unswept = SWEEP_EVENTS;

  constructor(ports: ViewPublisherPorts, eventHistory: number) {
    this.#ports = ports;
    this.#eventHistory = eventHistory;
  }

  async takeOver(query: Query): Promise<void> {
    const { tracker, events, run } = this.#ports;
    const [last] = await query("select run, revision from mach.view");
    if (last !== undefined && last["run"] !== run) events.discard();
    this.#revision = BigInt(String(last?.["revision"] ?? 0));
    this.#session = randomUUID();
    tracker.reset();
    this.#lowest = "";
    await query("delete from mach.view_heights");
    await query("delete from mach.events where run <> $1", [run]);
  }

  async publish(query: Query): Promise<() => void> {
    const { tracker, events, run, words } = this.#ports;
    // Before the state is read: what is told is never taken for newer than it is.
    const [clock] = await query("select clock_timestamp()::text as at");
    const changes = tracker.changes(await words());
    this.#revision += 1n;
    const document = sealRow(VIEW_KEY, encodePublishedView(changes.view));
    const { heights } = changes;
    // Encoded a part at a time, because all of them at once would hold up the node.
    for (let i = 0; i < heights.length; i += MAX_HEIGHTS) {
      await this.#putHeights(query, heights.slice(i, i + MAX_HEIGHTS));
    }
    const lowest = changes.view.rollups.map((rollup) => `${rollup.rollupId}/${rollup.lowest}`);
    if (`${lowest}` !== this.#lowest) await removeBelow(query, changes.view.rollups);
    const sent = await this.#putEvents(query);
    await query(
      `with written as (
         insert into mach.view (revision, run, session, document, written_at)
         values ($1, $2, $3, $4, $5::timestamptz)
         on conflict (id) do update set revision = excluded.revision, run = excluded.run,
           session = excluded.session, document = excluded.document,
           written_at = excluded.written_at
         returning 1
       )
       select pg_notify($6, '') from written`,
      [this.#revision, run, this.#session, document, clock?.["at"], CHANNEL],
    );
    return () => {
      this.#lowest = `${lowest}`;
      tracker.onPublished(changes);
      events.removeThrough(sent);
    };
  }

  async #putHeights(query: Query, heights: ViewChanges["heights"]): Promise<void> {
    await query(
      `insert into mach.view_heights (rollup_id, block_number, revision, document)
       select rollup_id, block_number, $4, document
       from unnest($1::numeric[], $2::numeric[], $3::bytea[])
         as changed (rollup_id, block_number, document)
       on conflict (rollup_id, block_number)
       do update set revision = excluded.revision, document = excluded.document`,
      [
        heights.map(({ rollupId }) => rollupId),
        heights.map(({ blockNumber }) => blockNumber),
        heights.map(({ rollupId, blockNumber, height }) =>
          sealRow(numberKey([rollupId, blockNumber]), encodePublishedHeight(height)),
        ),
        this.#revision,
      ],
    );
  }

  /** Through which event they are in the database then. */
  async #putEvents(query: Query): Promise<number> {
    const waiting = this.#ports.events.first(MAX_EVENTS);
    const last = waiting.at(-1);
    if (last === undefined) return 0;
    await query(
      `insert into mach.events (run, sequence, topic, document)
       select * from unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[])
       on conflict do nothing`,
      [
        waiting.map(({ id }) => id.run),
        waiting.map(({ id }) => id.sequence),
        waiting.map(({ event }) => event.topic),
        waiting.map(sealEvent),
      ],
    );
    this.#unswept += waiting.length;
    if (this.#unswept >= SWEEP_EVENTS) await this.#sweepEvents(query);
    return last.id.sequence;
  }

  async #sweepEvents(query: Query): Promise<void> {
    this.#unswept = 0;
    await query(
      `delete from mach.events using (
         select run, sequence, topic,
           row_number() over (partition by topic order by sequence desc) as age
         from mach.events where run = $1
       ) as known
       where events.run = known.run and events.sequence = known.sequence
         and known.age > case known.topic when 'evidence' then $2::bigint else $3::bigint end`,
      [this.#ports.run, MAX_EVIDENCE_EVENTS, this.#eventHistory],
    );
  }
}

async function removeBelow(query: Query, rollups: readonly PublishedRollup[]): Promise<void> {
  await query(
    `delete from mach.view_heights using unnest($1::numeric[], $2::numeric[])
       as kept (rollup_id, lowest)
     where view_heights.rollup_id = kept.rollup_id and block_number < kept.lowest`,
    [rollups.map(({ rollupId }) => rollupId), rollups.map(({ lowest }) => lowest)],
  );
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Alerts } from "../alerts.ts";
import { NodeError } from "../node-error.ts";
import {
  BEGIN_CHANGE,
  type Query,
  tryPublisherLock,
  withinTransaction,
} from "../store/postgres-database.ts";
import { PostgresRows } from "../store/postgres-rows.ts";
import type { Store, StoreOptions } from "../store/store.ts";
import { type DatabaseSession, openSession } from "./database-session.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import { sendRows } from "./row-sender.ts";
import { ownEntries, storeEntries } from "./store-entries.ts";
import type { ViewPublisher } from "./view-publisher.ts";
import { createWaker } from "./waker.ts";

export interface MirrorPorts {
  /** This node's own store: the database is filled from it. */
  readonly store: Store;
  readonly journal: Journal;
  readonly publisher: ViewPublisher;
  readonly alerts: Pick<Alerts, "raise" | "clearAfter">;
  readonly logger: Pick<Logger, "info" | "warn">;
  /** The newest epoch that the store may have something of. */
  readonly newestEpoch: () => bigint;
}

export interface MirrorOptions {
  readonly url: string;
  readonly store: StoreOptions;
  readonly rollupIds: readonly bigint[];
  /** The longest pause between two publications, milliseconds. */
  readonly heartbeatMs: number;
}

/** Brings what a node keeps and sees to the database that readers are served from. */
export interface Mirror {
  start(): void;
  /** There is something new. */
  wake(): void;
  /** Sends what there is, where the database takes it at once; the rest is sent after a restart. */
  stop(): Promise<void>;
}

const BATCH = 256;
/** Between two publications at least: what happens at once is told at once. */
const PAUSE_MS = 10;
const RETRY_MS = 500;
const STOP_MS = 1_000;
const CALM_MS = 5_000;
const CAUSE = { code: "database-behind", rollupId: null } as const;

/** Goes on for ever, over whatever becomes of the database: the node needs none for its own work. */
export function createMirror(ports: MirrorPorts, options: MirrorOptions): Mirror {
  return new PostgresMirror(ports, options);
}

class PostgresMirror implements Mirror {
  readonly #ports: MirrorPorts;
  readonly #options: MirrorOptions;
  readonly #stopping = new AbortController();
  readonly #waker = createWaker();
  #session: DatabaseSession | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: MirrorPorts, options: MirrorOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  wake(): void {
    this.#waker.wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waker.wake();
    const late = sleep(STOP_MS, undefined, { ref: false });
    await Promise.race([this.#running, late]);
    // A database that does not answer is not waited for: the journal has what it lacks.
    await this.#session?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { alerts, logger } = this.#ports;
    const { signal } = this.#stopping;
    let said = "";
    while (!signal.aborted) {
      try {
        await this.#serveOne();
      } catch (error) {
        // The journal keeps what was not sent; readers are told that it is old meanwhile.
        const message = error instanceof NodeError ? error.message : "The database failed.";
        if (message !== said) logger.warn({ err: error }, "the database is behind");
        said = message;
        alerts.raise({ ...CAUSE, severity: "warning", message: `${message} Readers are behind.` });
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Works on one connection until it breaks or the mirror is stopped. */
  async #serveOne(): Promise<void> {
    const { journal, logger, alerts } = this.#ports;
    const session = await openSession(this.#options.url, this.#options.store.domain);
    this.#session = session;
    try {
      await this.#checkWhole(session.query);
      let isPublisher = false;
      for (;;) {
        const isLast = this.#stopping.signal.aborted;
        await this.#send(session.query, isPublisher);
        if (isPublisher) {
          await this.#publish(session.query);
        } else if (await tryPublisherLock(session.query)) {
          await this.#takeOver(session.query);
          isPublisher = true;
          logger.info({ waiting: journal.size() }, "publishing to the database");
        }
        alerts.clearAfter(CAUSE, CALM_MS);
        if (isLast) return;
        await sleep(PAUSE_MS);
        await this.#waker.pause(this.#options.heartbeatMs);
      }
    } finally {
      await session.close();
    }
  }

  /** Fills a database that does not have what was sent: a new one, or one from a backup. */
  async #checkWhole(query: Query): Promise<void> {
    const { journal, logger, store, newestEpoch } = this.#ports;
    const [row] = await query("select sent from mach.nodes where node_id = $1", [journal.nodeId]);
    const [first] = journal.first(1);
    const sent = (first?.sequence ?? journal.newest() + 1n) - 1n;
    const hasAll = row !== undefined && BigInt(String(row["sent"])) >= sent;
    if (hasAll && journal.isComplete()) return;
    await journal.setComplete(false);
    logger.info({}, "filling the database from this node's store");
    const extent = { rollupIds: this.#options.rollupIds, newestEpoch: newestEpoch() + 1n };
    let batch: JournalEntry[] = [];
    const flush = async (): Promise<void> => {
      await this.#sendBatch(query, batch, { isPublisher: false, through: null });
      batch = [];
    };
    for await (const entry of storeEntries(store, extent)) {
      this.#stopping.signal.throwIfAborted();
      batch.push(entry);
      if (batch.length >= BATCH) await flush();
    }
    await this.#sendBatch(query, batch, { isPublisher: false, through: sent });
    await journal.setComplete(true);
  }

  /** Sends what was put before now; what is put meanwhile is for the next turn. */
  async #send(query: Query, isPublisher: boolean): Promise<void> {
    const { journal } = this.#ports;
    const newest = journal.newest();
    for (;;) {
      const entries = journal.first(BATCH).filter(({ sequence }) => sequence <= newest);
      const through = entries.at(-1)?.sequence;
      if (through === undefined) return;
      const batch = entries.map(({ entry }) => entry);
      await this.#sendBatch(query, batch, { isPublisher, through });
      await journal.removeThrough(through);
    }
  }

  async #sendBatch(
    query: Query,
    entries: readonly JournalEntry[],
    about: { readonly isPublisher: boolean; readonly through: bigint | null },
  ): Promise<void> {
    const { store, journal } = this.#ports;
    await withinTransaction(query, BEGIN_CHANGE, async () => {
      const rows = new PostgresRows(query, this.#options.store);
      for (const entry of entries) await sendRows(rows, store, { entry, ...about });
      if (about.through === null) return;
      await query(
        `insert into mach.nodes (node_id, sent) values ($1, $2)
         on conflict (node_id) do update set sent = greatest(nodes.sent, excluded.sent)`,
        [journal.nodeId, about.through],
      );
    });
  }

  /** All at once, so that nobody reads one node's heads with another's blocks, or with none. */
  async #takeOver(query: Query): Promise<void> {
    const { store, publisher } = this.#ports;
    const onCommitted = await withinTransaction(query, BEGIN_CHANGE, async () => {
      const rows = new PostgresRows(query, this.#options.store);
      for await (const entry of ownEntries(store, this.#options)) {
        await sendRows(rows, store, { entry, isPublisher: true });
      }
      await publisher.takeOver(query);
      return await publisher.publish(query);
    });
    onCommitted();
  }

  async #publish(query: Query): Promise<void> {
    const onCommitted = await withinTransaction(query, "begin", () =>
      this.#ports.publisher.publish(query),
    );
    onCommitted();
  }
}

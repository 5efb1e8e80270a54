import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Finality, NodeEvent } from "@mach/api";
import {
  type Bls,
  type Certificate,
  type CertifiedHeight,
  type Contradiction,
  claimDigest,
  type EngineState,
  finalityOf,
  isConsistentOperatorSet,
  openContradiction,
} from "@mach/core";
import type { Logger } from "pino";
import { verifyStored } from "../engine/certificate-check.ts";
import { NodeError } from "../node-error.ts";
import { PostgresRows } from "../store/postgres-rows.ts";
import type { EpochRecord, StoreOptions } from "../store/store.ts";
import { toFinality } from "../view/answers.ts";
import type { EventHub } from "../view/events.ts";
import { type DatabaseSession, openSession } from "./database-session.ts";
import type { PlacedEvent } from "./event-documents.ts";
import type { Freshness } from "./freshness.ts";
import { type ReplicaCursor, type ReplicaNews, readNews } from "./replica-reader.ts";
import {
  buildState,
  checkCertified,
  type HeightMaps,
  mapHeights,
  type ReplicaHeight,
} from "./replica-state.ts";
import type { PublishedHeight, PublishedView } from "./view-documents.ts";
import { CHANNEL } from "./view-publisher.ts";
import { createWaker } from "./waker.ts";

export interface ReplicaPorts {
  readonly bls: Pick<Bls, "verifyAggregate" | "publicKeyToPoint" | "aggregatePublicKeys">;
  readonly freshness: Freshness;
  /** Told of the events that a node published, in order. */
  readonly events: Pick<EventHub, "publish">;
  readonly logger: Pick<Logger, "info" | "warn">;
  /** Told once that the database is of another version, or of another network. */
  readonly onUnusable: (error: NodeError) => void;
  /** Monotonic, milliseconds. */
  readonly clock: () => number;
}

export interface ReplicaOptions {
  readonly url: string;
  readonly store: StoreOptions;
  /** How often is looked without being told, milliseconds. */
  readonly pollMs: number;
}

/** What a node published, as this process read it last. */
export interface Replica {
  /** Throws a NodeError `view-stale` as long as nothing was read. */
  state(): EngineState;
  view(): PublishedView;
  /** The publisher's clock when all of it was so, and whole seconds since, milliseconds. */
  now(): number;
  start(): void;
  stop(): Promise<void>;
}

const RETRY_MS = 250;
const MAX_RECORDS = 256;
/** Between two turns of the event loop: a check of a certificate takes about a millisecond. */
const CHECKS_PER_TURN = 8;

interface Known {
  readonly cursor: ReplicaCursor;
  readonly view: PublishedView;
  readonly state: EngineState;
}

/** Follows what is published; certificates are checked again, and a wrong one counts for nothing. */
export function createReplica(ports: ReplicaPorts, options: ReplicaOptions): Replica {
  return new PostgresReplica(ports, options);
}

class PostgresReplica implements Replica {
  readonly #ports: ReplicaPorts;
  readonly #options: ReplicaOptions;
  readonly #stopping = new AbortController();
  readonly #waker = createWaker();
  readonly #records = new Map<bigint, EpochRecord>();
  #heights = new Map<bigint, Map<bigint, ReplicaHeight>>();
  /** Made of the heights. */
  #maps = new Map<bigint, HeightMaps>();
  /** By rollup, what any node has found contradicted, and how many of all rollups. */
  readonly #contradictions = new Map<bigint, readonly Contradiction[]>();
  #contradictionCount = -1n;
  #known: Known | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: ReplicaPorts, options: ReplicaOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  state(): EngineState {
    return this.#read().state;
  }

  view(): PublishedView {
    return this.#read().view;
  }

  now(): number {
    // In whole seconds, so that all processes give the same bytes while nothing happens.
    const seconds = Math.floor(this.#ports.freshness.ageMs() / 1_000);
    return this.#read().view.atMs + seconds * 1_000;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waker.wake();
    await this.#running;
  }

  #read(): Known {
    if (this.#known === null) throw new NodeError("view-stale", "Nothing was read yet.");
    return this.#known;
  }

  async #run(): Promise<void> {
    const { logger, onUnusable } = this.#ports;
    const { signal } = this.#stopping;
    let said = "";
    while (!signal.aborted) {
      try {
        await this.#followOne();
      } catch (error) {
        if (error instanceof NodeError && error.code === "database-unusable") {
          onUnusable(error);
          return;
        }
        // What is known grows old meanwhile, and past the bound is not told.
        const message = String(error);
        if (message !== said) logger.warn({ err: error }, "the database cannot be read");
        said = message;
        // The next reading begins anew: nothing that went wrong is built upon.
        if (this.#known !== null) this.#known = { ...this.#known, cursor: anew(this.#known) };
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #followOne(): Promise<void> {
    const { url, store, pollMs } = this.#options;
    const session: DatabaseSession = await openSession(url, store.domain);
    try {
      await session.listen(CHANNEL, () => this.#waker.wake());
      while (!this.#stopping.signal.aborted && !session.signal.aborted) {
        const askedAtMs = this.#ports.clock();
        const news = await readNews(session.query, this.#known?.cursor ?? null);
        if (news !== null)
          await this.#take(news, new PostgresRows(session.query, store), askedAtMs);
        await this.#waker.pause(pollMs);
      }
    } finally {
      await session.close();
    }
  }

  async #take(news: ReplicaNews, rows: PostgresRows, askedAtMs: number): Promise<void> {
    const { freshness, events, logger } = this.#ports;
    const { view, cursor } = news;
    for (const epoch of view.epochs) await this.#recordOf(rows, epoch);
    await this.#takeHeights(news, rows);
    await this.#takeContradictions(news, rows);
    const epochs = new Map(
      view.epochs.flatMap((epoch) => {
        const record = this.#records.get(epoch);
        return record === undefined ? [] : [[epoch, record] as const];
      }),
    );
    const { domain } = this.#options.store;
    const contradictions = this.#contradictions;
    const state = buildState({ domain, view, epochs, heights: this.#maps, contradictions });
    if (this.#known?.cursor.session !== cursor.session) {
      logger.info({ session: cursor.session }, "reading what a node publishes");
    }
    this.#known = { cursor, view, state };
    const version = `${cursor.session}/${cursor.revision}`;
    freshness.set({ askedAtMs, ageMs: news.ageMs, version });
    for (const placed of news.events) {
      if (await this.#isTrue(placed, rows)) events.publish(this.#asKnownHere(placed), placed.id);
      else logger.warn({ id: placed.id }, "an event with a certificate that does not hold");
    }
  }

  /** The publisher may not know yet, or never, what another node has found. */
  async #takeContradictions(news: ReplicaNews, rows: PostgresRows): Promise<void> {
    const isNew = news.isAnew || news.contradictions !== this.#contradictionCount;
    if (!isNew) return;
    for (const { rollupId } of news.view.rollups) {
      this.#contradictions.set(rollupId, await rows.contradictions(rollupId));
    }
    this.#contradictionCount = news.contradictions;
  }

  async #takeHeights({ isAnew, heights, view }: ReplicaNews, rows: PostgresRows): Promise<void> {
    const before = this.#heights;
    const changed = new Set(isAnew ? before.keys() : []);
    if (isAnew) this.#heights = new Map();
    for (const [i, { rollupId, blockNumber, height }] of heights.entries()) {
      const known = before.get(rollupId)?.get(blockNumber)?.certified ?? null;
      const certified = await this.#certifiedAs(height, known, rows);
      const rollup = this.#heights.get(rollupId) ?? new Map<bigint, ReplicaHeight>();
      this.#heights.set(rollupId, rollup.set(blockNumber, { published: height, certified }));
      changed.add(rollupId);
      if (i % CHECKS_PER_TURN === CHECKS_PER_TURN - 1) await nextTurn();
    }
    for (const { rollupId, lowest } of view.rollups) {
      const rollup = this.#heights.get(rollupId);
      for (const blockNumber of rollup?.keys() ?? []) {
        if (blockNumber >= lowest) continue;
        rollup?.delete(blockNumber);
        changed.add(rollupId);
      }
    }
    for (const rollupId of changed) {
      this.#maps.set(rollupId, mapHeights(this.#heights.get(rollupId) ?? new Map()));
    }
  }

  /** A height's certificate, checked unless it is the one that was found to hold before. */
  async #certifiedAs(
    height: PublishedHeight,
    known: CertifiedHeight | null,
    rows: PostgresRows,
  ): Promise<CertifiedHeight | null> {
    const { certified } = height;
    if (certified === null) return null;
    if (known !== null && isSameCertificate(certified.certificate, known.certificate)) {
      const { openUntilMs, certifiedAtMs, latencyMs } = certified;
      return { ...known, openUntilMs, certifiedAtMs, latencyMs };
    }
    const record = await this.#recordOf(rows, certified.certificate.claim.epoch);
    const { domain } = this.#options.store;
    return record === undefined
      ? null
      : checkCertified(this.#ports.bls, certified, { domain, record });
  }

  /** What L1 has fixed for an epoch, as far as it is what its own hash says. */
  async #recordOf(rows: PostgresRows, epoch: bigint): Promise<EpochRecord | undefined> {
    const known = this.#records.get(epoch);
    if (known !== undefined) return known;
    const record = await rows.epochRecord(epoch);
    if (record === null) return undefined;
    if (!isConsistentOperatorSet(this.#ports.bls, record.operatorSet)) {
      throw new NodeError("row-corrupt", `The database's operator set of epoch ${epoch} is wrong.`);
    }
    const oldest = this.#records.keys().next();
    if (this.#records.size >= MAX_RECORDS && !oldest.done) this.#records.delete(oldest.value);
    this.#records.set(epoch, record);
    return record;
  }

  /** Its publisher may not know what another node has found: then what is known here is told. */
  #asKnownHere({ event }: PlacedEvent): NodeEvent {
    const { state, view } = this.#read();
    if (event.topic !== "finality" || isServed(state, event.answer.data)) return event;
    const { rollupId } = event.answer.data;
    const now = this.now();
    const known = finalityOf(state, rollupId, now);
    if (known === null) return event;
    const published = view.rollups.find((each) => each.rollupId === rollupId);
    const abstention = published?.abstention ?? published?.lock ?? null;
    return {
      ...event,
      answer: { data: toFinality(known, { now, abstention }) },
    };
  }

  /** Whether the certificate that an event tells of, where it tells of one, holds. */
  async #isTrue({ event }: PlacedEvent, rows: PostgresRows): Promise<boolean> {
    const certificate =
      event.topic === "certificate"
        ? event.answer.data
        : event.topic === "finality"
          ? event.answer.data.certificate
          : null;
    if (certificate === null) return true;
    const { rollupId, blockNumber, epoch } = certificate.claim;
    const held = this.#heights.get(rollupId)?.get(blockNumber)?.certified;
    if (held && isSameCertificate(certificate, held.certificate)) return true;
    const record = await this.#recordOf(rows, epoch);
    const { domain } = this.#options.store;
    return (
      record !== undefined &&
      verifyStored(this.#ports.bls, certificate, { record, domain }) !== null
    );
  }
}

/** Whether the head of a document may be served, by what is contradicted here. */
function isServed(state: EngineState, { certificate }: Finality): boolean {
  const rollup = certificate === null ? undefined : state.rollups.get(certificate.claim.rollupId);
  if (certificate === null || rollup === undefined) return true;
  const { domain, claim } = certificate;
  const from = openContradiction(rollup)?.fromBlockNumber ?? null;
  const isSuspended = from !== null && claim.blockNumber >= from;
  return !isSuspended && !rollup.contradicted.has(claimDigest(domain, claim));
}

/** The id stands for everything but the signature. */
function isSameCertificate(left: Certificate, right: Certificate): boolean {
  return left.certificateId === right.certificateId && left.signature === right.signature;
}

/** Everything is read again but the events that were told. */
function anew({ cursor }: Known): ReplicaCursor {
  return { ...cursor, session: "", revision: 0n };
}

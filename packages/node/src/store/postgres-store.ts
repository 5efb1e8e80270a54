import type { Alert } from "@mach/api";
import type { Certificate, Evidence, SetUpdate } from "@mach/core";
import type { PostgresDatabase } from "./postgres-database.ts";
import { PostgresRows } from "./postgres-rows.ts";
import type {
  ContradictionEntry,
  EpochRecord,
  ParticipationRecord,
  PruneResult,
  PruneStep,
  PutCertificateResult,
  PutEpochResult,
  PutEvidenceResult,
  PutSetUpdateResult,
  ResumePoint,
  Store,
  StoreOptions,
} from "./store.ts";

/** The store of a database whose schema was found to be right; each put is a change of its own. */
export function createPostgresStore(database: PostgresDatabase, options: StoreOptions): Store {
  return new PostgresStore(database, options);
}

class PostgresStore extends PostgresRows implements Store {
  readonly #database: PostgresDatabase;
  readonly #options: StoreOptions;

  constructor(database: PostgresDatabase, options: StoreOptions) {
    super(database.query, options);
    this.#database = database;
    this.#options = options;
  }

  override putCertificate(certificate: Certificate): Promise<PutCertificateResult> {
    return this.#change((rows) => rows.putCertificate(certificate));
  }

  override putContradiction(kept: ContradictionEntry): Promise<void> {
    return this.#change((rows) => rows.putContradiction(kept));
  }

  override putEpoch(record: EpochRecord): Promise<PutEpochResult> {
    return this.#change((rows) => rows.putEpoch(record));
  }

  override putSetUpdate(update: SetUpdate): Promise<PutSetUpdateResult> {
    return this.#change((rows) => rows.putSetUpdate(update));
  }

  override putEvidence(evidence: Evidence): Promise<PutEvidenceResult> {
    return this.#change((rows) => rows.putEvidence(evidence));
  }

  override putAlert(alert: Alert): Promise<void> {
    return this.#change((rows) => rows.putAlert(alert));
  }

  override putResumePoint(point: ResumePoint): Promise<void> {
    return this.#change((rows) => rows.putResumePoint(point));
  }

  override putParticipation(records: readonly ParticipationRecord[]): Promise<void> {
    return this.#change((rows) => rows.putParticipation(records));
  }

  override prune(step: PruneStep): Promise<PruneResult> {
    return this.#change((rows) => rows.prune(step));
  }

  /** A change that has resolved is on the database's disk. */
  async flush(): Promise<void> {}

  stop(): Promise<void> {
    return this.#database.stop();
  }

  #change<T>(work: (rows: PostgresRows) => Promise<T>): Promise<T> {
    return this.#database.change((query) => work(new PostgresRows(query, this.#options)));
  }
}

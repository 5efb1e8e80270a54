import {
  type Alert,
  alertSchema,
  certificateSchema,
  domainSchema,
  encodeAlert,
  encodeCertificate,
  encodeDomain,
  encodeSetUpdate,
  setUpdateSchema,
} from "@mach/api";
import {
  type Certificate,
  type Contradiction,
  type Evidence,
  type Hex,
  isSameClaim,
  isSameDomain,
  type SetUpdate,
} from "@mach/core";
import type { DataFolder } from "../data-folder.ts";
import {
  contradictionId,
  contradictionSchema,
  encodeContradiction,
  encodeEpochRecord,
  encodeEvidenceEntry,
  encodeParticipationRecord,
  encodeResumePoint,
  epochRecordSchema,
  evidenceEntrySchema,
  hashSchema,
  isSameEpoch,
  numberSchema,
  participationRecordSchema,
  resumePointSchema,
} from "./documents.ts";
import { evidenceId } from "./evidence-id.ts";
import { inspectDatabase } from "./lmdb-file.ts";
import { noteReplaced, pruneTables, raiseKeptFrom, readKeptFrom } from "./lmdb-pruning.ts";
import { corruptRow } from "./row.ts";
import { hexKey, leadingNumber, MAX_UINT64, nameKey, numberKey } from "./row-key.ts";
import {
  type AgingKind,
  type ContradictionEntry,
  type EpochRecord,
  type EvidenceEntry,
  type PageRequest,
  type ParticipationRecord,
  type PruneResult,
  type PruneStep,
  type PutCertificateResult,
  type PutEpochResult,
  type PutEvidenceResult,
  type PutSetUpdateResult,
  pageItems,
  type ResumePoint,
  type Store,
  type StoreOptions,
} from "./store.ts";
import { openTables, type Table, type Tables } from "./tables.ts";

export type OpenStoreResult =
  | { readonly ok: true; readonly store: Store }
  /** The folder's store is of another network: it must not answer for this one. */
  | { readonly ok: false; readonly code: "wrong-domain" }
  /** The file is no database: remove the folder's store, and the node fetches it again. */
  | { readonly ok: false; readonly code: "store-corrupt" };

const DOMAIN = nameKey("domain");
const NO_PREFIX = new Uint8Array(0);

/** Opens the store of a data folder, and makes it where it is missing. Throws on a bad disk. */
export async function openLmdbStore(
  folder: DataFolder,
  options: StoreOptions,
): Promise<OpenStoreResult> {
  if (inspectDatabase(folder.storePath) === "damaged") return { ok: false, code: "store-corrupt" };
  const tables = openTables(folder.storePath);
  const domain = tables.meta.get(domainSchema, DOMAIN);
  if (domain !== null && !isSameDomain(domain, options.domain)) {
    await tables.close();
    return { ok: false, code: "wrong-domain" };
  }
  if (domain === null) {
    await tables.commit(() => tables.meta.put(DOMAIN, encodeDomain(options.domain)));
  }
  return { ok: true, store: new LmdbStore(tables, options) };
}

class LmdbStore implements Store {
  readonly #tables: Tables;
  readonly #options: StoreOptions;

  constructor(tables: Tables, options: StoreOptions) {
    this.#tables = tables;
    this.#options = options;
  }

  async putCertificate(certificate: Certificate): Promise<PutCertificateResult> {
    const { certificateId, domain, claim } = certificate;
    if (!isSameDomain(domain, this.#options.domain)) return { ok: false, code: "wrong-domain" };
    const { certificates, heights } = this.#tables;
    const { rollupId, blockNumber } = claim;
    const heightKey = numberKey([rollupId, blockNumber]);
    return await this.#tables.commit(() => {
      const standing = this.#certificateAtKey(heightKey);
      const keptFrom = readKeptFrom(this.#tables, { kind: "certificates", rollupId });
      if (standing === null && blockNumber < keptFrom) return { ok: false, code: "pruned" };
      certificates.put(hexKey(certificateId), encodeCertificate(certificate));
      if (standing !== null && !isSameClaim(standing.claim, claim)) {
        noteReplaced(this.#tables, certificate);
        return { ok: false, code: "conflicting-claim" };
      }
      const isReplaced = standing !== null && standing.certificateId !== certificateId;
      if (isReplaced) noteReplaced(this.#tables, standing);
      heights.put(heightKey, certificateId);
      return { ok: true };
    });
  }

  async certificateAt(rollupId: bigint, blockNumber: bigint): Promise<Certificate | null> {
    return this.#certificateAtKey(numberKey([rollupId, blockNumber]));
  }

  async certificateById(certificateId: Hex): Promise<Certificate | null> {
    return this.#tables.certificates.get(certificateSchema, hexKey(certificateId));
  }

  async newestCertificate(rollupId: bigint): Promise<Certificate | null> {
    const [newest = null] = await this.listCertificates({ rollupId, limit: 1 });
    return newest;
  }

  async listCertificates(
    page: PageRequest & { readonly rollupId: bigint },
  ): Promise<readonly Certificate[]> {
    const prefix = numberKey([page.rollupId]);
    return pageKeys(this.#tables.heights, prefix, page).map((key) => {
      const certificate = this.#certificateAtKey(key);
      if (certificate === null) throw corruptRow(key, "it has gone");
      return certificate;
    });
  }

  async putContradiction({ rollupId, contradiction }: ContradictionEntry): Promise<void> {
    const { fromBlockNumber, throughBlockNumber } = contradiction;
    const numbers = numberKey([rollupId, fromBlockNumber, throughBlockNumber]);
    const key = Buffer.concat([numbers, hexKey(contradictionId(contradiction))]);
    const { commit, contradictions } = this.#tables;
    await commit(() => contradictions.put(key, encodeContradiction(contradiction)));
  }

  async contradictions(rollupId: bigint): Promise<readonly Contradiction[]> {
    return this.#contradictionsOf(rollupId);
  }

  async putEpoch(record: EpochRecord): Promise<PutEpochResult> {
    const { commit, epochs } = this.#tables;
    const key = numberKey([record.operatorSet.epoch]);
    return await commit(() => {
      const kept = epochs.get(epochRecordSchema, key);
      if (kept !== null && !isSameEpoch(kept, record)) {
        return { ok: false, code: "conflicting-epoch" };
      }
      if (kept === null) epochs.put(key, encodeEpochRecord(record));
      return { ok: true };
    });
  }

  async epochRecord(epoch: bigint): Promise<EpochRecord | null> {
    return this.#tables.epochs.get(epochRecordSchema, numberKey([epoch]));
  }

  async epochsBelow(epoch: bigint): Promise<readonly bigint[]> {
    const { epochs } = this.#tables;
    return allKeys(epochs, NO_PREFIX)
      .map(leadingNumber)
      .filter((each) => each < epoch);
  }

  async putSetUpdate(update: SetUpdate): Promise<PutSetUpdateResult> {
    const { domain, epoch } = update;
    if (!isSameDomain(domain, this.#options.domain)) return { ok: false, code: "wrong-domain" };
    const { commit, setUpdates } = this.#tables;
    await commit(() => setUpdates.put(numberKey([epoch]), encodeSetUpdate(update)));
    return { ok: true };
  }

  async setUpdateOf(epoch: bigint): Promise<SetUpdate | null> {
    return this.#tables.setUpdates.get(setUpdateSchema, numberKey([epoch]));
  }

  async putEvidence(evidence: Evidence): Promise<PutEvidenceResult> {
    const { commit, evidence: table, evidenceOrder } = this.#tables;
    const id = evidenceId(evidence);
    return await commit(() => {
      if (table.has(hexKey(id))) return { ok: true, evidenceId: id, isNew: false };
      if (evidenceOrder.count() >= this.#options.maxEvidence) {
        return { ok: false, code: "evidence-full", evidenceId: id };
      }
      const position = nextPosition(evidenceOrder);
      table.put(hexKey(id), encodeEvidenceEntry({ position, evidenceId: id, evidence }));
      evidenceOrder.put(numberKey([position]), id);
      return { ok: true, evidenceId: id, isNew: true };
    });
  }

  async evidenceById(id: Hex): Promise<Evidence | null> {
    return this.#tables.evidence.get(evidenceEntrySchema, hexKey(id))?.evidence ?? null;
  }

  async listEvidence(page: PageRequest): Promise<readonly EvidenceEntry[]> {
    const { evidence, evidenceOrder } = this.#tables;
    return pageKeys(evidenceOrder, NO_PREFIX, page).map((key) => {
      const id = present(evidenceOrder.get(hashSchema, key), key);
      return present(evidence.get(evidenceEntrySchema, hexKey(id)), hexKey(id));
    });
  }

  async putAlert(alert: Alert): Promise<void> {
    const { commit, alerts, alertPositions } = this.#tables;
    const idKey = nameKey(alert.alertId);
    await commit(() => {
      const position = alertPositions.get(numberSchema, idKey) ?? nextPosition(alerts);
      const oldest = this.#alertBeyondBound(position);
      if (oldest !== null) {
        alerts.remove(oldest.key);
        alertPositions.remove(nameKey(oldest.alert.alertId));
      }
      alerts.put(numberKey([position]), encodeAlert(alert));
      alertPositions.put(idKey, `${position}`);
    });
  }

  async listAlerts(): Promise<readonly Alert[]> {
    const { alerts } = this.#tables;
    const keys = alerts.lastKeys({ prefix: NO_PREFIX, limit: this.#options.maxAlerts });
    return keys.map((key) => present(alerts.get(alertSchema, key), key)).reverse();
  }

  async putResumePoint(point: ResumePoint): Promise<void> {
    const { commit, resumePoints } = this.#tables;
    await commit(() => resumePoints.put(numberKey([point.rollupId]), encodeResumePoint(point)));
  }

  async resumePoint(rollupId: bigint): Promise<ResumePoint | null> {
    return this.#tables.resumePoints.get(resumePointSchema, numberKey([rollupId]));
  }

  async putParticipation(records: readonly ParticipationRecord[]): Promise<void> {
    const { commit, participation } = this.#tables;
    await commit(() => {
      for (const record of records) {
        const { epoch, rollupId } = record;
        participation.put(numberKey([epoch, rollupId]), encodeParticipationRecord(record));
      }
      const [last] = participation.lastKeys({ prefix: NO_PREFIX, limit: 1 });
      if (last === undefined) return;
      const lowest = leadingNumber(last) - BigInt(this.#options.participationEpochs) + 1n;
      raiseKeptFrom(this.#tables, { kind: "participation" }, lowest);
      for (const key of allKeys(participation, NO_PREFIX)) {
        if (leadingNumber(key) >= lowest) return;
        participation.remove(key);
      }
    });
  }

  async participation(epoch: bigint): Promise<readonly ParticipationRecord[]> {
    const { participation } = this.#tables;
    return allKeys(participation, numberKey([epoch])).map((key) =>
      present(participation.get(participationRecordSchema, key), key),
    );
  }

  async participationEpochs(): Promise<readonly bigint[]> {
    return [...new Set(allKeys(this.#tables.participation, NO_PREFIX).map(leadingNumber))];
  }

  async keptFrom(of: AgingKind): Promise<bigint> {
    return readKeptFrom(this.#tables, of);
  }

  prune(step: PruneStep): Promise<PruneResult> {
    return this.#tables.commit(() =>
      pruneTables(this.#tables, step, {
        certificateAt: (key) => this.#certificateAtKey(key),
        contradictions: (rollupId) => this.#contradictionsOf(rollupId),
      }),
    );
  }

  flush(): Promise<void> {
    return this.#tables.flush();
  }

  stop(): Promise<void> {
    return this.#tables.close();
  }

  #contradictionsOf(rollupId: bigint): readonly Contradiction[] {
    const { contradictions } = this.#tables;
    const keys = allKeys(contradictions, numberKey([rollupId]));
    return keys.map((key) => present(contradictions.get(contradictionSchema, key), key));
  }

  #certificateAtKey(heightKey: Uint8Array): Certificate | null {
    const { certificates, heights } = this.#tables;
    const id = heights.get(hashSchema, heightKey);
    return id === null
      ? null
      : present(certificates.get(certificateSchema, hexKey(id)), hexKey(id));
  }

  /** The oldest alert, where one at `position` would make them more than are kept. */
  #alertBeyondBound(position: bigint): { readonly key: Uint8Array; readonly alert: Alert } | null {
    const { alerts } = this.#tables;
    const everything = { prefix: NO_PREFIX, first: numberKey([0n]), limit: 1 };
    const [key] = alerts.firstKeys(everything);
    if (key === undefined) return null;
    // Only the oldest ever goes, so that the positions between have no gaps.
    const count = position - leadingNumber(key) + 1n;
    if (count <= BigInt(this.#options.maxAlerts)) return null;
    return { key, alert: present(alerts.get(alertSchema, key), key) };
  }
}

function pageKeys(table: Table, prefix: Uint8Array, page: PageRequest): readonly Uint8Array[] {
  const limit = pageItems(page.limit);
  if (page.from === undefined) return table.lastKeys({ prefix, limit });
  if (page.from > MAX_UINT64) return [];
  const first = Buffer.concat([prefix, numberKey([page.from])]);
  return table.firstKeys({ prefix, first, limit });
}

/** Every key that begins with a prefix, ascending: for tables whose rows are few. */
function allKeys(table: Table, prefix: Uint8Array): readonly Uint8Array[] {
  return table.firstKeys({ prefix, first: prefix, limit: Number.MAX_SAFE_INTEGER });
}

function nextPosition(table: Table): bigint {
  const [last] = table.lastKeys({ prefix: NO_PREFIX, limit: 1 });
  return last === undefined ? 0n : leadingNumber(last) + 1n;
}

/** A row that another row promises. */
function present<T>(value: T | null, key: Uint8Array): T {
  if (value === null) throw corruptRow(key, "it is missing");
  return value;
}

import type { Alert } from "@mach/api";
import {
  type Certificate,
  type Contradiction,
  type Evidence,
  type Hex,
  isSameClaim,
  isSameDomain,
  type SetUpdate,
  toSetUpdate,
} from "@mach/core";
import { contradictionId, isSameEpoch } from "./documents.ts";
import { evidenceId } from "./evidence-id.ts";
import {
  type ContradictionEntry,
  type EpochRecord,
  type EvidenceEntry,
  MAX_PARTICIPATION_EPOCHS,
  type PageRequest,
  type ParticipationRecord,
  type PutCertificateResult,
  type PutEpochResult,
  type PutEvidenceResult,
  type PutSetUpdateResult,
  pageItems,
  type ResumePoint,
  type Store,
  type StoreOptions,
} from "./store.ts";

/** A store that lasts as long as its process: for tests and simulation. */
export function createMemoryStore(options: StoreOptions): Store {
  return new MemoryStore(options);
}

class MemoryStore implements Store {
  readonly #options: StoreOptions;
  readonly #certificates = new Map<Hex, Certificate>();
  /** By rollup: the id that stands at each height. */
  readonly #heights = new Map<bigint, Map<bigint, Hex>>();
  readonly #contradictions = new Map<bigint, Map<Hex, Contradiction>>();
  readonly #epochs = new Map<bigint, EpochRecord>();
  readonly #setUpdates = new Map<bigint, SetUpdate>();
  readonly #evidence = new Map<Hex, EvidenceEntry>();
  readonly #alerts = new Map<string, Alert>();
  readonly #resumePoints = new Map<bigint, ResumePoint>();
  /** By epoch, then by rollup. */
  readonly #participation = new Map<bigint, Map<bigint, ParticipationRecord>>();

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  async putCertificate(certificate: Certificate): Promise<PutCertificateResult> {
    const { certificateId, domain, claim } = certificate;
    if (!isSameDomain(domain, this.#options.domain)) return { ok: false, code: "wrong-domain" };
    this.#certificates.set(certificateId, withoutWeights(certificate));
    const heights = entryOf(this.#heights, claim.rollupId, () => new Map<bigint, Hex>());
    const standing = this.#certificates.get(heights.get(claim.blockNumber) ?? certificateId);
    if (standing !== undefined && !isSameClaim(standing.claim, claim)) {
      return { ok: false, code: "conflicting-claim" };
    }
    heights.set(claim.blockNumber, certificateId);
    return { ok: true };
  }

  async certificateAt(rollupId: bigint, blockNumber: bigint): Promise<Certificate | null> {
    const certificateId = this.#heights.get(rollupId)?.get(blockNumber);
    return certificateId === undefined ? null : this.certificateById(certificateId);
  }

  async certificateById(certificateId: Hex): Promise<Certificate | null> {
    return this.#certificates.get(certificateId) ?? null;
  }

  async newestCertificate(rollupId: bigint): Promise<Certificate | null> {
    const [newest = null] = await this.listCertificates({ rollupId, limit: 1 });
    return newest;
  }

  async listCertificates(
    page: PageRequest & { readonly rollupId: bigint },
  ): Promise<readonly Certificate[]> {
    const heights = [...(this.#heights.get(page.rollupId) ?? [])].sort(([left], [right]) =>
      left < right ? -1 : 1,
    );
    return pageOf(heights, page, ([blockNumber]) => blockNumber).flatMap(
      ([, certificateId]) => this.#certificates.get(certificateId) ?? [],
    );
  }

  async putContradiction({ rollupId, contradiction }: ContradictionEntry): Promise<void> {
    const known = entryOf(this.#contradictions, rollupId, () => new Map<Hex, Contradiction>());
    known.set(contradictionId(contradiction), contradiction);
  }

  async contradictions(rollupId: bigint): Promise<readonly Contradiction[]> {
    const known = [...(this.#contradictions.get(rollupId) ?? [])];
    return known.sort(byHeightAndId).map(([, contradiction]) => contradiction);
  }

  async putEpoch(record: EpochRecord): Promise<PutEpochResult> {
    const { epoch } = record.operatorSet;
    const kept = this.#epochs.get(epoch);
    if (kept !== undefined && !isSameEpoch(kept, record)) {
      return { ok: false, code: "conflicting-epoch" };
    }
    this.#epochs.set(epoch, record);
    return { ok: true };
  }

  async epochRecord(epoch: bigint): Promise<EpochRecord | null> {
    return this.#epochs.get(epoch) ?? null;
  }

  async putSetUpdate(update: SetUpdate): Promise<PutSetUpdateResult> {
    if (!isSameDomain(update.domain, this.#options.domain)) {
      return { ok: false, code: "wrong-domain" };
    }
    this.#setUpdates.set(update.epoch, toSetUpdate(update));
    return { ok: true };
  }

  async setUpdateOf(epoch: bigint): Promise<SetUpdate | null> {
    return this.#setUpdates.get(epoch) ?? null;
  }

  async putEvidence(evidence: Evidence): Promise<PutEvidenceResult> {
    const id = evidenceId(evidence);
    if (this.#evidence.has(id)) return { ok: true, evidenceId: id, isNew: false };
    if (this.#evidence.size >= this.#options.maxEvidence) {
      return { ok: false, code: "evidence-full", evidenceId: id };
    }
    const position = BigInt(this.#evidence.size);
    this.#evidence.set(id, { position, evidenceId: id, evidence });
    return { ok: true, evidenceId: id, isNew: true };
  }

  async evidenceById(id: Hex): Promise<Evidence | null> {
    return this.#evidence.get(id)?.evidence ?? null;
  }

  async listEvidence(page: PageRequest): Promise<readonly EvidenceEntry[]> {
    return pageOf([...this.#evidence.values()], page, (entry) => entry.position);
  }

  async putAlert(alert: Alert): Promise<void> {
    this.#alerts.set(alert.alertId, alert);
    const oldest = this.#alerts.keys().next();
    if (this.#alerts.size > this.#options.maxAlerts && !oldest.done) {
      this.#alerts.delete(oldest.value);
    }
  }

  async listAlerts(): Promise<readonly Alert[]> {
    return [...this.#alerts.values()].reverse();
  }

  async putResumePoint(point: ResumePoint): Promise<void> {
    this.#resumePoints.set(point.rollupId, point);
  }

  async resumePoint(rollupId: bigint): Promise<ResumePoint | null> {
    return this.#resumePoints.get(rollupId) ?? null;
  }

  async putParticipation(records: readonly ParticipationRecord[]): Promise<void> {
    for (const record of records) {
      const rollups = entryOf(this.#participation, record.epoch, () => new Map());
      rollups.set(record.rollupId, record);
    }
    const newest = (await this.participationEpochs()).at(-1) ?? 0n;
    for (const epoch of this.#participation.keys()) {
      if (epoch + BigInt(MAX_PARTICIPATION_EPOCHS) <= newest) this.#participation.delete(epoch);
    }
  }

  async participation(epoch: bigint): Promise<readonly ParticipationRecord[]> {
    const records = [...(this.#participation.get(epoch)?.values() ?? [])];
    return records.sort((left, right) => (left.rollupId < right.rollupId ? -1 : 1));
  }

  async participationEpochs(): Promise<readonly bigint[]> {
    return [...this.#participation.keys()].sort((left, right) => (left < right ? -1 : 1));
  }

  async flush(): Promise<void> {}

  async stop(): Promise<void> {}
}

/** The document alone: what verification added to it is not stored. */
function withoutWeights(certificate: Certificate): Certificate {
  const { version, certificateId, domain, claim, operatorSetHash, signers, signature } =
    certificate;
  return { version, certificateId, domain, claim, operatorSetHash, signers, signature };
}

type Known = readonly [id: Hex, contradiction: Contradiction];

function byHeightAndId([leftId, left]: Known, [rightId, right]: Known): number {
  if (left.fromBlockNumber !== right.fromBlockNumber) {
    return left.fromBlockNumber < right.fromBlockNumber ? -1 : 1;
  }
  if (left.throughBlockNumber !== right.throughBlockNumber) {
    return left.throughBlockNumber < right.throughBlockNumber ? -1 : 1;
  }
  return leftId < rightId ? -1 : 1;
}

function entryOf<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const created = create();
  map.set(key, created);
  return created;
}

function pageOf<T>(
  sorted: readonly T[],
  page: PageRequest,
  positionOf: (item: T) => bigint,
): readonly T[] {
  const limit = pageItems(page.limit);
  const { from } = page;
  if (from === undefined) return sorted.slice(-limit);
  return sorted.filter((item) => positionOf(item) >= from).slice(0, limit);
}

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
import { agingName, contestedHeights, planCertificates, setMayGo, updateMayGo } from "./pruning.ts";
import {
  type AgingKind,
  type ContradictionEntry,
  type EpochRecord,
  type EvidenceEntry,
  type PageRequest,
  type ParticipationRecord,
  PRUNE_BATCH,
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
  readonly #keptFrom = new Map<string, bigint>();
  #evidencePosition = 0n;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  async putCertificate(certificate: Certificate): Promise<PutCertificateResult> {
    const { certificateId, domain, claim } = certificate;
    if (!isSameDomain(domain, this.#options.domain)) return { ok: false, code: "wrong-domain" };
    const heights = entryOf(this.#heights, claim.rollupId, () => new Map<bigint, Hex>());
    const keptFrom = await this.keptFrom({ kind: "certificates", rollupId: claim.rollupId });
    const isGone = claim.blockNumber < keptFrom && !heights.has(claim.blockNumber);
    if (isGone) return { ok: false, code: "pruned" };
    this.#certificates.set(certificateId, withoutWeights(certificate));
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

  async epochsBelow(epoch: bigint): Promise<readonly bigint[]> {
    const below = [...this.#epochs.keys()].filter((each) => each < epoch);
    return below.sort((left, right) => (left < right ? -1 : 1));
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
    const position = this.#evidencePosition;
    this.#evidencePosition += 1n;
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
    const lowest = newest - BigInt(this.#options.participationEpochs) + 1n;
    this.#raise({ kind: "participation" }, lowest);
    for (const epoch of this.#participation.keys()) {
      if (epoch < lowest) this.#participation.delete(epoch);
    }
  }

  async participation(epoch: bigint): Promise<readonly ParticipationRecord[]> {
    const records = [...(this.#participation.get(epoch)?.values() ?? [])];
    return records.sort((left, right) => (left.rollupId < right.rollupId ? -1 : 1));
  }

  async participationEpochs(): Promise<readonly bigint[]> {
    return [...this.#participation.keys()].sort((left, right) => (left < right ? -1 : 1));
  }

  async keptFrom(of: AgingKind): Promise<bigint> {
    return this.#keptFrom.get(agingName(of)) ?? 0n;
  }

  async prune(step: PruneStep): Promise<PruneResult> {
    switch (step.kind) {
      case "certificates":
        return await this.#pruneCertificates(step);
      case "sets": {
        const sets = [...this.#epochs.keys()].filter((epoch) => setMayGo(step, epoch));
        const updates = [...this.#setUpdates.keys()].filter((epoch) => updateMayGo(step, epoch));
        for (const epoch of sets) this.#epochs.delete(epoch);
        for (const epoch of updates) this.#setUpdates.delete(epoch);
        this.#raise({ kind: "sets" }, step.belowEpoch);
        return { removed: sets.length + updates.length, isDone: true };
      }
      case "evidence": {
        const newest = [...this.#evidence.keys()].at(-1);
        const gone = step.evidenceIds.filter((id) => id !== newest && this.#evidence.delete(id));
        return { removed: gone.length, isDone: true };
      }
    }
  }

  async flush(): Promise<void> {}

  async stop(): Promise<void> {}

  async #pruneCertificates(
    step: Extract<PruneStep, { kind: "certificates" }>,
  ): Promise<PruneResult> {
    const { rollupId } = step;
    const of = { kind: "certificates", rollupId } as const;
    const keptFrom = await this.keptFrom(of);
    const limit = PRUNE_BATCH;
    const lowest = await this.listCertificates({ rollupId, from: keptFrom, limit });
    const contested = contestedHeights(await this.contradictions(rollupId));
    const plan = planCertificates(step, { keptFrom, lowest, limit, contested });
    const gone = new Set(plan.heights);
    for (const [id, { claim }] of this.#certificates) {
      const isGone = claim.rollupId === rollupId && gone.has(claim.blockNumber);
      if (isGone) this.#certificates.delete(id);
    }
    for (const height of gone) this.#heights.get(rollupId)?.delete(height);
    this.#raise(of, plan.keptFrom);
    return { removed: gone.size, isDone: plan.isDone };
  }

  #raise(of: AgingKind, to: bigint): void {
    const before = this.#keptFrom.get(agingName(of)) ?? 0n;
    if (to > before) this.#keptFrom.set(agingName(of), to);
  }
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

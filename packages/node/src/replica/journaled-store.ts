import { evidenceId } from "../store/evidence-id.ts";
import type { PruneStep, Store } from "../store/store.ts";
import type { Journal, JournalEntry } from "./journal.ts";

/**
 * A store whose puts are noted before they are made, so that what a crash leaves in it is never
 * forgotten on the way to the database. An entry too many is harmless: rows are sent as they are.
 */
export function journalStore(store: Store, journal: Pick<Journal, "note">): Store {
  return {
    putCertificate: (certificate) =>
      journal.note([{ kind: "certificate", certificateId: certificate.certificateId }], () =>
        store.putCertificate(certificate),
      ),
    certificateAt: (rollupId, blockNumber) => store.certificateAt(rollupId, blockNumber),
    certificateById: (certificateId) => store.certificateById(certificateId),
    newestCertificate: (rollupId) => store.newestCertificate(rollupId),
    listCertificates: (page) => store.listCertificates(page),
    putContradiction: (kept) =>
      journal.note([{ kind: "contradiction", rollupId: kept.rollupId }], () =>
        store.putContradiction(kept),
      ),
    contradictions: (rollupId) => store.contradictions(rollupId),
    putEpoch: (record) =>
      journal.note([{ kind: "epoch", epoch: record.operatorSet.epoch }], () =>
        store.putEpoch(record),
      ),
    epochRecord: (epoch) => store.epochRecord(epoch),
    epochsBelow: (epoch) => store.epochsBelow(epoch),
    putSetUpdate: (update) =>
      journal.note([{ kind: "set-update", epoch: update.epoch }], () => store.putSetUpdate(update)),
    setUpdateOf: (epoch) => store.setUpdateOf(epoch),
    putEvidence: (evidence) =>
      journal.note([{ kind: "evidence", evidenceId: evidenceId(evidence) }], () =>
        store.putEvidence(evidence),
      ),
    evidenceById: (id) => store.evidenceById(id),
    listEvidence: (page) => store.listEvidence(page),
    putAlert: (alert) => journal.note([{ kind: "alerts" }], () => store.putAlert(alert)),
    listAlerts: () => store.listAlerts(),
    putResumePoint: (point) => store.putResumePoint(point),
    resumePoint: (rollupId) => store.resumePoint(rollupId),
    putParticipation: (records) => {
      const epochs = [...new Set(records.map(({ epoch }) => epoch))];
      const entries = epochs.map((epoch) => ({ kind: "participation", epoch }) as const);
      return journal.note(entries, () => store.putParticipation(records));
    },
    participation: (epoch) => store.participation(epoch),
    participationEpochs: () => store.participationEpochs(),
    keptFrom: (of) => store.keptFrom(of),
    prune: (step) => journal.note(prunedEntries(step), () => store.prune(step)),
    flush: () => store.flush(),
    stop: () => store.stop(),
  };
}

/** Evidence that a node no longer has tells by its absence that it went. */
function prunedEntries(step: PruneStep): readonly JournalEntry[] {
  switch (step.kind) {
    case "certificates":
      return [{ kind: "pruned-certificates", rollupId: step.rollupId }];
    case "sets":
      return [{ kind: "pruned-sets" }];
    case "evidence":
      return step.evidenceIds.map((evidenceId) => ({ kind: "evidence", evidenceId }));
  }
}

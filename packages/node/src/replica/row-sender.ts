import {
  type Certificate,
  isSameClaim,
  type OperatorSet,
  replacesCertificate,
  type SetUpdate,
  signersOf,
  sumWeight,
} from "@mach/core";
import { NodeError } from "../node-error.ts";
import type { PostgresRows } from "../store/postgres-rows.ts";
import type { Store } from "../store/store.ts";
import type { JournalEntry } from "./journal.ts";

const ANY_EPOCH = 2n ** 64n;
/** Of one entry, so that it fits into a change with others. */
const MAX_BATCHES = 16;

/**
 * Brings what an entry names from a node's store to the database. Several nodes send: what all of
 * them find alike (certificates, sets, updates, evidence, contradictions) is taken from any, and a
 * certificate is never replaced by one with less weight. Alerts and participation are what one
 * node sees: the publisher's. Throws a NodeError `database-unusable` for another set of an epoch.
 */
export async function sendRows(
  rows: PostgresRows,
  store: Store,
  sent: { readonly entry: JournalEntry; readonly isPublisher: boolean },
): Promise<void> {
  const { entry, isPublisher } = sent;
  switch (entry.kind) {
    case "certificate": {
      const certificate = await store.certificateById(entry.certificateId);
      if (certificate !== null) await sendCertificate(rows, store, certificate);
      return;
    }
    case "contradiction": {
      const { rollupId } = entry;
      for (const contradiction of await store.contradictions(rollupId)) {
        await rows.putContradiction({ rollupId, contradiction });
      }
      return;
    }
    case "epoch":
      await sendEpoch(rows, store, entry.epoch);
      return;
    case "set-update": {
      const update = await store.setUpdateOf(entry.epoch);
      if (update !== null) await sendSetUpdate(rows, store, update);
      return;
    }
    case "evidence": {
      const evidence = await store.evidenceById(entry.evidenceId);
      if (evidence !== null) await rows.putEvidence(evidence);
      else if (isPublisher) await rows.prune({ kind: "evidence", evidenceIds: [entry.evidenceId] });
      return;
    }
    case "alerts":
      if (isPublisher) await rows.replaceAlerts((await store.listAlerts()).toReversed());
      return;
    case "participation":
      if (isPublisher) await rows.putParticipation(await store.participation(entry.epoch));
      return;
    case "pruned-certificates":
      if (isPublisher) await pruneCertificates(rows, store, entry.rollupId);
      return;
    case "pruned-sets":
      if (isPublisher) await pruneSets(rows, store);
      return;
  }
}

/** As far as the publisher's own store has gone; what is left goes with what it prunes next. */
async function pruneCertificates(
  rows: PostgresRows,
  store: Store,
  rollupId: bigint,
): Promise<void> {
  const belowBlock = await store.keptFrom({ kind: "certificates", rollupId });
  const step = { kind: "certificates", rollupId, belowBlock, belowEpoch: ANY_EPOCH } as const;
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    if ((await rows.prune(step)).isDone) return;
  }
}

async function pruneSets(rows: PostgresRows, store: Store): Promise<void> {
  const belowEpoch = await store.keptFrom({ kind: "sets" });
  const except = new Set(await store.epochsBelow(belowEpoch));
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    if ((await rows.prune({ kind: "sets", belowEpoch, except })).isDone) return;
  }
}

async function sendCertificate(
  rows: PostgresRows,
  store: Store,
  certificate: Certificate,
): Promise<void> {
  const { rollupId, blockNumber, epoch } = certificate.claim;
  const standing = await rows.certificateAt(rollupId, blockNumber);
  const isRival = standing !== null && isSameClaim(standing.claim, certificate.claim);
  const set = isRival ? (await store.epochRecord(epoch))?.operatorSet : undefined;
  if (isRival && set !== undefined && !isBetter(certificate, standing, set)) {
    await rows.keepCertificate(certificate);
  } else {
    await rows.putCertificate(certificate);
  }
}

async function sendEpoch(rows: PostgresRows, store: Store, epoch: bigint): Promise<void> {
  const record = await store.epochRecord(epoch);
  if (record === null || (await rows.putEpoch(record)).ok) return;
  const kept = await rows.epochRecord(epoch);
  // A node of another version may have left out rollups of a stack that it did not know.
  if (kept?.operatorSet.operatorSetHash === record.operatorSet.operatorSetHash) return;
  throw new NodeError(
    "database-unusable",
    `The database has another operator set for epoch ${epoch} than this node read from L1.`,
  );
}

async function sendSetUpdate(rows: PostgresRows, store: Store, update: SetUpdate): Promise<void> {
  const standing = await rows.setUpdateOf(update.epoch);
  const set = standing && (await store.epochRecord(update.epoch - 1n))?.operatorSet;
  if (standing && set && !isBetter(update, standing, set)) return;
  await rows.putSetUpdate(update);
}

type Signed = Pick<Certificate, "signers">;

function isBetter(next: Signed, current: Signed, set: OperatorSet): boolean {
  const weigh = (
    signed: Signed,
  ): { readonly signers: Signed["signers"]; signedWeight: bigint } => ({
    signers: signed.signers,
    signedWeight: sumWeight(signersOf(signed, set)),
  });
  return replacesCertificate(weigh(current), weigh(next));
}

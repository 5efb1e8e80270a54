import type { Certificate, Contradiction, Hex } from "@mach/core";
import { evidenceEntrySchema, hashSchema, numberSchema } from "./documents.ts";
import { agingName, contestedHeights, planCertificates, setMayGo, updateMayGo } from "./pruning.ts";
import { hexKey, leadingNumber, nameKey, numberKey } from "./row-key.ts";
import { type AgingKind, PRUNE_BATCH, type PruneResult, type PruneStep } from "./store.ts";
import type { Table, Tables } from "./tables.ts";

const HASH_BYTES = 32;

/** From where on a kind is kept: 0 until something of it has gone. */
export function readKeptFrom({ meta }: Pick<Tables, "meta">, of: AgingKind): bigint {
  return meta.get(numberSchema, nameKey(agingName(of))) ?? 0n;
}

/** Within a change: from where on a kind is kept from now on; it never falls. */
export function raiseKeptFrom(tables: Pick<Tables, "meta">, of: AgingKind, to: bigint): void {
  if (to > readKeptFrom(tables, of)) tables.meta.put(nameKey(agingName(of)), `${to}`);
}

/** Within a change: notes that a certificate is kept under its id alone, to find it by height. */
export function noteReplaced({ replaced }: Tables, { claim, certificateId }: Certificate): void {
  const height = numberKey([claim.rollupId, claim.blockNumber]);
  replaced.put(Buffer.concat([height, hexKey(certificateId)]), "");
}

/** Within a change: removes a batch. */
export function pruneTables(
  tables: Tables,
  step: PruneStep,
  read: {
    readonly certificateAt: (heightKey: Uint8Array) => Certificate | null;
    readonly contradictions: (rollupId: bigint) => readonly Contradiction[];
  },
): PruneResult {
  switch (step.kind) {
    case "certificates": {
      const { rollupId } = step;
      const of = { kind: "certificates", rollupId } as const;
      const keptFrom = readKeptFrom(tables, of);
      const [prefix, first] = [numberKey([rollupId]), numberKey([rollupId, keptFrom])];
      const keys = tables.heights.firstKeys({ prefix, first, limit: PRUNE_BATCH });
      const lowest = keys.flatMap((key) => read.certificateAt(key) ?? []);
      const contested = contestedHeights(read.contradictions(rollupId));
      const limit = PRUNE_BATCH;
      const plan = planCertificates(step, { keptFrom, lowest, limit, contested });
      for (const height of plan.heights) removeHeight(tables, numberKey([rollupId, height]));
      raiseKeptFrom(tables, of, plan.keptFrom);
      return { removed: plan.heights.length, isDone: plan.isDone };
    }
    case "sets": {
      const sets = lowestOf(tables.epochs, (epoch) => setMayGo(step, epoch), step);
      const updates = lowestOf(tables.setUpdates, (epoch) => updateMayGo(step, epoch), step);
      raiseKeptFrom(tables, { kind: "sets" }, step.belowEpoch);
      for (const key of sets) tables.epochs.remove(key);
      for (const key of updates) tables.setUpdates.remove(key);
      const isDone = sets.length < PRUNE_BATCH && updates.length < PRUNE_BATCH;
      return { removed: sets.length + updates.length, isDone };
    }
    case "evidence":
      return { removed: removeEvidence(tables, step.evidenceIds), isDone: true };
  }
}

/** Whatever was ever kept of a height. */
function removeHeight({ heights, certificates, replaced }: Tables, heightKey: Uint8Array): void {
  const standing = heights.get(hashSchema, heightKey);
  if (standing !== null) certificates.remove(hexKey(standing));
  heights.remove(heightKey);
  const limit = Number.MAX_SAFE_INTEGER;
  for (const key of replaced.firstKeys({ prefix: heightKey, first: heightKey, limit })) {
    certificates.remove(key.subarray(key.length - HASH_BYTES));
    replaced.remove(key);
  }
}

/** The lowest epochs' keys that may go, a batch of them. */
function lowestOf(
  table: Table,
  mayGo: (epoch: bigint) => boolean,
  { except }: Extract<PruneStep, { kind: "sets" }>,
): readonly Uint8Array[] {
  const prefix = new Uint8Array(0);
  // Those that are excepted are passed over each time, with the updates on both sides of them.
  const limit = PRUNE_BATCH + 2 * except.size;
  const keys = table.firstKeys({ prefix, first: numberKey([0n]), limit });
  return keys.filter((key) => mayGo(leadingNumber(key))).slice(0, PRUNE_BATCH);
}

function removeEvidence({ evidence, evidenceOrder }: Tables, ids: readonly Hex[]): number {
  const [last] = evidenceOrder.lastKeys({ prefix: new Uint8Array(0), limit: 1 });
  const newest = last === undefined ? null : leadingNumber(last);
  let removed = 0;
  for (const id of ids.slice(0, PRUNE_BATCH)) {
    const entry = evidence.get(evidenceEntrySchema, hexKey(id));
    if (entry === null || entry.position === newest) continue;
    evidence.remove(hexKey(id));
    evidenceOrder.remove(numberKey([entry.position]));
    removed += 1;
  }
  return removed;
}

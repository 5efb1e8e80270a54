import { MAX_PAGE_ITEMS } from "@mach/api";
import {
  admitSetUpdate,
  asVerifiedSetUpdate,
  type Bls,
  type EpochSchedule,
  epochAt,
  isConsistentOperatorSet,
  isFalseSetUpdate,
} from "@mach/core";
import { NodeError } from "../node-error.ts";
import type { EpochRecord, Store } from "../store/store.ts";
import { verifyStored } from "./certificate-check.ts";
import type { EngineShell } from "./shell.ts";

const PAGE = MAX_PAGE_ITEMS;

export interface RestoreContext {
  readonly bls: Pick<Bls, "verifyAggregate" | "publicKeyToPoint" | "aggregatePublicKeys">;
  /** Epochs to look for, ascending. */
  readonly epochs: readonly bigint[];
  /** How many heights below each rollup's newest certificate are given back. */
  readonly certificates: number;
}

type Engine = Pick<EngineShell, "restore" | "state">;

/**
 * Gives the engine what the store kept: sets first, then the updates into them, contradictions and
 * the newest certificates, each verified again; one that does not verify is left out. Throws a NodeError
 * `row-corrupt` for a set that is not what its own hash says.
 */
export async function restoreEngine(
  engine: Engine,
  store: Store,
  context: RestoreContext,
): Promise<readonly EpochRecord[]> {
  const records: EpochRecord[] = [];
  for (const epoch of context.epochs) {
    const record = await readEpoch(store, epoch, context.bls);
    if (record === null) continue;
    records.push(record);
    engine.restore({ type: "set-known", ...record });
  }
  for (const { operatorSet } of records) {
    await restoreSetUpdate(engine, store, { bls: context.bls, epoch: operatorSet.epoch });
  }
  for (const rollupId of [...engine.state().rollups.keys()]) {
    for (const contradiction of await store.contradictions(rollupId)) {
      engine.restore({ type: "contradiction-restored", rollupId, contradiction });
    }
    await restoreCertificates(engine, store, { ...context, rollupId });
  }
  return records;
}

/** The epochs that may be in memory: `lookback` before the current one, it, and the next. */
export function epochsAround(
  schedule: EpochSchedule,
  { nowMs, lookback }: { readonly nowMs: number; readonly lookback: number },
): readonly bigint[] {
  const current = epochAt(schedule, BigInt(Math.floor(nowMs / 1_000))) ?? 0n;
  const all = Array.from({ length: lookback + 2 }, (_, i) => current + BigInt(i - lookback));
  return all.filter((epoch) => epoch >= 0n);
}

async function restoreSetUpdate(
  engine: Engine,
  store: Store,
  context: { readonly bls: Pick<Bls, "verifyAggregate">; readonly epoch: bigint },
): Promise<void> {
  const row = await store.setUpdateOf(context.epoch);
  const admission = row && admitSetUpdate(engine.state(), row);
  if (!admission?.ok || isFalseSetUpdate(engine.state(), admission.update)) return;
  const { publicKeys, digest: message, signature } = admission.update;
  if (!context.bls.verifyAggregate({ publicKeys, message, signature })) return;
  engine.restore({ type: "set-update-verified", update: asVerifiedSetUpdate(admission.update) });
}

async function restoreCertificates(
  engine: Engine,
  store: Store,
  context: RestoreContext & { readonly rollupId: bigint },
): Promise<void> {
  const { rollupId, bls } = context;
  const newest = await store.newestCertificate(rollupId);
  if (newest === null) return;
  const { domain } = engine.state().options;
  const records = new Map<bigint, EpochRecord | null>();
  const lowest = newest.claim.blockNumber - BigInt(context.certificates) + 1n;
  let from = lowest > 0n ? lowest : 0n;
  for (;;) {
    const rows = await store.listCertificates({ rollupId, from, limit: PAGE });
    for (const row of rows) {
      const { epoch } = row.claim;
      const record = records.get(epoch) ?? (await readEpoch(store, epoch, bls));
      records.set(epoch, record);
      const certificate = record && verifyStored(bls, row, { record, domain });
      if (certificate !== null) engine.restore({ type: "certificate-verified", certificate });
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    from = last.claim.blockNumber + 1n;
  }
}

async function readEpoch(
  store: Store,
  epoch: bigint,
  bls: RestoreContext["bls"],
): Promise<EpochRecord | null> {
  const record = await store.epochRecord(epoch);
  if (record === null) return null;
  const { operatorSet } = record;
  if (operatorSet.epoch === epoch && isConsistentOperatorSet(bls, operatorSet)) return record;
  throw new NodeError(
    "row-corrupt",
    `The operator set that the store has for epoch ${epoch} is not what its hash says: ` +
      "move the store's folder away, and the node fetches what it held again.",
  );
}

/**
 * Keeps what L1 has fixed for an epoch. Throws a NodeError `data-folder-unusable` where another set
 * is kept for it: L1 fixes an epoch once, so that one of the two is of another network, or a lie.
 */
export async function keepEpoch(
  store: Pick<Store, "putEpoch" | "epochRecord">,
  record: EpochRecord,
): Promise<void> {
  const put = await store.putEpoch(record);
  if (put.ok) return;
  const { epoch, operatorSetHash } = record.operatorSet;
  const kept = await store.epochRecord(epoch);
  // An older version of this program may have left out rollups of a stack that it did not know.
  if (kept?.operatorSet.operatorSetHash === operatorSetHash) return;
  throw new NodeError(
    "data-folder-unusable",
    `The store has another operator set for epoch ${epoch} than L1: the data folder is of another ` +
      "network, or the L1 endpoints lie.",
  );
}

import type { Query } from "./postgres-database.ts";
import { agingName, contestedHeights, planCertificates, setMayGo, updateMayGo } from "./pruning.ts";
import { hexKey } from "./row-key.ts";
import {
  type AgingKind,
  PRUNE_BATCH,
  type PruneResult,
  type PruneStep,
  type Store,
} from "./store.ts";

/** From where on a kind is kept: 0 until something of it has gone. */
export async function readKeptFrom(query: Query, of: AgingKind): Promise<bigint> {
  const [row] = await query("select kept_from from mach.kept_from where what = $1", [
    agingName(of),
  ]);
  return BigInt(String(row?.["kept_from"] ?? 0n));
}

/** Within a change: from where on a kind is kept from now on; it never falls. */
export async function raiseKeptFrom(query: Query, of: AgingKind, to: bigint): Promise<void> {
  if (to <= 0n) return;
  await query(
    `insert into mach.kept_from (what, kept_from) values ($1, $2)
     on conflict (what) do update set kept_from = greatest(kept_from.kept_from, excluded.kept_from)`,
    [agingName(of), to],
  );
}

/** Within a change: removes a batch. */
export async function pruneRows(
  query: Query,
  rows: Pick<Store, "listCertificates" | "contradictions">,
  step: PruneStep,
): Promise<PruneResult> {
  switch (step.kind) {
    case "certificates": {
      const { rollupId } = step;
      const of = { kind: "certificates", rollupId } as const;
      const keptFrom = await readKeptFrom(query, of);
      const limit = PRUNE_BATCH;
      const lowest = await rows.listCertificates({ rollupId, from: keptFrom, limit });
      const contested = contestedHeights(await rows.contradictions(rollupId));
      const plan = planCertificates(step, { keptFrom, lowest, limit, contested });
      await query(
        "delete from mach.heights where rollup_id = $1 and block_number = any($2::numeric[])",
        [rollupId, plan.heights],
      );
      await query(
        "delete from mach.certificates where of_rollup = $1 and at_block = any($2::numeric[])",
        [rollupId, plan.heights],
      );
      await raiseKeptFrom(query, of, plan.keptFrom);
      return { removed: plan.heights.length, isDone: plan.isDone };
    }
    case "sets": {
      const sets = await removeEpochs(query, "epochs", step, setMayGo);
      const updates = await removeEpochs(query, "set_updates", step, updateMayGo);
      await raiseKeptFrom(query, { kind: "sets" }, step.belowEpoch);
      const isDone = sets < PRUNE_BATCH && updates < PRUNE_BATCH;
      return { removed: sets + updates, isDone };
    }
    case "evidence": {
      const removed = await query(
        `delete from mach.evidence where evidence_id = any($1::bytea[])
         and position < (select max(position) from mach.evidence) returning position`,
        [step.evidenceIds.slice(0, PRUNE_BATCH).map(hexKey)],
      );
      return { removed: removed.length, isDone: true };
    }
  }
}

type SetsStep = Extract<PruneStep, { kind: "sets" }>;

async function removeEpochs(
  query: Query,
  table: "epochs" | "set_updates",
  step: SetsStep,
  mayGo: (step: SetsStep, epoch: bigint) => boolean,
): Promise<number> {
  const found = await query(`select epoch from mach.${table} order by epoch limit $1`, [
    PRUNE_BATCH + 2 * step.except.size,
  ]);
  const epochs = found
    .map((row) => BigInt(String(row["epoch"])))
    .filter((epoch) => mayGo(step, epoch))
    .slice(0, PRUNE_BATCH);
  await query(`delete from mach.${table} where epoch = any($1::numeric[])`, [epochs]);
  return epochs.length;
}

import { setImmediate as nextTurn } from "node:timers/promises";
import type { OperatorSummary, ParticipationCounts, RollupParticipation } from "@mach/api";
import type { Hex, OperatorSet } from "@mach/core";
import type { PageRequest, ServedReport } from "../http/node-view.ts";
import type { ParticipationRecord, Store } from "../store/store.ts";

/** The operators of a set with what they did in its epoch, over all rollups. */
export async function summariesOf(
  store: Pick<Store, "participation">,
  { epoch, operators }: OperatorSet,
): Promise<readonly OperatorSummary[]> {
  const records = await store.participation(epoch);
  const known = new Map<Hex, ParticipationCounts[]>(operators.map((each) => [each.operator, []]));
  for (const record of records) {
    for (const each of record.operators) known.get(each.operator)?.push(each);
  }
  return operators.map(({ operator, index, weight }) => {
    return { operator, epoch, index, weight, ...sumOf(known.get(operator) ?? []) };
  });
}

/** A page of the epochs in which an operator did something, or should have. */
export async function reportOf(
  store: Pick<Store, "participation" | "participationEpochs">,
  operator: Hex,
  { from, limit }: PageRequest,
): Promise<ServedReport> {
  const epochs = await store.participationEpochs();
  const asked = from === undefined ? epochs.slice(-limit) : epochs.filter((each) => each >= from);
  const participation: RollupParticipation[] = [];
  for (const epoch of asked.slice(0, limit)) {
    const records = await store.participation(epoch);
    participation.push(...records.flatMap((record) => participationIn(record, operator)));
    // A page of them must not keep the node from its own work.
    await nextTurn();
  }
  const next = from === undefined ? null : (asked[limit] ?? null);
  return { report: { operator, participation }, next };
}

function participationIn(
  { rollupId, epoch, throughBlockNumber, operators }: ParticipationRecord,
  operator: Hex,
): readonly RollupParticipation[] {
  const found = operators.find((each) => each.operator === operator);
  if (found === undefined) return [];
  const { operator: _, ...participation } = found;
  return [{ rollupId, epoch, throughBlockNumber, ...participation }];
}

function sumOf(all: readonly ParticipationCounts[]): ParticipationCounts {
  const sum = (name: keyof ParticipationCounts): number =>
    all.reduce((total, each) => total + each[name], 0);
  return {
    expected: sum("expected"),
    made: sum("made"),
    late: sum("late"),
    missed: sum("missed"),
    disagreeing: sum("disagreeing"),
    unseen: sum("unseen"),
  };
}

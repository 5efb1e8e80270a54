import type { Participation } from "@mach/api";
import { describe, expect, it } from "vitest";
import type { ParticipationRecord, Store } from "../../src/store/store.ts";
import { reportOf, summariesOf } from "../../src/view/operator-reports.ts";
import { memoryStore, operatorAt, operatorSetOf, WEIGHTS } from "../engine/engine-node.ts";
import { documentOf } from "./documents.ts";
import { create, must } from "./viewed-node.ts";

function seen(expected: number, missed: number): Participation {
  return {
    ...{ expected, made: expected - missed, late: 0, missed, disagreeing: 0, unseen: 0 },
    newestBlockNumber: 7n,
    reasons: missed === 0 ? [] : [{ kind: "missed", reason: "silent", count: missed }],
    lapses: [],
  };
}

function recordOf(epoch: bigint, rollupId: bigint, indices: readonly number[]) {
  const operators = indices.map((index) => ({ operator: operatorAt(index), ...seen(5, index) }));
  return { rollupId, epoch, throughBlockNumber: 9n, operators } satisfies ParticipationRecord;
}

async function filledStore(epochs: readonly bigint[]): Promise<Store> {
  const store = memoryStore();
  const records = epochs.flatMap((epoch) => [
    recordOf(epoch, 902n, [0, 1]),
    recordOf(epoch, 901n, [1, 2]),
  ]);
  await store.putParticipation(records);
  return store;
}

it("the operators of a set are all told of, with the sums over all rollups", async () => {
  const set = operatorSetOf(1n);
  const summaries = await summariesOf(await filledStore([0n, 1n]), set);
  expect(summaries.map(({ operator, weight }) => [operator, weight])).toEqual(
    WEIGHTS.map((weight, index) => [operatorAt(index), weight]),
  );
  expect(summaries.map(({ expected, made, missed }) => [expected, made, missed])).toEqual([
    [5, 5, 0],
    [10, 8, 2],
    [5, 3, 2],
    // Nothing was seen of it, and nothing is held against it.
    [0, 0, 0],
  ]);
});

describe("an operator's report", () => {
  it("is by epoch and rollup, of the newest epochs, or from one on", async () => {
    const store = await filledStore([0n, 1n, 2n, 3n]);
    const ask = async (from: bigint | undefined, limit: number) => {
      const { report, next } = await reportOf(store, operatorAt(1), { from, limit });
      return [report.participation.map(({ epoch, rollupId }) => [epoch, rollupId]), next];
    };
    expect(await ask(undefined, 1)).toEqual([
      [
        [3n, 901n],
        [3n, 902n],
      ],
      null,
    ]);
    const [rows, next] = await ask(1n, 2);
    expect(rows).toHaveLength(4);
    expect(next).toBe(3n);
    expect(await ask(3n, 2)).toEqual([
      [
        [3n, 901n],
        [3n, 902n],
      ],
      null,
    ]);
    expect(await ask(4n, 2)).toEqual([[], null]);
  });

  it("says how far it counts, and has every lapse by its reason", async () => {
    const { report } = await reportOf(await filledStore([0n]), operatorAt(2), {
      from: undefined,
      limit: 20,
    });
    expect(report.participation).toEqual([
      { rollupId: 901n, epoch: 0n, throughBlockNumber: 9n, ...seen(5, 2) },
    ]);
  });
});

it("a node tells of its operators, and of no address that is none", async () => {
  const { view, node } = await create();
  await node.store.putParticipation([recordOf(0n, 902n, [0, 1, 2, 3])]);
  const summaries = must(await view.operators("current"));
  documentOf("operators", summaries);
  expect(summaries.map(({ missed }) => missed)).toEqual([0, 1, 2, 3]);
  expect(await view.operators(7n)).toEqual({ ok: false, code: "unknown-epoch" });
  const page = { from: undefined, limit: 20 };
  const { report } = must(await view.operator(operatorAt(3), page));
  expect(report.participation).toHaveLength(1);
  const stranger = await view.operator(`0x${"ee".repeat(20)}`, page);
  expect(stranger).toEqual({ ok: false, code: "unknown-operator" });
});

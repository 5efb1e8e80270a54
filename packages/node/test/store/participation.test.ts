import type { Participation } from "@mach/api";
import { expect, test } from "vitest";
import type { ParticipationRecord } from "../../src/store/store.ts";
import { IDENTITY } from "../signer/test-claims.ts";
import { lockedFolder } from "../signer/test-folders.ts";
import { describeStores, lmdbStoreIn, OPTIONS } from "./stores.ts";

const SEEN: Participation = {
  expected: 9,
  made: 4,
  late: 1,
  missed: 2,
  disagreeing: 1,
  unseen: 1,
  newestBlockNumber: 2n ** 64n - 1n,
  reasons: [{ kind: "missed", reason: "silent", count: 2 }],
  lapses: [
    { kind: "missed", blockNumber: 7n, reason: "silent", lateMs: null },
    { kind: "late", blockNumber: 2n ** 60n, reason: "after-window", lateMs: 1_250 },
  ],
};

function recordOf(epoch: bigint, rollupId = 901n, seen = SEEN): ParticipationRecord {
  const operators = [
    { operator: IDENTITY.operator, ...seen },
    { operator: `0x${"ff".repeat(20)}` as const, ...seen, newestBlockNumber: null, lapses: [] },
  ];
  return { rollupId, epoch, throughBlockNumber: 12n, operators };
}

describeStores("participation", (createStore) => {
  test("is kept by epoch and rollup, and a record takes the place of the one before", async () => {
    const store = await createStore();
    expect(await store.participation(3n)).toEqual([]);
    expect(await store.participationEpochs()).toEqual([]);
    await store.putParticipation([recordOf(3n, 902n), recordOf(3n, 901n), recordOf(2n, 256n)]);
    const later = { ...recordOf(3n, 901n), throughBlockNumber: 13n };
    await store.putParticipation([later]);
    expect(await store.participation(3n)).toEqual([later, recordOf(3n, 902n)]);
    expect(await store.participation(2n)).toEqual([recordOf(2n, 256n)]);
    expect(await store.participation(1n)).toEqual([]);
    expect(await store.participationEpochs()).toEqual([2n, 3n]);
  });

  test("of epochs too far below the newest goes, whichever rollup it is of", async () => {
    const store = await createStore();
    const newest = BigInt(OPTIONS.participationEpochs) + 300n;
    await store.putParticipation([recordOf(299n), recordOf(300n, 902n), recordOf(301n, 902n)]);
    await store.putParticipation([recordOf(newest - 1n)]);
    expect(await store.participationEpochs()).toEqual([300n, 301n, newest - 1n]);
    await store.putParticipation([recordOf(newest)]);
    expect(await store.participationEpochs()).toEqual([301n, newest - 1n, newest]);
    // One that is too old by the time that it comes is not kept either.
    await store.putParticipation([recordOf(300n)]);
    expect(await store.participationEpochs()).toEqual([301n, newest - 1n, newest]);
  });

  test("no records change nothing", async () => {
    const store = await createStore();
    await store.putParticipation([]);
    await store.putParticipation([recordOf(0n)]);
    await store.putParticipation([]);
    expect(await store.participationEpochs()).toEqual([0n]);
  });
});

test("a restart keeps participation", async () => {
  const folder = await lockedFolder();
  const before = await lmdbStoreIn(folder);
  await before.putParticipation([recordOf(3n)]);
  await before.stop();
  expect(await (await lmdbStoreIn(folder)).participation(3n)).toEqual([recordOf(3n)]);
});

import { statSync } from "node:fs";
import { join } from "node:path";
import { claimDigest, type Evidence } from "@mach/core";
import { pino } from "pino";
import { expect, it } from "vitest";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import { createPruner, type Pruner, type PrunerOptions } from "../../src/store/pruner.ts";
import { PRUNE_BATCH, type PruneStep, type Store } from "../../src/store/store.ts";
import { IDENTITY } from "../signer/test-claims.ts";
import { lockedFolder } from "../signer/test-folders.ts";
import {
  CERTIFICATES,
  certificateFor,
  evidenceOf,
  fill,
  heights,
  oldClaim,
  putEpoch,
  ROLLUP,
} from "./old-rows.ts";
import { lmdbStoreIn, OPTIONS } from "./stores.ts";

const IS_LONG = process.env["MACH_LONG"] === "1";

interface Pruned {
  readonly pruner: Pruner;
  readonly gone: Evidence[];
  epoch: bigint | null;
  closedBelow: bigint | null;
}

/** Keeps three epochs of ten heights, sets of five, unless told otherwise. */
function prune(store: Store, change: Partial<PrunerOptions> = {}): Pruned {
  const pruned: Omit<Pruned, "pruner"> = { gone: [], epoch: 9n, closedBelow: 1_000n };
  const pruner = createPruner(
    {
      store,
      currentEpoch: () => pruned.epoch,
      closedBelow: () => pruned.closedBelow,
      onEvidenceGone: (evidence) => pruned.gone.push(evidence),
      logger: pino({ level: "silent" }),
    },
    {
      ...{ rollupIds: [ROLLUP], certificateEpochs: 3, setEpochs: 5, evidenceEpochs: 5 },
      ...{ pauseMs: 60_000, batchPauseMs: 0 },
      ...change,
    },
  );
  return Object.assign(pruned, { pruner });
}

const first = async (store: Store): Promise<bigint | undefined> => (await heights(store))[0];

it("keeps as many epochs as it is told, the current one included", async () => {
  const store = createMemoryStore(OPTIONS);
  await fill(store, 1n, 99n);
  for (let epoch = 0n; epoch <= 10n; epoch += 1n) await putEpoch(store, epoch);
  const { pruner } = prune(store);
  await pruner.pass();
  expect(await first(store)).toBe(70n);
  expect(await store.epochsBelow(100n)).toEqual([5n, 6n, 7n, 8n, 9n, 10n]);
});

it("removes nothing while it is not known what is closed, or which epoch it is", async () => {
  const store = createMemoryStore(OPTIONS);
  await fill(store, 1n, 99n);
  const pruned = prune(store);
  pruned.epoch = null;
  expect(await pruned.pruner.pass()).toBe(0);
  Object.assign(pruned, { epoch: 9n, closedBelow: null });
  expect(await pruned.pruner.pass()).toBe(0);
  pruned.closedBelow = 15n;
  await pruned.pruner.pass();
  expect(await first(store)).toBe(15n);
});

it("keeps the sets that certificates and evidence which are kept are checked under", async () => {
  const store = createMemoryStore(OPTIONS);
  await fill(store, 1n, 99n);
  for (let epoch = 0n; epoch <= 10n; epoch += 1n) await putEpoch(store, epoch);
  await store.putEvidence(evidenceOf(35n));
  const claims = [{ blockNumber: 15n, digest: claimDigest(IDENTITY.domain, oldClaim(15n)) }];
  const contradiction = { fromBlockNumber: 15n, throughBlockNumber: 15n, claims };
  await store.putContradiction({ rollupId: ROLLUP, contradiction });
  const pruned = prune(store, { evidenceEpochs: 9 });
  // L1 has not finalised past epoch 4, however old that is.
  pruned.closedBelow = 45n;
  await pruned.pruner.pass();
  expect((await heights(store)).slice(0, 2)).toEqual([15n, 45n]);
  expect((await store.epochsBelow(7n)).map(Number)).toEqual([1, 3, 4, 5, 6]);
});

it("removes evidence when every epoch that it is about is old, and says which", async () => {
  const store = createMemoryStore(OPTIONS);
  for (const height of [10n, 39n, 50n, 99n]) await store.putEvidence(evidenceOf(height));
  const { pruner, gone } = prune(store);
  expect(await pruner.pass()).toBe(2);
  expect(gone).toEqual([evidenceOf(10n), evidenceOf(39n)]);
  expect((await store.listEvidence({ from: 0n, limit: 9 })).map((each) => each.position)).toEqual([
    2n,
    3n,
  ]);
  // Once in an epoch is enough.
  await store.putEvidence(evidenceOf(20n));
  expect(await pruner.pass()).toBe(0);
});

it("goes on with all else where one rollup fails, and says so", async () => {
  const store = createMemoryStore(OPTIONS);
  await fill(store, 1n, 99n);
  await store.putEvidence(evidenceOf(10n));
  await store.putEvidence(evidenceOf(99n));
  const failing = tapped(store, (step) => {
    if (step.kind === "certificates" && step.rollupId !== ROLLUP) throw new Error("damaged");
  });
  const { pruner, gone } = prune(failing, { rollupIds: [77n, ROLLUP] });
  await expect(pruner.pass()).rejects.toThrow("damaged");
  expect(await first(store)).toBe(70n);
  expect(gone).toEqual([evidenceOf(10n)]);
});

it("removes more evidence than fits into a batch, and nothing that is not old", async () => {
  const store = createMemoryStore({ ...OPTIONS, maxEvidence: 100 });
  const old = Array.from({ length: 2 * PRUNE_BATCH - 1 }, (_, i) => evidenceOf(BigInt(i) + 1n));
  for (const each of old) await store.putEvidence(each);
  await store.putEvidence(evidenceOf(99n));
  const { pruner, gone } = prune(store);
  expect(await pruner.pass()).toBe(old.length);
  expect(gone).toEqual(old);
  const [left] = await store.listEvidence({ from: 0n, limit: 9 });
  expect(left?.evidence).toEqual(evidenceOf(99n));
});

it("lets other work have its turn between two batches", async () => {
  const store = createMemoryStore(OPTIONS);
  await fill(store, 1n, BigInt(PRUNE_BATCH) * 4n);
  const pruned = prune(store, { certificateEpochs: 1 });
  pruned.epoch = 100n;
  let turns = 0;
  let isRunning = true;
  const tick = (): void => {
    turns += 1;
    if (isRunning) setImmediate(tick);
  };
  setImmediate(tick);
  await pruned.pruner.pass();
  isRunning = false;
  expect(turns).toBeGreaterThanOrEqual(3);
});

it("goes on after a restart in the middle, and what it answers is true at every step", async () => {
  const folder = await lockedFolder();
  const before = await lmdbStoreIn(folder);
  await fill(before, 1n, 199n);
  // It is stopped after its first batch.
  const cut = prune(tapped(before, () => void cut.pruner.stop()));
  cut.epoch = 19n;
  await cut.pruner.pass();
  const keptFrom = await before.keptFrom(CERTIFICATES);
  expect(keptFrom).toBe(BigInt(PRUNE_BATCH) + 1n);
  expect(await first(before)).toBe(keptFrom);
  await before.stop();

  const after = await lmdbStoreIn(folder);
  const rest = prune(after);
  rest.epoch = 19n;
  expect(await rest.pruner.pass()).toBe(170 - 1 - PRUNE_BATCH);
  expect(await first(after)).toBe(170n);
  expect(await after.keptFrom(CERTIFICATES)).toBe(170n);
});

it("keeps the file within a bound over many days: free pages are used again", async () => {
  const { days, perDay } = IS_LONG ? LONG : SHORT;
  const folder = await lockedFolder();
  const store = await lmdbStoreIn(folder);
  const pruned = prune(store, { certificateEpochs: 3 });
  const sizes: number[] = [];
  for (let day = 0; day < days; day++) {
    const puts = Array.from({ length: perDay }, (_, i) => {
      const change = { epoch: BigInt(day) };
      const claim = oldClaim(BigInt(day * perDay + i), change);
      return store.putCertificate(certificateFor(claim, i % 2 === 0 ? "0x07" : "0x0f"));
    });
    await Promise.all(puts);
    Object.assign(pruned, { epoch: BigInt(day), closedBelow: BigInt(day * perDay) });
    await pruned.pruner.pass();
    await store.flush();
    sizes.push(statSync(join(folder.storePath, "data.mdb")).size);
  }
  // Three days are kept while a fourth comes in; a batch that goes needs pages of its own.
  const settled = sizes[5] ?? Number.NaN;
  const last = sizes.at(-1) ?? Number.NaN;
  expect(last / settled).toBeLessThan(1.25);
  const kept = await heights(store);
  expect(kept[0]).toBe(BigInt((days - 3) * perDay));
}, 600_000);

const SHORT = { days: 24, perDay: 60 };
const LONG = { days: 60, perDay: 1_000 };

/** The store, and word of each batch that was pruned; it fails where that does. */
function tapped(store: Store, onPruned: (step: PruneStep) => void): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      if (name !== "prune") return target[name].bind(target);
      return async (step: PruneStep) => {
        const batch = await target.prune(step);
        onPruned(step);
        return batch;
      };
    },
  });
}

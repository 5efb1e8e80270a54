import { claimDigest } from "@mach/core";
import { expect, test } from "vitest";
import { evidenceId } from "../../src/store/evidence-id.ts";
import { PRUNE_BATCH } from "../../src/store/store.ts";
import { hashOf, IDENTITY } from "../signer/test-claims.ts";
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
  stepTo,
} from "./old-rows.ts";
import { describeStores, lmdbStoreIn } from "./stores.ts";

describeStores("a store that prunes", (createStore) => {
  test("removes certificates below the epoch and below the height, whichever is lower", async () => {
    const store = await createStore();
    await fill(store, 5n, 34n);
    await store.putCertificate(certificateFor(oldClaim(7n, { rollupId: 902n })));
    expect(await store.keptFrom(CERTIFICATES)).toBe(0n);

    expect(await store.prune(stepTo(12n, 3n))).toEqual({ removed: 7, isDone: true });
    expect((await heights(store))[0]).toBe(12n);
    expect(await store.keptFrom(CERTIFICATES)).toBe(12n);

    expect(await store.prune(stepTo(1_000n, 3n))).toEqual({ removed: 18, isDone: true });
    expect(await heights(store)).toEqual([30n, 31n, 32n, 33n, 34n]);
    expect(await store.keptFrom(CERTIFICATES)).toBe(30n);
    expect(await store.certificateAt(ROLLUP, 29n)).toBeNull();
    expect(await store.certificateById(certificateFor(oldClaim(29n)).certificateId)).toBeNull();
    expect((await store.newestCertificate(ROLLUP))?.claim.blockNumber).toBe(34n);
    expect(await store.certificateAt(902n, 7n)).not.toBeNull();
    expect(await store.keptFrom({ kind: "certificates", rollupId: 902n })).toBe(0n);
    // Nothing that is asked to go further back takes anything back.
    expect(await store.prune(stepTo(10n, 1n))).toEqual({ removed: 0, isDone: true });
    expect(await store.keptFrom(CERTIFICATES)).toBe(30n);
  });

  test("goes on batch by batch until nothing is left", async () => {
    const store = await createStore();
    await fill(store, 1n, BigInt(PRUNE_BATCH) + 10n);
    const step = stepTo(BigInt(PRUNE_BATCH) + 6n, 1_000n);
    expect(await store.prune(step)).toEqual({ removed: PRUNE_BATCH, isDone: false });
    expect(await store.keptFrom(CERTIFICATES)).toBe(BigInt(PRUNE_BATCH) + 1n);
    expect(await store.prune(step)).toEqual({ removed: 5, isDone: true });
    expect((await heights(store)).length).toBe(5);
  });

  test("removes with a height what was replaced there", async () => {
    const store = await createStore();
    const put = ["0x07", "0x0b", "0x0f"].map((signers) =>
      certificateFor(oldClaim(5n), signers as `0x${string}`),
    );
    for (const certificate of put) await store.putCertificate(certificate);
    await fill(store, 6n, 6n);
    expect(await store.prune(stepTo(6n, 1_000n))).toEqual({ removed: 1, isDone: true });
    for (const { certificateId: id } of put) expect(await store.certificateById(id)).toBeNull();
    expect(await heights(store)).toEqual([6n]);
  });

  test("keeps a contradicted height with every claim that was made there", async () => {
    const store = await createStore();
    await fill(store, 3n, 9n);
    const rival = certificateFor(oldClaim(5n, { blockHash: hashOf("rival") }));
    expect(await store.putCertificate(rival)).toMatchObject({ code: "conflicting-claim" });
    const claims = [
      { blockNumber: 5n, digest: claimDigest(IDENTITY.domain, oldClaim(5n)) },
      { blockNumber: 5n, digest: claimDigest(IDENTITY.domain, rival.claim) },
    ];
    const contradiction = { fromBlockNumber: 5n, throughBlockNumber: 5n, claims };
    await store.putContradiction({ rollupId: ROLLUP, contradiction });

    expect(await store.prune(stepTo(8n, 1_000n))).toEqual({ removed: 4, isDone: true });
    expect(await heights(store)).toEqual([5n, 8n, 9n]);
    expect(await store.certificateById(rival.certificateId)).toEqual(rival);
    expect(await store.contradictions(ROLLUP)).toEqual([contradiction]);
  });

  test("takes no certificate for a height that was pruned: a lie could not be told", async () => {
    const store = await createStore();
    await fill(store, 3n, 9n);
    await store.prune(stepTo(8n, 1_000n));
    const rival = certificateFor(oldClaim(5n, { blockHash: hashOf("rival") }));
    for (const certificate of [rival, certificateFor(oldClaim(5n))]) {
      expect(await store.putCertificate(certificate)).toEqual({ ok: false, code: "pruned" });
      expect(await store.certificateById(certificate.certificateId)).toBeNull();
    }
    expect(await store.certificateAt(ROLLUP, 5n)).toBeNull();
    expect(await store.putCertificate(certificateFor(oldClaim(10n)))).toEqual({ ok: true });
  });

  test("removes old sets and the updates that need them, but those that are excepted", async () => {
    const store = await createStore();
    for (let epoch = 1n; epoch <= 9n; epoch += 1n) await putEpoch(store, epoch);
    const step = { kind: "sets", belowEpoch: 7n, except: new Set([3n, 4n]) } as const;
    expect(await store.prune(step)).toEqual({ removed: 10, isDone: true });
    expect(await store.keptFrom({ kind: "sets" })).toBe(7n);
    expect(await store.epochsBelow(100n)).toEqual([3n, 4n, 7n, 8n, 9n]);
    expect(await store.epochRecord(6n)).toBeNull();
    const updates = [];
    for (let epoch = 1n; epoch <= 9n; epoch += 1n) {
      if ((await store.setUpdateOf(epoch)) !== null) updates.push(epoch);
    }
    // The one into epoch 7 is signed by the set of epoch 6, and could be checked no more.
    expect(updates).toEqual([4n, 8n, 9n]);
    expect(await store.prune({ ...step, except: new Set() })).toMatchObject({ isDone: true });
    expect(await store.epochsBelow(100n)).toEqual([7n, 8n, 9n]);
  });

  test("makes room for evidence and gives no position twice", async () => {
    const store = await createStore();
    const pieces = [1n, 2n, 3n, 4n, 5n].map(evidenceOf);
    for (const piece of pieces) await store.putEvidence(piece);
    expect(await store.putEvidence(evidenceOf(6n))).toMatchObject({ code: "evidence-full" });
    const evidenceIds = pieces.map(evidenceId);
    expect(await store.prune({ kind: "evidence", evidenceIds })).toEqual({
      removed: 4,
      isDone: true,
    });
    expect(await store.putEvidence(evidenceOf(6n))).toMatchObject({ ok: true, isNew: true });
    const listed = await store.listEvidence({ from: 0n, limit: 10 });
    expect(listed.map(({ position }) => position)).toEqual([4n, 5n]);
    expect(listed.map(({ evidence }) => evidence)).toEqual([evidenceOf(5n), evidenceOf(6n)]);
  });
});

test("what was pruned stays so over a restart, and a batch is whole or not made at all", async () => {
  const folder = await lockedFolder();
  const before = await lmdbStoreIn(folder);
  await fill(before, 1n, 9n);
  await before.prune(stepTo(4n, 1_000n));
  await before.stop();
  const after = await lmdbStoreIn(folder);
  expect(await after.keptFrom(CERTIFICATES)).toBe(4n);
  expect((await heights(after))[0]).toBe(4n);
  const late = certificateFor(oldClaim(2n));
  expect(await after.putCertificate(late)).toEqual({ ok: false, code: "pruned" });
});

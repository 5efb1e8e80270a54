import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Alert, certificateSchema, encodeCertificate } from "@mach/api";
import {
  type Certificate,
  type Claim,
  certificateId,
  claimDigest,
  type DoubleAttestation,
} from "@mach/core";
import { open } from "lmdb";
import { describe, expect, test } from "vitest";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { openRow, sealRow } from "../../src/store/row.ts";
import type { EpochRecord } from "../../src/store/store.ts";
import { claimAt, hashOf, IDENTITY } from "../signer/test-claims.ts";
import { lockedFolder } from "../signer/test-folders.ts";
import { describeStores, lmdbStoreIn, OPTIONS } from "./stores.ts";

function certificateFor(claim: Claim, signers: `0x${string}` = "0x07"): Certificate {
  const digest = claimDigest(IDENTITY.domain, claim);
  const operatorSetHash = hashOf("set");
  return {
    version: 1,
    certificateId: certificateId({ digest, operatorSetHash, signers }),
    domain: IDENTITY.domain,
    claim,
    operatorSetHash,
    signers,
    signature: `0x${"8b".repeat(96)}`,
  };
}

function evidenceOf(blockNumber: bigint): DoubleAttestation {
  const operator = IDENTITY.operator;
  const signature = `0x${"8c".repeat(96)}` as const;
  const other = claimAt(blockNumber, { blockHash: hashOf("other") });
  return {
    kind: "double-attestation",
    rollupId: 901n,
    blockNumber,
    operator,
    first: { claim: claimAt(blockNumber), operator, signature },
    second: { claim: other, operator, signature },
  };
}

function epochOf(epoch: bigint): EpochRecord {
  return {
    operatorSet: {
      epoch,
      operatorSetHash: hashOf(`set ${epoch}`),
      operatorsRoot: hashOf("root"),
      totalWeight: 22n,
      aggregatePublicKey: `0x${"8d".repeat(48)}`,
      operators: [
        {
          index: 0,
          operator: IDENTITY.operator,
          publicKey: `0x${"8d".repeat(48)}`,
          weight: 22n,
        },
      ],
    },
    rollups: [
      {
        rollupId: 901n,
        stack: "op",
        attestationInterval: 1n,
        thresholdBps: 6667,
        verification: 1,
      },
    ],
  };
}

function alertOf(alertId: string, change: Partial<Alert> = {}): Alert {
  return {
    alertId,
    code: "payer-balance-low",
    severity: "warning",
    rollupId: null,
    message: "Send ether to the payer.",
    raisedAt: 1_750_000_000n,
    clearedAt: null,
    ...change,
  };
}

describeStores("a store", (createStore) => {
  test("what is unknown is null or an empty list, never a default", async () => {
    const store = await createStore();
    await store.putCertificate(certificateFor(claimAt(5n)));
    expect(await store.certificateAt(901n, 4n)).toBeNull();
    expect(await store.certificateAt(902n, 5n)).toBeNull();
    expect(await store.certificateById(hashOf("id"))).toBeNull();
    expect(await store.newestCertificate(902n)).toBeNull();
    expect(await store.listCertificates({ rollupId: 902n, limit: 10 })).toEqual([]);
    expect(await store.epochRecord(0n)).toBeNull();
    expect(await store.evidenceById(hashOf("id"))).toBeNull();
    expect(await store.listEvidence({ limit: 10 })).toEqual([]);
    expect(await store.listAlerts()).toEqual([]);
    expect(await store.contradictions(901n)).toEqual([]);
    expect(await store.resumePoint(901n)).toBeNull();
  });

  test("a certificate is found by height and by id, without what verification added", async () => {
    const store = await createStore();
    const certificate = certificateFor(claimAt(5n));
    const verified = { ...certificate, signedWeight: 72n, totalWeight: 100n };
    expect(await store.putCertificate(verified)).toEqual({ ok: true });
    expect(await store.certificateAt(901n, 5n)).toEqual(certificate);
    expect(await store.certificateById(certificate.certificateId)).toEqual(certificate);
  });

  test("a better certificate takes the height and the old one stays under its id", async () => {
    const store = await createStore();
    const old = certificateFor(claimAt(5n), "0x07");
    const better = certificateFor(claimAt(5n), "0x0f");
    await store.putCertificate(old);
    await store.putCertificate(better);
    expect(await store.certificateAt(901n, 5n)).toEqual(better);
    expect(await store.certificateById(old.certificateId)).toEqual(old);
    expect(await store.listCertificates({ rollupId: 901n, limit: 10 })).toEqual([better]);
  });

  test("a certificate for another claim does not take the height, and is kept by id", async () => {
    const store = await createStore();
    const standing = certificateFor(claimAt(5n));
    const other = certificateFor(claimAt(5n, { blockHash: hashOf("other") }), "0x0f");
    await store.putCertificate(standing);
    expect(await store.putCertificate(other)).toEqual({ ok: false, code: "conflicting-claim" });
    expect(await store.certificateAt(901n, 5n)).toEqual(standing);
    expect(await store.certificateById(other.certificateId)).toEqual(other);
  });

  test("a certificate of another network is not kept", async () => {
    const store = await createStore();
    const domain = { ...IDENTITY.domain, chainId: 1n };
    const foreign = { ...certificateFor(claimAt(5n)), domain };
    expect(await store.putCertificate(foreign)).toEqual({ ok: false, code: "wrong-domain" });
    expect(await store.certificateById(foreign.certificateId)).toBeNull();
    expect(await store.newestCertificate(901n)).toBeNull();
  });

  test("certificates are listed by ascending height, each rollup by itself", async () => {
    const store = await createStore();
    const heights = [300n, 5n, 0n, 256n, 255n, 2n ** 64n - 1n];
    for (const height of heights) await store.putCertificate(certificateFor(claimAt(height)));
    for (const rollupId of [900n, 902n, 901n * 256n]) {
      await store.putCertificate(certificateFor(claimAt(7n, { rollupId })));
    }
    const list = async (from: bigint | undefined, limit: number) =>
      (await store.listCertificates({ rollupId: 901n, from, limit })).map(
        ({ claim }) => claim.blockNumber,
      );
    expect(await list(0n, 3)).toEqual([0n, 5n, 255n]);
    expect(await list(6n, 3)).toEqual([255n, 256n, 300n]);
    expect(await list(301n, 3)).toEqual([2n ** 64n - 1n]);
    expect(await list(undefined, 2)).toEqual([300n, 2n ** 64n - 1n]);
    expect(await list(2n ** 64n, 2)).toEqual([]);
    expect((await store.newestCertificate(901n))?.claim.blockNumber).toBe(2n ** 64n - 1n);
    expect((await store.newestCertificate(902n))?.claim.blockNumber).toBe(7n);
    await expect(list(0n, 0)).rejects.toThrow(RangeError);
  });

  test("a page never has more than the bound, whatever is asked for", async () => {
    const store = await createStore();
    await Promise.all(
      Array.from({ length: 130 }, (_, i) =>
        store.putCertificate(certificateFor(claimAt(BigInt(i)))),
      ),
    );
    const page = await store.listCertificates({ rollupId: 901n, from: 0n, limit: 1_000_000 });
    expect(page).toHaveLength(100);
  });

  test("an epoch is kept with its rollups, and never changed", async () => {
    const store = await createStore();
    const record = epochOf(3n);
    expect(await store.putEpoch(record)).toEqual({ ok: true });
    expect(await store.putEpoch(record)).toEqual({ ok: true });
    expect(await store.epochRecord(3n)).toEqual(record);
    expect(await store.epochRecord(2n)).toBeNull();
    const conflicting = { ok: false, code: "conflicting-epoch" };
    expect(await store.putEpoch({ ...record, rollups: [] })).toEqual(conflicting);
    const operatorSet = { ...record.operatorSet, operatorSetHash: hashOf("other") };
    expect(await store.putEpoch({ ...record, operatorSet })).toEqual(conflicting);
    expect(await store.epochRecord(3n)).toEqual(record);
  });

  test("evidence is kept once, under an id that its content decides", async () => {
    const store = await createStore();
    const first = await store.putEvidence(evidenceOf(1n));
    const again = await store.putEvidence(evidenceOf(1n));
    const other = await store.putEvidence(evidenceOf(2n));
    expect(first).toMatchObject({ ok: true, isNew: true });
    expect(again).toEqual({ ...first, isNew: false });
    expect(other.evidenceId).not.toBe(first.evidenceId);
    expect(await store.evidenceById(first.evidenceId)).toEqual(evidenceOf(1n));
  });

  test("evidence is listed in the order of keeping", async () => {
    const store = await createStore();
    for (const height of [3n, 1n, 2n]) await store.putEvidence(evidenceOf(height));
    const list = async (from: bigint | undefined, limit: number) =>
      (await store.listEvidence({ from, limit })).map(({ position, evidence }) => [
        position,
        (evidence as DoubleAttestation).blockNumber,
      ]);
    expect(await list(0n, 2)).toEqual([
      [0n, 3n],
      [1n, 1n],
    ]);
    expect(await list(undefined, 2)).toEqual([
      [1n, 1n],
      [2n, 2n],
    ]);
    expect(await list(3n, 2)).toEqual([]);
  });

  test("evidence beyond the bound is refused and none makes way for it", async () => {
    const store = await createStore();
    for (let i = 1n; i <= 5n; i++) await store.putEvidence(evidenceOf(i));
    expect(await store.putEvidence(evidenceOf(6n))).toMatchObject({
      ok: false,
      code: "evidence-full",
    });
    expect(await store.putEvidence(evidenceOf(5n))).toMatchObject({ ok: true, isNew: false });
    expect(await store.listEvidence({ from: 0n, limit: 100 })).toHaveLength(5);
  });

  test("an alert replaces the one with its id; beyond the bound the oldest goes", async () => {
    const store = await createStore();
    for (const id of ["a", "b", "c"]) await store.putAlert(alertOf(id));
    const cleared = alertOf("a", { clearedAt: 1_750_000_100n, rollupId: 901n });
    await store.putAlert(cleared);
    expect(await store.listAlerts()).toEqual([alertOf("c"), alertOf("b"), cleared]);
    await store.putAlert(alertOf("d"));
    await store.putAlert(alertOf("a"));
    expect((await store.listAlerts()).map((alert) => alert.alertId)).toEqual(["a", "d", "c"]);
  });

  test("contradictions are kept once, by ascending height", async () => {
    const store = await createStore();
    const later = {
      fromBlockNumber: 20n,
      throughBlockNumber: 25n,
      claims: [{ blockNumber: 300n, digest: hashOf("one") }],
    };
    const earlier = { fromBlockNumber: 9n, throughBlockNumber: 300n, claims: [] };
    for (const contradiction of [later, earlier, later]) {
      await store.putContradiction({ rollupId: 901n, contradiction });
    }
    expect(await store.contradictions(901n)).toEqual([earlier, later]);
    expect(await store.contradictions(902n)).toEqual([]);
  });

  test("the resume point of a rollup is the one put last", async () => {
    const store = await createStore();
    const point = { rollupId: 901n, blockNumber: 5n, blockHash: hashOf("block") };
    await store.putResumePoint(point);
    await store.putResumePoint({ ...point, blockNumber: 4n });
    expect(await store.resumePoint(901n)).toEqual({ ...point, blockNumber: 4n });
    expect(await store.resumePoint(902n)).toBeNull();
  });

  test("many puts at once all arrive", async () => {
    const store = await createStore();
    const certificates = Array.from({ length: 50 }, (_, i) => certificateFor(claimAt(BigInt(i))));
    await Promise.all(certificates.map((certificate) => store.putCertificate(certificate)));
    expect(await store.listCertificates({ rollupId: 901n, from: 0n, limit: 50 })).toEqual(
      certificates,
    );
  });
});

describe("a store on disk", () => {
  test("a restart keeps everything", async () => {
    const folder = await lockedFolder();
    const before = await lmdbStoreIn(folder);
    const certificate = certificateFor(claimAt(5n));
    const contradiction = { fromBlockNumber: 5n, throughBlockNumber: 5n, claims: [] };
    const point = { rollupId: 901n, blockNumber: 5n, blockHash: hashOf("block") };
    await before.putCertificate(certificate);
    await before.putContradiction({ rollupId: 901n, contradiction });
    await before.putEpoch(epochOf(3n));
    await before.putEvidence(evidenceOf(1n));
    await before.putAlert(alertOf("a"));
    await before.putResumePoint(point);
    await before.stop();

    const after = await lmdbStoreIn(folder);
    expect(await after.certificateAt(901n, 5n)).toEqual(certificate);
    expect(await after.contradictions(901n)).toEqual([contradiction]);
    expect(await after.epochRecord(3n)).toEqual(epochOf(3n));
    expect(await after.listEvidence({ limit: 10 })).toHaveLength(1);
    expect(await after.putEvidence(evidenceOf(1n))).toMatchObject({ isNew: false });
    expect(await after.listAlerts()).toEqual([alertOf("a")]);
    expect(await after.resumePoint(901n)).toEqual(point);
  });

  test("a folder of another network is refused", async () => {
    const folder = await lockedFolder();
    await (await lmdbStoreIn(folder)).stop();
    const domain = { ...IDENTITY.domain, chainId: 1n };
    expect(await openLmdbStore(folder, { ...OPTIONS, domain })).toEqual({
      ok: false,
      code: "wrong-domain",
    });
    expect(await openLmdbStore(folder, OPTIONS)).toMatchObject({ ok: true });
  });

  test("a file that is no database is refused before it is opened", async () => {
    const folder = await lockedFolder();
    await (await lmdbStoreIn(folder)).stop();
    await writeFile(join(folder.storePath, "data.mdb"), "no database".repeat(1000));
    expect(await openLmdbStore(folder, OPTIONS)).toEqual({ ok: false, code: "store-corrupt" });
  });

  test("no flipped byte of a certificate's rows is ever served", async () => {
    const folder = await lockedFolder();
    const certificate = certificateFor(claimAt(5n));
    const store = await lmdbStoreIn(folder);
    await store.putCertificate(certificate);
    await store.stop();

    const flip = async (table: string, position: number): Promise<void> => {
      const binary = { encoding: "binary", keyEncoding: "binary" } as const;
      const root = open<Uint8Array, Uint8Array>(folder.storePath, { ...binary, noSubdir: false });
      const rows = root.openDB<Uint8Array, Uint8Array>(table, binary);
      const [entry] = [...rows.getRange()];
      if (entry === undefined) throw new Error("expected a row");
      const bytes = Uint8Array.from(entry.value);
      bytes[position % bytes.length] = (bytes[position % bytes.length] ?? 0) ^ 1;
      await rows.put(entry.key, bytes);
      await root.close();
    };
    for (const [table, step] of [
      ["certificates", 97],
      ["heights", 13],
    ] as const) {
      for (let position = 0; position < 1000; position += step) {
        await flip(table, position);
        const damaged = await lmdbStoreIn(folder);
        await expect(damaged.certificateAt(901n, 5n)).rejects.toMatchObject({
          code: "row-corrupt",
        });
        await expect(damaged.newestCertificate(901n)).rejects.toMatchObject({
          code: "row-corrupt",
        });
        await damaged.stop();
        await flip(table, position);
      }
    }
    expect(await (await lmdbStoreIn(folder)).certificateAt(901n, 5n)).toEqual(certificate);
  });

  test("a row of an unknown shape is refused although its checksum holds", () => {
    const key = Buffer.from("key");
    const document = { ...encodeCertificate(certificateFor(claimAt(5n))), extra: 1 };
    const bytes = sealRow(key, document);
    expect(() => openRow(certificateSchema, { key, bytes })).toThrow(
      expect.objectContaining({ code: "row-corrupt" }),
    );
  });
});

import { claimDigest, setUpdateDigest } from "@mach/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { importRecord } from "../../src/signer/import-record.ts";
import {
  encodeInterchange,
  exportRecord,
  type ProtectionInterchange,
  parseInterchange,
} from "../../src/signer/interchange.ts";
import { createSigner } from "../../src/signer/local-signer.ts";
import { createMemoryProtection } from "../../src/signer/memory-protection.ts";
import type { ProtectionRecord, RecordedClaim, RecordOrigin } from "../../src/signer/protection.ts";
import {
  claimAt,
  createTestKey,
  hashOf,
  IDENTITY,
  NO_BLS,
  NOW_MS,
  requestFor,
} from "./test-claims.ts";
import { lockedFolder, recordIn } from "./test-folders.ts";

const { domain } = IDENTITY;
const RELEASE: RecordedClaim["release"] = {
  kind: "l1-finalised-block",
  block: { blockNumber: 11n, blockHash: hashOf("block 11"), timestamp: 5n },
};

function recorded(
  height: bigint,
  change: Parameters<typeof claimAt>[1] = {},
  release: RecordedClaim["release"] = null,
): RecordedClaim {
  const claim = claimAt(height, change);
  return { claim, digest: claimDigest(domain, claim), release };
}

function setUpdate(epoch: bigint, name = "a set") {
  const update = { epoch, operatorSetHash: hashOf(name) };
  return { ...update, digest: setUpdateDigest(domain, update) };
}

function filled(record: ProtectionRecord): ProtectionRecord {
  record.commit((writer) => {
    writer.insert(recorded(10n));
    writer.insert(recorded(11n));
    writer.insert(recorded(12n, {}, RELEASE));
    writer.insert(recorded(13n));
    writer.insert(recorded(7n, { rollupId: 902n }));
    writer.keepSignature(claimAt(13n), new Uint8Array(192));
    writer.insertSetUpdate(setUpdate(4n));
    writer.insertSetUpdate(setUpdate(5n));
    writer.keepCeiling(903n, 77n);
    writer.keepBindingSequence(9n);
  });
  return record;
}

const RECORDS: Readonly<Record<string, (origin?: RecordOrigin) => Promise<ProtectionRecord>>> = {
  memory: async (origin) => createMemoryProtection(IDENTITY, origin),
  lmdb: async (origin) => {
    const record = await recordIn(await lockedFolder(), IDENTITY, origin);
    onTestFinished(() => record.close());
    return record;
  },
};

function heights({ claims }: ProtectionInterchange): readonly string[] {
  return claims.map(({ claim }) => `${claim.rollupId}/${claim.blockNumber}`);
}

function roundTrip(record: ProtectionRecord): ProtectionInterchange {
  const text = JSON.stringify(encodeInterchange(exportRecord(record)));
  const parsed = parseInterchange(JSON.parse(text));
  if (!parsed.ok) throw new Error(parsed.path);
  return parsed.value;
}

describe.each(Object.entries(RECORDS))("a record in %s", (_, createRecord) => {
  test("exports its highest claims, those with a release, and its set updates", async () => {
    const exported = roundTrip(filled(await createRecord()));
    expect(heights(exported)).toEqual(["901/12", "901/13", "902/7"]);
    expect(exported).toMatchObject({
      ...IDENTITY,
      origin: "never-signed",
      bindingSequence: 9n,
      ceilings: [{ rollupId: 903n, blockNumber: 77n }],
      claims: [{ release: RELEASE }, { release: null }, { release: null }],
      setUpdates: [setUpdate(4n), setUpdate(5n)],
    });
  });

  test("that takes an export signs only above it, and gives the same export", async () => {
    const exported = roundTrip(filled(await createRecord()));
    const record = await createRecord();
    expect(importRecord(record, exported)).toEqual({
      ok: true,
      counts: { claims: 3, setUpdates: 2, conflicts: 0 },
    });
    expect(roundTrip(record)).toEqual(exported);
    expect(importRecord(record, exported)).toEqual({
      ok: true,
      counts: { claims: 0, setUpdates: 0, conflicts: 0 },
    });
    const signer = createSigner(
      {
        protection: record,
        key: createTestKey(),
        bls: NO_BLS,
        onFatal: (error) => expect.fail(String(error)),
        now: () => 0,
      },
      { maxAheadBlocks: 0n, maxQueued: 10 },
    );
    const fork = claimAt(13n, { blockHash: hashOf("fork") });
    for (const claim of [claimAt(9n), claimAt(11n), fork]) {
      expect(await signer.sign(requestFor(claim))).toMatchObject({ code: "height-not-above-last" });
    }
    expect(await signer.sign(requestFor(claimAt(13n)))).toMatchObject({ ok: true });
    const other = { ...IDENTITY, epoch: 5n, operatorSetHash: hashOf("another set") };
    expect(await signer.signSetUpdate(other)).toMatchObject({ code: "another-hash-signed" });
  });

  test("is never lowered, and keeps its own where both signed", async () => {
    const exported = roundTrip(filled(await createRecord()));
    const record = await createRecord();
    record.commit((writer) => {
      writer.insert(recorded(12n, { blockHash: hashOf("fork") }));
      writer.insert(recorded(20n));
      writer.insertSetUpdate(setUpdate(5n, "another set"));
      writer.keepCeiling(903n, 80n);
      writer.keepBindingSequence(12n);
    });
    expect(importRecord(record, exported)).toEqual({
      ok: true,
      counts: { claims: 2, setUpdates: 1, conflicts: 2 },
    });
    expect(record.newest(901n)?.claim).toEqual(claimAt(20n));
    expect(record.at(claimAt(12n))?.claim.blockHash).toBe(hashOf("fork"));
    expect(roundTrip(record)).toMatchObject({
      bindingSequence: 12n,
      ceilings: [{ rollupId: 903n, blockNumber: 80n }],
      setUpdates: [{ epoch: 4n }, { epoch: 5n, operatorSetHash: hashOf("another set") }],
    });
  });

  test("takes nothing of an export that it cannot hold", async () => {
    const exported = roundTrip(filled(await createRecord()));
    const record = await createRecord();
    record.commit((writer) => writer.insert(recorded(12n, { epoch: 4n })));
    const before = roundTrip(record);
    expect(importRecord(record, exported)).toEqual({ ok: false, code: "epochs-cross" });
    const { operator } = IDENTITY;
    const elsewhere = { ...exported, domain: { ...domain, chainId: 1n } };
    expect(importRecord(record, elsewhere)).toEqual({ ok: false, code: "wrong-domain" });
    const stranger = { ...exported, operator: operator.replace("a1", "a2") as typeof operator };
    expect(importRecord(record, stranger)).toEqual({ ok: false, code: "wrong-operator" });
    const lost = { ...exported, origin: "record-lost" } as const;
    expect(importRecord(record, lost)).toEqual({ ok: false, code: "record-was-lost" });
    expect(roundTrip(record)).toEqual(before);
  });

  test("that was lost waits on, whatever an old export brings", async () => {
    const record = await createRecord("record-lost");
    importRecord(record, roundTrip(filled(await createRecord())));
    const signer = createSigner(
      {
        protection: record,
        key: createTestKey(),
        bls: NO_BLS,
        onFatal: (error) => expect.fail(String(error)),
        now: () => NOW_MS,
      },
      { maxAheadBlocks: 100n, maxQueued: 10 },
    );
    expect(await signer.sign(requestFor(claimAt(14n)))).toEqual({
      ok: false,
      code: "waiting-for-finality",
    });
  });
});

test("an export whose digests or shape are wrong is refused", () => {
  const exported = exportRecord(filled(createMemoryProtection(IDENTITY)));
  const document = encodeInterchange(exported) as Record<string, unknown>;
  const parse = (change: object) => parseInterchange({ ...document, ...change });
  expect(parse({})).toMatchObject({ ok: true });
  expect(parse({ version: 2 })).toMatchObject({ ok: false, path: "version" });
  expect(parse({ extra: 1 })).toMatchObject({ ok: false });
  expect(parse({ bindingSequence: 9 })).toMatchObject({ ok: false, path: "bindingSequence" });
  expect(parseInterchange(null)).toMatchObject({ ok: false });
  const claims = exported.claims.map((each) => ({ ...each, digest: hashOf("other") }));
  const wrong = encodeInterchange({ ...exported, claims });
  expect(parseInterchange(wrong)).toEqual({ ok: false, path: "claims.0.digest" });
  const setUpdates = [{ ...setUpdate(4n), digest: hashOf("other") }];
  const wrongUpdate = encodeInterchange({ ...exported, setUpdates });
  expect(parseInterchange(wrongUpdate)).toEqual({ ok: false, path: "setUpdates.0.digest" });
});

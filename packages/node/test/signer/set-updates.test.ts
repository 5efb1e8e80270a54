import { type Hex, setUpdateDigest } from "@mach/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSigner } from "../../src/signer/local-signer.ts";
import { createMemoryProtection } from "../../src/signer/memory-protection.ts";
import type { ProtectionRecord, ProtectionWriter } from "../../src/signer/protection.ts";
import type { SetUpdateRequest, Signer } from "../../src/signer/signer.ts";
import {
  claimAt,
  createTestKey,
  hashOf,
  IDENTITY,
  NO_BLS,
  NOW_MS,
  requestFor,
} from "./test-claims.ts";
import { lockedFolder, recordIn, temporaryPath } from "./test-folders.ts";

const RECORDS: Readonly<Record<string, () => Promise<ProtectionRecord>>> = {
  memory: async () => createMemoryProtection(IDENTITY),
  lmdb: async () => recordIn(await lockedFolder()),
};

function signerOn(
  protection: ProtectionRecord,
  key = createTestKey(),
): { readonly signer: Signer; readonly fatal: unknown[]; readonly key: typeof key } {
  const fatal: unknown[] = [];
  const onFatal = (error: unknown): void => void fatal.push(error);
  const options = { maxAheadBlocks: 100n, maxQueued: 100 };
  const signer = createSigner(
    { protection, key, bls: NO_BLS, onFatal, now: () => NOW_MS },
    options,
  );
  onTestFinished(() => signer.stop());
  return { signer, fatal, key };
}

function updateOf(epoch: bigint, change: Partial<SetUpdateRequest> = {}): SetUpdateRequest {
  return { ...IDENTITY, epoch, operatorSetHash: hashOf(`set ${epoch}`), ...change };
}

describe.each(Object.entries(RECORDS))("set updates on a record in %s", (_, createRecord) => {
  test("the signer computes the digest, and gives the same bytes again", async () => {
    const { signer, key } = signerOn(await createRecord());
    const { epoch, operatorSetHash } = updateOf(5n);
    const digest = setUpdateDigest(IDENTITY.domain, { epoch, operatorSetHash });
    const { compressed, uncompressed } = await createTestKey().sign(digest);

    const first = await signer.signSetUpdate(updateOf(5n));
    const again = await signer.signSetUpdate(updateOf(5n));

    const signed = { epoch, operatorSetHash, digest, compressed, uncompressed };
    expect([first, again]).toEqual([
      { ok: true, signed },
      { ok: true, signed },
    ]);
    expect(key.signed).toEqual([digest]);
  });

  test("one hash per epoch is signed, for ever; other epochs in any order", async () => {
    const { signer, key } = signerOn(await createRecord());
    await signer.signSetUpdate(updateOf(5n));

    const other = await signer.signSetUpdate(updateOf(5n, { operatorSetHash: hashOf("other") }));
    const earlier = await signer.signSetUpdate(updateOf(4n));

    expect(other).toEqual({ ok: false, code: "another-hash-signed" });
    expect(earlier.ok).toBe(true);
    expect(key.signed).toHaveLength(2);
  });

  test.each<[string, Partial<SetUpdateRequest>, string]>([
    ["network", { domain: { ...IDENTITY.domain, chainId: 1n } }, "wrong-domain"],
    ["operator", { operator: `0x${"b2".repeat(20)}` }, "wrong-operator"],
    ["epoch without a predecessor", { epoch: 0n }, "malformed-update"],
    ["epoch beyond 64 bits", { epoch: 2n ** 64n }, "malformed-update"],
    ["hash", { operatorSetHash: "0x12" as Hex }, "malformed-update"],
    ["update that is of no use any more", { isStillWanted: () => false }, "no-longer-wanted"],
  ])("a foreign or illegal %s is refused, and leaves no record", async (_what, change, code) => {
    const { signer, key } = signerOn(await createRecord());
    expect(await signer.signSetUpdate(updateOf(5n, change))).toEqual({ ok: false, code });
    expect(key.signed).toEqual([]);
    expect((await signer.signSetUpdate(updateOf(5n))).ok).toBe(true);
  });

  test("what a key did not sign is recorded, and may be asked for again, not changed", async () => {
    const protection = await createRecord();
    let isAway = true;
    const working = createTestKey();
    const key = {
      signed: working.signed,
      sign: (message: Hex) => {
        if (isAway) throw new Error("away");
        return working.sign(message);
      },
    };
    const { signer } = signerOn(protection, key);

    expect(await signer.signSetUpdate(updateOf(5n))).toEqual({ ok: false, code: "key-failed" });
    isAway = false;
    const other = await signer.signSetUpdate(updateOf(5n, { operatorSetHash: hashOf("other") }));
    const again = await signer.signSetUpdate(updateOf(5n));

    expect(other).toEqual({ ok: false, code: "another-hash-signed" });
    expect(again.ok).toBe(true);
  });

  test("set updates and claims share nothing but the signer", async () => {
    const { signer } = signerOn(await createRecord());
    expect((await signer.signSetUpdate(updateOf(5n))).ok).toBe(true);
    expect((await signer.sign(requestFor(claimAt(5n)))).ok).toBe(true);
    expect((await signer.lastSigned(901n))?.claim.blockNumber).toBe(5n);
    expect(await signer.lastSigned(5n)).toBeNull();
  });

  test("a record that cannot be written ends the signer, and nothing is signed", async () => {
    const protection = await createRecord();
    const failing: ProtectionRecord = {
      ...protection,
      commit: <T>(change: (writer: ProtectionWriter) => T): T =>
        protection.commit((writer) => {
          change(writer);
          throw new Error("the disk is full");
        }),
    };
    const { signer, fatal, key } = signerOn(failing);

    expect(await signer.signSetUpdate(updateOf(5n))).toEqual({ ok: false, code: "not-persisted" });
    expect(await signer.signSetUpdate(updateOf(6n))).toEqual({ ok: false, code: "not-persisted" });
    expect([key.signed, fatal.length]).toEqual([[], 1]);
    expect(protection.commit((writer) => writer.setUpdateOf(5n))).toBeNull();
  });
});

describe("set updates after a restart", () => {
  test("the kept signature is given again, byte for byte, without the key", async () => {
    const path = await temporaryPath();
    const folder = await lockedFolder(path);
    const before = signerOn(await recordIn(folder));
    const first = await before.signer.signSetUpdate(updateOf(5n));
    await before.signer.stop();
    await folder.release();

    const after = signerOn(await recordIn(await lockedFolder(path)), createTestKey("another key"));

    expect(await after.signer.signSetUpdate(updateOf(5n))).toEqual(first);
    expect(after.key.signed).toEqual([]);
    const other = updateOf(5n, { operatorSetHash: hashOf("other") });
    expect(await after.signer.signSetUpdate(other)).toMatchObject({ code: "another-hash-signed" });
  });

  test("a process that ended between record and signature signs the same, and no other", async () => {
    const path = await temporaryPath();
    const folder = await lockedFolder(path);
    const protection = await recordIn(folder);
    const { epoch, operatorSetHash } = updateOf(5n);
    const digest = setUpdateDigest(IDENTITY.domain, { epoch, operatorSetHash });
    protection.commit((writer) => writer.insertSetUpdate({ epoch, operatorSetHash, digest }));
    await protection.close();
    await folder.release();

    const { signer } = signerOn(await recordIn(await lockedFolder(path)));

    const other = updateOf(5n, { operatorSetHash: hashOf("other") });
    expect(await signer.signSetUpdate(other)).toMatchObject({ code: "another-hash-signed" });
    expect(await signer.signSetUpdate(updateOf(5n))).toMatchObject({ ok: true });
  });

  test("an operator whose record was lost signs what L1 has finalised, without waiting", async () => {
    const record = await recordIn(await lockedFolder(), IDENTITY, "record-lost");
    const { signer } = signerOn(record);
    expect((await signer.signSetUpdate(updateOf(5n))).ok).toBe(true);
  });
});

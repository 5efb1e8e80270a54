import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { open } from "lmdb";
import { expect, test } from "vitest";
import type { DataFolder } from "../../src/data-folder.ts";
import { createSigner } from "../../src/signer/local-signer.ts";
import { initialiseProtection, openProtection } from "../../src/signer/open-protection.ts";
import type { ProtectionRecord } from "../../src/signer/protection.ts";
import type { Signer } from "../../src/signer/signer.ts";
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

function signerOn(protection: ProtectionRecord): Signer {
  return createSigner(
    {
      protection,
      key: createTestKey(),
      bls: NO_BLS,
      onFatal: (error) => expect.fail(String(error)),
      now: () => NOW_MS,
    },
    { maxAheadBlocks: 0n, maxQueued: 10 },
  );
}

async function signIn(folder: DataFolder, height: bigint): Promise<void> {
  const signer = signerOn(await recordIn(folder));
  expect(await signer.sign(requestFor(claimAt(height)))).toMatchObject({ ok: true });
  await signer.stop();
}

test("a folder has no record until one is initialised, and then one for good", async () => {
  const folder = await lockedFolder();
  expect(await openProtection(folder, IDENTITY)).toEqual({
    ok: false,
    code: "protection-not-initialised",
  });
  expect(existsSync(folder.protectionPath)).toBe(false);
  expect(await initialiseProtection(folder, IDENTITY, "never-signed")).toEqual({ ok: true });
  expect(await initialiseProtection(folder, IDENTITY, "never-signed")).toEqual({
    ok: false,
    code: "protection-already-initialised",
  });
  const opened = await openProtection(folder, IDENTITY);
  expect(opened).toMatchObject({ ok: true, protection: { identity: IDENTITY } });
  if (opened.ok) await opened.protection.close();
});

test("a restart keeps heights, claims, signatures and the sequence of bindings", async () => {
  const folder = await lockedFolder();
  const first = signerOn(await recordIn(folder));
  const block = { blockNumber: 9n, blockHash: hashOf("final"), timestamp: 1n };
  const release = { kind: "l1-finalised-block", block } as const;
  const signed = await first.sign(requestFor(claimAt(10n), { release }));
  await first.signPeerBinding({ peerId: "0x0024", expiry: 1n });
  await first.sign(requestFor(claimAt(11n)));
  const record = await first.signedAt(901n, 10n);
  const last = await first.lastSigned(901n);
  await first.stop();

  const second = signerOn(await recordIn(folder));
  expect(last?.signature).toHaveLength(192);
  expect(await second.lastSigned(901n)).toEqual(last);
  expect(await second.signedAt(901n, 10n)).toEqual(record);
  expect(await second.sign(requestFor(claimAt(10n)))).toEqual(signed);
  const other = claimAt(11n, { stateRoot: hashOf("other") });
  expect(await second.sign(requestFor(other))).toMatchObject({ code: "height-not-above-last" });
  expect(await second.sign(requestFor(claimAt(12n, { epoch: 2n })))).toMatchObject({
    code: "epoch-below-last",
  });
  expect(await second.signPeerBinding({ peerId: "0x0024", expiry: 1n })).toMatchObject({
    binding: { sequence: BigInt(NOW_MS) + 1n },
  });
  await second.stop();
});

test("a record of another network or operator is refused", async () => {
  const folder = await lockedFolder();
  await signIn(folder, 10n);
  const domain = { ...IDENTITY.domain, chainId: 1n };
  expect(await openProtection(folder, { ...IDENTITY, domain })).toEqual({
    ok: false,
    code: "wrong-domain",
  });
  expect(await openProtection(folder, { ...IDENTITY, operator: `0x${"a2".repeat(20)}` })).toEqual({
    ok: false,
    code: "wrong-operator",
  });
});

test("a marked folder whose database is gone is refused, and not initialised again", async () => {
  const folder = await lockedFolder();
  await signIn(folder, 10n);
  await rm(folder.protectionPath, { recursive: true });
  const missing = { ok: false, code: "protection-missing" };
  expect(await openProtection(folder, IDENTITY)).toEqual(missing);
  expect(await initialiseProtection(folder, IDENTITY, "never-signed")).toEqual(missing);
  expect(existsSync(folder.protectionPath)).toBe(false);
  await writeFile(folder.protectionMarkerPath, "{}");
  expect(await initialiseProtection(folder, IDENTITY, "never-signed")).toEqual(missing);
});

test("an empty file is no database", async () => {
  const folder = await lockedFolder();
  await mkdir(folder.protectionPath);
  await writeFile(join(folder.protectionPath, "data.mdb"), "");
  expect(await initialiseProtection(folder, IDENTITY, "never-signed")).toEqual({ ok: true });
  await writeFile(join(folder.protectionPath, "data.mdb"), "");
  expect(await openProtection(folder, IDENTITY)).toEqual({
    ok: false,
    code: "protection-missing",
  });
});

test("an emptied database is refused although the folder is marked", async () => {
  const folder = await lockedFolder();
  await signIn(folder, 10n);
  const other = await lockedFolder();
  const root = open({ path: other.protectionPath, noSubdir: false });
  await root.close();
  await rm(folder.protectionPath, { recursive: true });
  await rename(other.protectionPath, folder.protectionPath);
  expect(await openProtection(folder, IDENTITY)).toEqual({
    ok: false,
    code: "protection-missing",
  });
});

test("initialising where only the marker is gone keeps the record", async () => {
  const folder = await lockedFolder();
  await signIn(folder, 10n);
  await rm(folder.protectionMarkerPath);
  expect(await openProtection(folder, IDENTITY)).toMatchObject({
    code: "protection-not-initialised",
  });
  const stranger = { ...IDENTITY, operator: `0x${"a2".repeat(20)}` } as const;
  expect(await initialiseProtection(folder, stranger, "never-signed")).toMatchObject({
    code: "wrong-operator",
  });
  expect(await initialiseProtection(folder, IDENTITY, "never-signed")).toEqual({ ok: true });
  const signer = signerOn(await recordIn(folder));
  expect((await signer.lastSigned(901n))?.claim).toEqual(claimAt(10n));
  await signer.stop();
});

test("a damaged marker or database is refused", async () => {
  const folder = await lockedFolder();
  await signIn(folder, 10n);
  const corrupt = { ok: false, code: "protection-corrupt" };
  const marker = await readFile(folder.protectionMarkerPath, "utf8");
  for (const text of ["", "{", "{}", marker.replace('"version": 1', '"version": 2')]) {
    await writeFile(folder.protectionMarkerPath, text);
    expect(await openProtection(folder, IDENTITY)).toEqual(corrupt);
  }
  await writeFile(folder.protectionMarkerPath, marker);
  for (const text of ["short", "no database".repeat(1000)]) {
    await writeFile(join(folder.protectionPath, "data.mdb"), text);
    expect(await openProtection(folder, IDENTITY)).toEqual(corrupt);
    expect(await initialiseProtection(folder, IDENTITY, "never-signed")).toEqual(corrupt);
  }
});

test("a flipped byte in the newest row is refused at once", async () => {
  const folder = await lockedFolder();
  for (let position = 0; position < 700; position += 61) {
    await rm(folder.protectionPath, { recursive: true, force: true });
    await rm(folder.protectionMarkerPath, { force: true });
    await rm(folder.protectionWatermarkPath, { force: true });
    await signIn(folder, 10n);
    const binary = { encoding: "binary", keyEncoding: "binary" } as const;
    const path = folder.protectionPath;
    const rows = open<Uint8Array, Uint8Array>(path, { ...binary, noSubdir: false });
    const entry = [...rows.getRange()].find(({ key }) => key.length === 49 && key[48] === 0);
    if (entry === undefined) throw new Error("expected a claim's row");
    const bytes = Uint8Array.from(entry.value);
    bytes[position % bytes.length] = (bytes[position % bytes.length] ?? 0) ^ 1;
    await rows.put(entry.key, bytes);
    await rows.close();

    expect(await openProtection(folder, IDENTITY)).toEqual({
      ok: false,
      code: "protection-corrupt",
    });
  }
});

test("a slot that is taken is never written again", async () => {
  const protection = await recordIn(await lockedFolder());
  const record = { claim: claimAt(10n), digest: hashOf("digest"), release: null };
  protection.commit((writer) => writer.insert(record));
  expect(() =>
    protection.commit((writer) => {
      writer.keepBindingSequence(99n);
      writer.insert({ ...record, digest: hashOf("other") });
    }),
  ).toThrow(expect.objectContaining({ code: "slot-taken" }));
  expect(protection.at(record.claim)?.digest).toBe(hashOf("digest"));
  expect(protection.commit((writer) => writer.bindingSequence())).toBe(0n);
  await protection.close();
});

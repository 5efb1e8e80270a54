import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { claimDigest } from "@mach/core";
import { expect, it } from "vitest";
import { openDataFolder } from "../../src/data-folder.ts";
import { parseInterchange } from "../../src/signer/interchange.ts";
import { createSigner } from "../../src/signer/local-signer.ts";
import { openProtection } from "../../src/signer/open-protection.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { storeOptions } from "../../src/store/store.ts";
import { claimAt, IDENTITY, NO_BLS, NOW_MS, requestFor } from "../signer/test-claims.ts";
import { lockedFolder, recordIn, temporaryPath } from "../signer/test-folders.ts";
import { mach, machJson } from "./cli-runs.ts";

const { domain, operator } = IDENTITY;

async function prepare(change: object = { operator: { address: operator, secretKeyFile: "k" } }) {
  const path = await temporaryPath();
  const configFile = join(path, "node.json");
  const config = {
    dataDir: "data",
    network: { chainId: Number(domain.chainId), registry: domain.verifyingContract },
    l1: { rpcUrls: ["http://127.0.0.1:1"] },
    rollups: [{ rollupId: 901, rpcUrls: ["http://127.0.0.1:1"] }],
    ...change,
  };
  await writeFile(configFile, JSON.stringify(config));
  return { configFile, dataDir: join(path, "data"), out: join(path, "backup") };
}

type Prepared = Awaited<ReturnType<typeof prepare>>;

/** A data folder as a node leaves it, whose operator has signed up to this height. */
async function fill({ dataDir }: Prepared, height: bigint): Promise<void> {
  const folder = await lockedFolder(dataDir);
  const record = await recordIn(folder, IDENTITY, "record-lost");
  const claim = claimAt(height);
  record.commit((writer) => {
    writer.insert({ claim, digest: claimDigest(domain, claim), release: null });
    writer.keepCeiling(901n, 5n);
  });
  await record.covered();
  await record.close();
  const store = await openLmdbStore(folder, storeOptions(domain));
  if (!store.ok) throw new Error(store.code);
  await store.store.stop();
  await writeFile(join(dataDir, "peer.key"), "key", { mode: 0o600 });
  await mkdir(join(dataDir, "journal"));
  await folder.release();
}

const backUp = ({ configFile, out }: Prepared): Promise<unknown> =>
  machJson("backup", "--config", configFile, "--out", out);

it("copies what can be restored, and never the signing record", async () => {
  const prepared = await prepare();
  await fill(prepared, 10n);
  const files = ["node.json", "store", "peer.key", "signing-record.json", "README.txt"];
  expect(await backUp(prepared)).toEqual({ exitCode: 0, folder: prepared.out, files });
  expect((await readdir(prepared.out)).toSorted()).toEqual(files.toSorted());
  expect(await readdir(join(prepared.out, "store"))).toEqual(["data.mdb"]);
  for (const name of [".", "node.json", "peer.key", "signing-record.json"]) {
    expect((await stat(join(prepared.out, name))).mode & 0o077, name).toBe(0);
  }
  expect(await backUp(prepared)).toEqual({ exitCode: 1, code: "folder-exists" });
});

it("gives a store that opens as it was", async () => {
  const [prepared, next] = [await prepare(), await prepare()];
  await fill(prepared, 10n);
  await backUp(prepared);
  const folder = await lockedFolder(next.dataDir);
  await mkdir(folder.storePath);
  const copied = await readFile(join(prepared.out, "store", "data.mdb"));
  await writeFile(join(folder.storePath, "data.mdb"), copied);
  const store = await openLmdbStore(folder, storeOptions(domain));
  expect(store.ok).toBe(true);
  if (store.ok) await store.store.stop();
});

it("exports a record that signs nothing for long once it is imported, whatever it was", async () => {
  const [prepared, next] = [await prepare(), await prepare()];
  await fill(prepared, 10n);
  await backUp(prepared);
  const file = join(prepared.out, "signing-record.json");
  const json = JSON.parse(await readFile(file, "utf8")) as { warning: string };
  expect(Object.keys(json)[0]).toBe("warning");
  const parsed = parseInterchange(json);
  expect(parsed).toMatchObject({ ok: true, value: { origin: "record-lost", ceilings: [] } });

  const taken = await machJson("protection", "import", file, "--config", next.configFile);
  expect(taken).toMatchObject({ exitCode: 0, claims: 1 });
  const opened = await openDataFolder(next.dataDir);
  if (!opened.ok) throw new Error(opened.code);
  const record = await openProtection(opened.folder, IDENTITY);
  if (!record.ok) throw new Error(record.code);
  expect(record.isInPlace).toBe(false);
  const onFatal = (error: unknown): void => {
    throw error;
  };
  const key = { sign: () => Promise.reject(new Error("nothing may be signed")) };
  const signer = createSigner(
    { protection: record.protection, key, bls: NO_BLS, onFatal, now: () => NOW_MS },
    { maxAheadBlocks: 4_096n, maxQueued: 8 },
  );
  // Signed after the backup, for all that this record knows.
  const result = await signer.sign(requestFor(claimAt(11n)));
  expect(result).toMatchObject({ ok: false, code: "waiting-for-finality" });
  await signer.stop();
  await opened.folder.release();
});

it("needs no record for an observer, and no store before the first start", async () => {
  const prepared = await prepare({});
  expect(await backUp(prepared)).toEqual({ exitCode: 1, code: "no-data-folder" });
  await mkdir(prepared.dataDir);
  const files = ["node.json", "README.txt"];
  expect(await backUp(prepared)).toEqual({ exitCode: 0, folder: prepared.out, files });
});

it("copies nothing beside a node that runs, and of a record that is damaged", async () => {
  const prepared = await prepare();
  await fill(prepared, 10n);
  const held = await lockedFolder(prepared.dataDir);
  expect(await backUp(prepared)).toEqual({ exitCode: 1, code: "folder-locked" });
  await held.release();
  await writeFile(join(prepared.dataDir, "protection.watermark"), "damage");
  expect(await backUp(prepared)).toEqual({ exitCode: 1, code: "protection-corrupt" });
  await expect(stat(prepared.out)).rejects.toThrow();
});

it("refuses wrong usage", async () => {
  expect((await mach("backup", "--config", "node.yaml")).exitCode).toBe(2);
});

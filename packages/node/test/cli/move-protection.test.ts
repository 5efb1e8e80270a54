import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { claimDigest } from "@mach/core";
import { describe, expect, it } from "vitest";
import { openDataFolder } from "../../src/data-folder.ts";
import { openProtection } from "../../src/signer/open-protection.ts";
import { claimAt, hashOf, IDENTITY } from "../signer/test-claims.ts";
import { lockedFolder, recordIn, temporaryPath } from "../signer/test-folders.ts";
import { mach, machJson } from "./cli-runs.ts";

const { domain, operator } = IDENTITY;

async function prepare(address: string = operator) {
  const path = await temporaryPath();
  const configFile = join(path, "node.json");
  const config = {
    dataDir: "data",
    network: { chainId: Number(domain.chainId), registry: domain.verifyingContract },
    l1: { rpcUrls: ["http://127.0.0.1:1"] },
    rollups: [{ rollupId: 902, rpcUrls: ["http://127.0.0.1:1"] }],
    operator: { address, secretKeyFile: "bls.key" },
  };
  await writeFile(configFile, JSON.stringify(config));
  return { path, configFile, dataDir: join(path, "data"), file: join(path, "export.json") };
}

async function signedTo(dataDir: string, height: bigint): Promise<void> {
  const folder = await lockedFolder(dataDir);
  const record = await recordIn(folder);
  const claim = claimAt(height);
  record.commit((writer) =>
    writer.insert({ claim, digest: claimDigest(domain, claim), release: null }),
  );
  await record.covered();
  await record.close();
  await folder.release();
}

async function lastHeight(dataDir: string): Promise<bigint | null> {
  const held = await openDataFolder(dataDir);
  if (!held.ok) throw new Error(held.code);
  const opened = await openProtection(held.folder, IDENTITY);
  if (!opened.ok) throw new Error(opened.code);
  const last = opened.protection.newest(901n)?.claim.blockNumber ?? null;
  await opened.protection.close();
  await held.folder.release();
  return last;
}

describe("mach protection export and import", () => {
  it("move a record into an empty folder, and raise one that is behind", async () => {
    const [old, next] = [await prepare(), await prepare()];
    await signedTo(old.dataDir, 10n);
    const { file } = old;
    const args = ["protection", "export", "--config", old.configFile, "--out", file];
    expect(await machJson(...args)).toEqual({ exitCode: 0, operator, file, claims: 1 });
    expect(await machJson(...args)).toEqual({ exitCode: 1, code: "file-exists" });

    const taken = { exitCode: 0, operator, claims: 1, setUpdates: 0, conflicts: 0 };
    const take = () => machJson("protection", "import", file, "--config", next.configFile);
    expect(await take()).toEqual(taken);
    expect(await lastHeight(next.dataDir)).toBe(10n);
    expect(await take()).toEqual({ ...taken, claims: 0 });

    await signedTo(next.dataDir, 12n);
    expect(await take()).toEqual({ ...taken, claims: 0 });
    expect(await lastHeight(next.dataDir)).toBe(12n);
  });

  it("say in words that two records disagree", async () => {
    const [old, next] = [await prepare(), await prepare()];
    await signedTo(old.dataDir, 10n);
    await mach("protection", "export", "--config", old.configFile, "--out", old.file);
    const document = JSON.parse(await readFile(old.file, "utf8"));
    const claim = claimAt(10n, { blockHash: hashOf("fork") });
    document.claims[0].claim.blockHash = claim.blockHash;
    document.claims[0].digest = claimDigest(domain, claim);
    await writeFile(old.file, JSON.stringify(document));
    await signedTo(next.dataDir, 10n);
    const run = await mach("protection", "import", old.file, "--config", next.configFile);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain("1 conflicts");
    expect(run.stderr).toContain("different signatures");
  });

  it("touch nothing that runs, is another's or is no export", async () => {
    const [old, next] = [await prepare(), await prepare()];
    await signedTo(old.dataDir, 10n);
    await mach("protection", "export", "--config", old.configFile, "--out", old.file);
    const stranger = await prepare(`0x${"a2".repeat(20)}`);
    const take = (file: string, configFile: string) =>
      machJson("protection", "import", file, "--config", configFile);
    expect(await take(old.file, stranger.configFile)).toEqual({
      exitCode: 1,
      code: "wrong-operator",
    });
    await writeFile(stranger.file, "{}");
    expect(await take(stranger.file, next.configFile)).toEqual({
      exitCode: 1,
      code: "malformed-export",
    });
    const held = await lockedFolder(old.dataDir);
    expect(await take(old.file, old.configFile)).toMatchObject({ code: "folder-locked" });
    const again = ["--config", old.configFile, "--out", stranger.file];
    expect(await machJson("protection", "export", ...again)).toMatchObject({
      code: "folder-locked",
    });
    await held.release();
    expect(
      await machJson("protection", "export", "--config", next.configFile, "--out", next.file),
    ).toMatchObject({ exitCode: 1, code: "protection-not-initialised" });
  });
});

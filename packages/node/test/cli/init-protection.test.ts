import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataFolder } from "../../src/data-folder.ts";
import { openProtection } from "../../src/signer/open-protection.ts";
import { IDENTITY } from "../signer/test-claims.ts";
import { temporaryPath } from "../signer/test-folders.ts";
import { mach, machJson } from "./cli-runs.ts";

const { domain, operator: address } = IDENTITY;

async function prepare(change: object = {}) {
  const folder = await temporaryPath();
  const config = {
    dataDir: "data",
    network: { chainId: Number(domain.chainId), registry: domain.verifyingContract },
    l1: { rpcUrls: ["http://127.0.0.1:1"] },
    rollups: [{ rollupId: 902, rpcUrls: ["http://127.0.0.1:1"] }],
    operator: { address, secretKeyFile: "bls.key" },
    ...change,
  };
  const configFile = join(folder, "node.json");
  await writeFile(configFile, JSON.stringify(config));
  return { folder, dataDir: join(folder, "data"), configFile };
}

const init = ({ configFile }: { readonly configFile: string }): Promise<unknown> =>
  machJson("protection", "init", "--config", configFile);

async function hold(dataDir: string) {
  const held = await openDataFolder(dataDir);
  if (!held.ok) throw new Error(held.code);
  return held.folder;
}

describe("mach protection init", () => {
  it("makes the operator's record, once", async () => {
    const prepared = await prepare();
    const { dataDir } = prepared;
    expect(await init(prepared)).toEqual({ exitCode: 0, operator: address, dataDir });
    const code = "protection-already-initialised";
    expect(await init(prepared)).toEqual({ exitCode: 1, code, dataDir });
    const folder = await hold(dataDir);
    const opened = await openProtection(folder, IDENTITY);
    if (!opened.ok) throw new Error(opened.code);
    expect(opened.protection.origin).toBe("record-lost");
    await opened.protection.close();
    await folder.release();
  });

  it("makes one that lets the operator sign at once only where that is asked for", async () => {
    const { configFile, dataDir } = await prepare();
    await machJson("protection", "init", "--new", "--config", configFile);
    const folder = await hold(dataDir);
    const opened = await openProtection(folder, IDENTITY);
    if (!opened.ok) throw new Error(opened.code);
    expect(opened.protection.origin).toBe("never-signed");
    await opened.protection.close();
    await folder.release();
  });

  it("never makes one anew where there was one", async () => {
    const prepared = await prepare();
    const { dataDir } = prepared;
    await init(prepared);
    await rm(join(dataDir, "protection"), { recursive: true });
    expect(await init(prepared)).toEqual({ exitCode: 1, code: "protection-missing", dataDir });
  });

  it("touches nothing in a folder that is in use, or cannot be made", async () => {
    const prepared = await prepare();
    const { dataDir, folder } = prepared;
    const held = await hold(dataDir);
    expect(await init(prepared)).toEqual({ exitCode: 1, code: "folder-locked", dataDir });
    await held.release();
    await writeFile(join(folder, "file"), "");
    const inFile = await prepare({ dataDir: join(folder, "file", "data") });
    expect(await init(inFile)).toMatchObject({ exitCode: 1, code: "folder-unusable" });
  });

  it("says in a sentence what it did", async () => {
    const { configFile, dataDir } = await prepare();
    const { stdout, stderr } = await mach("protection", "init", "--config", configFile);
    expect([stdout, stderr]).toEqual([
      `the signing record of ${address} stands in ${dataDir}\n`,
      "",
    ]);
  });

  it("is wrong usage without a configuration, a right one, and one with an operator", async () => {
    expect(await machJson("protection", "init")).toMatchObject({ exitCode: 2 });
    const observer = await prepare({ operator: undefined });
    expect(await init(observer)).toMatchObject({ exitCode: 2, code: "wrong-usage" });
    const wrong = await prepare({ network: {} });
    expect(await init(wrong)).toMatchObject({ exitCode: 2, code: "wrong-usage" });
  });
});

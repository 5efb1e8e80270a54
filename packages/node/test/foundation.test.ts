import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Hex } from "@mach/core";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadConfig, type NodeConfig } from "../src/config.ts";
import { openDataFolder } from "../src/data-folder.ts";
import { closeInOrder, type Foundation, openFoundation, openPayer } from "../src/foundation.ts";
import { openLmdbStore } from "../src/store/lmdb-store.ts";
import { storeOptions } from "../src/store/store.ts";
import { type FakeL1Options, startFakeL1 } from "./fake-l1.ts";
import { temporaryPath } from "./signer/test-folders.ts";

const REGISTRY: Hex = `0x${"5f".repeat(20)}`;
const logger = pino({ level: "silent" });

async function configFor(rpcUrl: string, flags: Record<string, string> = {}): Promise<NodeConfig> {
  const loaded = loadConfig({
    env: {},
    flags: {
      dataDir: await temporaryPath(),
      "network.chainId": "31337",
      "network.registry": REGISTRY,
      "l1.rpcUrls": `["${rpcUrl}"]`,
      rollups: '[{"rollupId":902,"rpcUrls":["http://127.0.0.1:1"]}]',
      ...flags,
    },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

async function open(
  options: FakeL1Options & { readonly flags?: Record<string, string> } = {},
): Promise<Foundation> {
  const l1 = await startFakeL1(options);
  const config = await configFor(l1.url, options.flags);
  const { signal } = new AbortController();
  const foundation = await openFoundation(config, { logger, signal });
  onTestFinished(() => foundation.close().catch(() => undefined));
  return foundation;
}

describe("the foundation", () => {
  it("has the network as L1 says it, and lets go of its folder when it is closed", async () => {
    const foundation = await open();
    expect(foundation.domain).toEqual({ chainId: 31_337n, verifyingContract: REGISTRY });
    expect(foundation.schedule.epochSeconds).toBe(60n);
    const { path } = foundation.folder;
    expect(await openDataFolder(path)).toMatchObject({ code: "folder-locked" });
    await foundation.close();
    const again = await openDataFolder(path);
    if (!again.ok) throw new Error(again.code);
    await again.folder.release();
  });

  it("keeps connections to L1 until it is closed", async () => {
    const l1 = await startFakeL1();
    const config = await configFor(l1.url);
    const { signal } = new AbortController();
    const foundation = await openFoundation(config, { logger, signal });
    expect(await l1.connections()).toBeGreaterThan(0);
    await foundation.close();
    await expect.poll(l1.connections).toBe(0);
  });

  it.each<[string, FakeL1Options, string]>([
    ["on another chain", { chainId: 1n }, "registry-unusable"],
    ["without sense", { answers: { "epochSeconds()": "0x00" } }, "registry-unusable"],
  ])("with a registry %s is refused, and leaves the folder free", async (_, options, code) => {
    const l1 = await startFakeL1(options);
    const config = await configFor(l1.url);
    const { signal } = new AbortController();
    const opening = openFoundation(config, { logger, signal });
    await expect(opening).rejects.toMatchObject({ name: "NodeError", code });
    await expect.poll(l1.connections).toBe(0);
    const free = await openDataFolder(config.dataDir);
    if (!free.ok) throw new Error(free.code);
    await free.folder.release();
  });

  it.each<[string, FakeL1Options]>([
    ["is silent", { isSilent: true }],
    ["knows no such contract yet", { answers: { "genesisTime()": "0x" } }],
  ])("waits for an L1 that %s, until it is called off", async (_, options) => {
    const l1 = await startFakeL1(options);
    const config = await configFor(l1.url);
    const calling = new AbortController();
    const opening = openFoundation(config, { logger, signal: calling.signal });
    const failed = expect(opening).rejects.toMatchObject({ name: "AbortError" });
    await expect.poll(l1.requests).toBeGreaterThan(0);
    calling.abort();
    await failed;
    const free = await openDataFolder(config.dataDir);
    if (!free.ok) throw new Error(free.code);
    await free.folder.release();
  });

  it("in a folder that is in use names the process that uses it", async () => {
    const foundation = await open();
    const l1 = await startFakeL1();
    const config = await configFor(l1.url, { dataDir: foundation.folder.path });
    const { signal } = new AbortController();
    const failure = await openFoundation(config, { logger, signal }).catch((e: unknown) => e);
    expect(failure).toMatchObject({ code: "data-folder-unusable" });
    expect((failure as Error).message).toContain(`${process.pid}`);
  });

  it("in a folder that cannot be made says so", async () => {
    const file = join(await temporaryPath(), "file");
    await writeFile(file, "");
    const opening = open({ flags: { dataDir: join(file, "data") } });
    await expect(opening).rejects.toMatchObject({ code: "data-folder-unusable" });
  });

  it("over another network's store says so", async () => {
    const dataDir = await temporaryPath();
    const held = await openDataFolder(dataDir);
    if (!held.ok) throw new Error(held.code);
    const domain = { chainId: 1n, verifyingContract: REGISTRY };
    const opened = await openLmdbStore(held.folder, storeOptions(domain));
    if (!opened.ok) throw new Error(opened.code);
    await opened.store.stop();
    await held.folder.release();
    const failure = await open({ flags: { dataDir } }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "data-folder-unusable" });
    expect((failure as Error).message).toContain("another network");
  });
});

describe("the payer", () => {
  async function payerOf(content: string | null, mode = 0o600) {
    const file = join(await temporaryPath(), "payer.key");
    if (content !== null) {
      await writeFile(file, content);
      await chmod(file, mode);
    }
    const config = await configFor("http://127.0.0.1:1", { "payer.privateKeyFile": file });
    return await openPayer(config, null);
  }

  it("is nobody where none is configured", async () => {
    expect(await openPayer(await configFor("http://127.0.0.1:1"), null)).toBeNull();
  });

  it("pays from the key in its file", async () => {
    expect(await payerOf(`0x${"11".repeat(32)}\n`)).toMatchObject({ operator: "0x00" });
  });

  it.each<[string, string | null, number]>([
    ["is missing", null, 0o600],
    ["others can read", `0x${"11".repeat(32)}`, 0o644],
    ["holds garbage", "hello", 0o600],
    ["holds no key", `0x${"00".repeat(32)}`, 0o600],
  ])("whose file %s is refused", async (_, content, mode) => {
    const failure = await payerOf(content, mode).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "NodeError", code: "secret-key-unusable" });
  });
});

it("what is closed in order is closed to the end, and the first failure told", async () => {
  const closed: number[] = [];
  const failure = new Error("first");
  const closing = closeInOrder([
    async () => void closed.push(1),
    async () => {
      throw failure;
    },
    async () => {
      throw new Error("second");
    },
    async () => void closed.push(4),
  ]);
  await expect(closing).rejects.toBe(failure);
  expect(closed).toEqual([1, 4]);
});

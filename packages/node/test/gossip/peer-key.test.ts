import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadPeerKey } from "../../src/gossip/peer-key.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mach-peer-key-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("a missing key is made for the owner's eyes alone, and kept", async () => {
  const dataDir = join(folder, "data");
  const made = await loadPeerKey(dataDir);
  const read = await loadPeerKey(dataDir);
  expect(read.peerId).toBe(made.peerId);
  expect((await stat(join(dataDir, "peer.key"))).mode & 0o777).toBe(0o600);
  expect(await readdir(dataDir)).toEqual(["peer.key"]);
});

it("two that make it at once end with the same key", async () => {
  const keys = await Promise.all([loadPeerKey(folder), loadPeerKey(folder), loadPeerKey(folder)]);
  expect(new Set(keys.map((key) => key.peerId)).size).toBe(1);
});

it("a file that holds no key is refused, and not replaced", async () => {
  await writeFile(join(folder, "peer.key"), "no key");
  await expect(loadPeerKey(folder)).rejects.toMatchObject({ code: "bad-peer-key" });
});

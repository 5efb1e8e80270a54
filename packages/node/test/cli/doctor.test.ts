import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const folder = documentFolder();
const CONFIG = {
  dataDir: "data",
  network: { chainId: "31337", registry: `0x${"5f".repeat(20)}` },
  l1: { rpcUrls: ["http://user:secret@127.0.0.1:9/key-of-a-provider"] },
  rollups: [{ rollupId: "901", rpcUrls: ["http://127.0.0.1:9"] }],
  gossip: { port: "0" },
};

it("fails where nothing answers, touches nothing, and keeps the secrets of URLs", async () => {
  const file = folder.write("node.json", CONFIG);
  const answer = await machJson("doctor", "--config", file, "--no-env");
  expect(answer).toMatchObject({ exitCode: 1, ok: false, failed: 2 });
  const { findings } = answer as { findings: readonly { level: string; check: string }[] };
  const failed = findings.filter(({ level }) => level === "fail").map(({ check }) => check);
  expect(failed).toEqual(["L1 endpoint", "rollup"]);
  expect(existsSync(join(folder.path, "data"))).toBe(false);
  expect(JSON.stringify(answer)).not.toMatch(/secret@|key-of-a-provider/);
});

it("names each line, what was found, and what to do", async () => {
  const file = folder.write("node.json", CONFIG);
  const { stdout, exitCode } = await mach("doctor", "--config", file);
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^fail {2}L1 endpoint 127\.0\.0\.1:9 +it does not serve \(unreachable\)/m);
  expect(stdout).toMatch(/^ +-> look at the host/m);
  expect(stdout).toMatch(/\d+ lines: 2 fail, \d+ warn\n$/);
});

it("takes a configuration that is wrong for wrong usage", async () => {
  const file = folder.write("wrong.json", { ...CONFIG, dataDir: "" });
  expect((await mach("doctor", "--config", file)).exitCode).toBe(2);
  expect((await mach("doctor", "--config", "nowhere.yaml")).exitCode).toBe(2);
});

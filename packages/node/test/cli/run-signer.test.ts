import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createNativeBls } from "@mach/bls";
import type { Hex } from "@mach/core";
import { expect, it, onTestFinished } from "vitest";
import { initialiseProtection } from "../../src/signer/open-protection.ts";
import { connectSigner, type RemoteSigner } from "../../src/signer/remote-signer.ts";
import { claimAt, IDENTITY, requestFor } from "../signer/test-claims.ts";
import { lockedFolder, temporaryPath } from "../signer/test-folders.ts";
import { mach } from "./cli-runs.ts";

const TOKEN: Hex = `0x${"7e".repeat(32)}`;
const CLI = new URL("../../src/cli.ts", import.meta.url).pathname;
const FLAGS = ["--conditions=@mach/source", "--import", "tsx"];
/** Processes of their own, on a machine that is busy. */
const LONG = { timeout: 120_000 };
const { domain, operator: address } = IDENTITY;

async function prepare() {
  const path = await temporaryPath();
  const configFile = join(path, "node.json");
  const tokenFile = join(path, "token");
  await writeFile(join(path, "bls.key"), `0x${"11".repeat(32)}`, { mode: 0o600 });
  await writeFile(tokenFile, TOKEN, { mode: 0o600 });
  const config = {
    dataDir: "data",
    network: { chainId: Number(domain.chainId), registry: domain.verifyingContract },
    l1: { rpcUrls: ["http://127.0.0.1:1"] },
    rollups: [{ rollupId: 902, rpcUrls: ["http://127.0.0.1:1"] }],
    operator: { address, secretKeyFile: "bls.key" },
  };
  await writeFile(configFile, JSON.stringify(config));
  const folder = await lockedFolder(join(path, "data"));
  await initialiseProtection(folder, IDENTITY, "never-signed");
  await folder.release();
  return ["signer", "run", "--config", configFile, "--token-file", tokenFile, "--port", "0"];
}

/** The command in a process of its own, in which no file may pass so many KiB. */
async function run(args: readonly string[], maxFileKiB: number) {
  const limited = `trap '' XFSZ; ulimit -f ${maxFileKiB}; exec "$0" "$@"`;
  const child = spawn("bash", ["-c", limited, process.execPath, ...FLAGS, CLI, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const ended = once(child, "exit");
  const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const options = { url, token: TOKEN, timeoutMs: 5_000 };
  const remote = await connectSigner({ bls: createNativeBls(), identity: IDENTITY }, options);
  return { child, ended, remote, stderr: () => stderr };
}

async function codeAt(remote: RemoteSigner, height: bigint): Promise<string> {
  const result = await remote.sign(requestFor(claimAt(height)));
  return result.ok ? "signed" : result.code;
}

it("signs until a signal ends it, and goes on from its record", LONG, async () => {
  const args = await prepare();
  const first = await run(args, 1_000_000);
  expect(await codeAt(first.remote, 10n)).toBe("signed");
  first.child.kill("SIGTERM");
  expect(await first.ended).toEqual([0, null]);
  const second = await run(args, 1_000_000);
  expect(await codeAt(second.remote, 9n)).toBe("height-not-above-last");
  expect(await second.remote.lastSigned(901n)).toEqual(claimAt(10n));
  expect(await codeAt(second.remote, 11n)).toBe("signed");
});

it("ends at once with a failure where the record cannot be written", LONG, async () => {
  const { remote, ended, stderr } = await run(await prepare(), 256);
  let height = 1n;
  let code = await codeAt(remote, height);
  for (; code === "signed"; code = await codeAt(remote, height)) height++;
  expect(height).toBeGreaterThan(1n);
  expect(await ended).toEqual([1, null]);
  expect(stderr()).toContain("cannot go on");
  expect(await codeAt(remote, height)).toBe("signer-unreachable");
});

it("refuses a folder without a record, and says what to do", async () => {
  const args = await prepare();
  const empty = await temporaryPath();
  const other = args.map((each) => (each.endsWith("node.json") ? join(empty, "node.json") : each));
  await writeFile(
    join(empty, "node.json"),
    JSON.stringify({
      dataDir: "data",
      network: { chainId: Number(domain.chainId), registry: domain.verifyingContract },
      l1: { rpcUrls: ["http://127.0.0.1:1"] },
      rollups: [{ rollupId: 902, rpcUrls: ["http://127.0.0.1:1"] }],
      operator: { address, secretKeyFile: join(args[3] ?? "", "..", "bls.key") },
    }),
  );
  const { exitCode, stderr } = await mach(...other);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("protection-not-initialised");
  expect((await mach(...args, "--port", "70000")).exitCode).toBe(2);
});

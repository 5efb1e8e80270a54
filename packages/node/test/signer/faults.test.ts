import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { openProtection } from "../../src/signer/open-protection.ts";
import { DATABASE, type Fault, faultsOf, MARKER, WATERMARK } from "./faults.ts";
import { claimAt, hashOf, IDENTITY } from "./test-claims.ts";
import { lockedFolder, recordIn, temporaryPath } from "./test-folders.ts";

const CHILD = new URL("./fault-child.ts", import.meta.url).pathname;
const FLAGS = ["--conditions=@mach/source", "--import", "tsx"];
const IS_LONG = process.env["MACH_LONG"] === "1";
const HEIGHT = 60;
/** What the arguments of a process have room for. */
const FAULTS_PER_CHILD = 500;

/** Refused, or opened and signing nothing at or below what it has signed. */
const SAFE = new Set([
  "protection-corrupt",
  "protection-missing",
  "protection-not-initialised",
  "protection-rolled-back",
  "watermark-missing",
  "wrong-domain",
  "wrong-operator",
  "height-not-above-last",
  "height-not-above-last, not-persisted",
  "not-persisted",
]);

/** A folder whose record has claims at heights 1 to `height`. */
async function signedPath(height: number, blocks = "block"): Promise<string> {
  const path = await temporaryPath();
  await signUpTo(path, height, blocks);
  return path;
}

async function signUpTo(path: string, height: number, blocks = "block"): Promise<void> {
  const folder = await lockedFolder(path);
  const protection = await recordIn(folder);
  const last = protection.newest(901n)?.claim.blockNumber ?? 0n;
  for (let next = last + 1n; next <= BigInt(height); next++) {
    const claim = claimAt(next, { blockHash: hashOf(`${blocks} ${next}`) });
    protection.commit((writer) => {
      writer.insert({ claim, digest: hashOf(`digest ${next}`), release: null });
      writer.keepSignature(claim, new Uint8Array(192).fill(Number(next)));
    });
    await protection.covered();
  }
  await protection.close();
  await folder.release();
}

interface Tried {
  readonly fault: Fault;
  readonly outcome: string;
}

/** Tries all faults; one that ends the process that tries it counts by its signal. */
async function tryAll(template: string, faults: readonly Fault[]): Promise<readonly Tried[]> {
  const scratch = join(await temporaryPath(), "copy");
  const tried: Tried[] = [];
  while (tried.length < faults.length) {
    const end = Math.min(tried.length + FAULTS_PER_CHILD, faults.length);
    const rest = JSON.stringify(faults.slice(tried.length, end));
    const child = spawn(process.execPath, [...FLAGS, CHILD, template, scratch, `${HEIGHT}`, rest], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => tried.push(JSON.parse(line) as Tried));
    const [[code, signal]] = await Promise.all([once(child, "exit"), once(lines, "close")]);
    const fault = faults[tried.length];
    if (fault !== undefined && tried.length < end)
      tried.push({ fault, outcome: `ended by ${signal ?? code}` });
  }
  return tried;
}

const RARELY = 0.01;

test("whatever byte is flipped or file cut short: refused, or nothing signed lower", {
  timeout: IS_LONG ? 7_200_000 : 300_000,
}, async () => {
  const template = await signedPath(HEIGHT);
  const faults = faultsOf(template, {
    stride: IS_LONG ? 64 : 4_093,
    isChosen: (page) => IS_LONG || page % 26 === 6,
  });
  const tried = await tryAll(template, faults);
  const ended = tried.filter(({ outcome }) => outcome.startsWith("ended by"));
  // Where the probe got through and the process itself did not: nothing was signed either.
  expect(ended.length).toBeLessThanOrEqual(Math.ceil(faults.length * RARELY));
  expect(tried.filter((each) => !SAFE.has(each.outcome) && !ended.includes(each))).toEqual([]);
  const outcomes = new Set(tried.map(({ outcome }) => outcome));
  expect(outcomes).toContain("protection-corrupt");
  expect(outcomes).toContain("height-not-above-last");
});

test.each([
  [DATABASE, "protection-missing"],
  [MARKER, "protection-not-initialised"],
  [WATERMARK, "watermark-missing"],
])("without %s the record is refused", async (file, code) => {
  const path = await signedPath(2);
  rmSync(join(path, file));
  expect(await openProtection(await lockedFolder(path), IDENTITY)).toEqual({ ok: false, code });
});

test("an old copy of the database is refused, and so is one of another record", async () => {
  const path = await signedPath(3);
  const old = await temporaryPath();
  cpSync(join(path, "protection"), join(old, "protection"), { recursive: true });
  await signUpTo(path, 4);
  const other = await signedPath(9, "another block");
  for (const copy of [old, other]) {
    rmSync(join(path, "protection"), { recursive: true });
    renameSync(join(copy, "protection"), join(path, "protection"));
    const folder = await lockedFolder(path);
    const result = await openProtection(folder, IDENTITY);
    expect(result).toEqual({ ok: false, code: "protection-rolled-back" });
    await folder.release();
  }
});

test("an old watermark is brought up to the record", async () => {
  const path = await signedPath(3);
  const old = join(await temporaryPath(), "watermark");
  cpSync(join(path, WATERMARK), old);
  await signUpTo(path, 5);
  cpSync(old, join(path, WATERMARK));
  const folder = await lockedFolder(path);
  const opened = await openProtection(folder, IDENTITY);
  if (!opened.ok) throw new Error(opened.code);
  expect(opened.protection.newest(901n)?.claim.blockNumber).toBe(5n);
  await opened.protection.close();
  // Now it knows of the fifth: a copy of the third is refused.
  cpSync(join(await signedPath(3), "protection"), join(path, "protection"), { recursive: true });
  expect(await openProtection(folder, IDENTITY)).toMatchObject({ code: "protection-rolled-back" });
});

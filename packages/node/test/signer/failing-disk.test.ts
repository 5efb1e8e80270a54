import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openProtection } from "../../src/signer/open-protection.ts";
import { DATABASE, WATERMARK } from "./faults.ts";
import { initialisedPath, releasedAndRecorded, runCommand, signingCommand } from "./signing-run.ts";
import { IDENTITY } from "./test-claims.ts";
import { lockedFolder, temporaryPath } from "./test-folders.ts";

/** A process of its own, on a machine that is busy. */
const LONG = { timeout: 60_000 };
const IS_LONG = process.env["MACH_LONG"] === "1";
const FAILED = 70;
const NOT_OPENED = 1;
/** LMDB may free a page twice after a write that failed, which ends the process as well. */
const ABORTED = "SIGABRT";

const canInject = spawnSync("strace", ["-f", "-e", "inject=sync:error=EIO", "true"]).status === 0;
if (!canInject) {
  process.stderr.write("NOT TESTED: no strace that injects faults, so no disk that fails\n");
}
const canMount = tryMount();
if (!canMount)
  process.stderr.write("NOT TESTED: no tmpfs can be mounted, so no disk that is full\n");

interface DiskFault {
  readonly file: string;
  /** In the words of strace; each thread's calls are counted by themselves. */
  readonly fault: string;
}

/** Each fails once only: a process that went on would not be told again. */
const FAULTS: readonly DiskFault[] = IS_LONG
  ? [
      ...faultsAt(DATABASE, "fdatasync:error=EIO", 16),
      ...faultsAt(DATABASE, "pwrite64:error=EIO", 32),
      ...faultsAt(DATABASE, "pwrite64:error=ENOSPC", 32),
      ...faultsAt(DATABASE, "writev:error=EIO", 16),
      ...faultsAt(WATERMARK, "pwrite64:error=EIO", 4),
      ...faultsAt(WATERMARK, "pwrite64:error=ENOSPC", 4),
    ]
  : [
      { file: DATABASE, fault: "fdatasync:error=EIO:when=9" },
      { file: DATABASE, fault: "pwrite64,writev:error=EIO:when=20" },
      { file: WATERMARK, fault: "pwrite64:error=EIO:when=2" },
    ];

function faultsAt(file: string, fault: string, count: number): readonly DiskFault[] {
  return Array.from({ length: count }, (_, i) => ({ file, fault: `${fault}:when=${i + 1}` }));
}

test.runIf(canInject).each(FAULTS)(
  "$file, $fault: the process ends, and what it released is on record",
  LONG,
  async ({ file, fault }) => {
    const path = await initialisedPath();
    const inject = ["-f", "-P", join(path, file), "-e", `inject=${fault}`, "-o", "/dev/null"];
    const run = runCommand(["strace", ...inject, ...signingCommand(path)]);
    // The first calls are those of the opening, which ends it in a way of its own.
    expect([FAILED, NOT_OPENED, ABORTED]).toContain(await run.ended);
    const { released, recorded } = await releasedAndRecorded(path, run);
    if (!IS_LONG) expect(released.length).toBeGreaterThan(0);
    expect(recorded).toEqual(released);
  },
);

test.runIf(canMount)("on a full disk the process ends, and starts once there is room", async () => {
  const disk = await mountedPath("192k");
  const path = await initialisedPath(disk);
  const run = runCommand(signingCommand(path));
  expect(await run.ended).toBe(FAILED);
  // A record that cannot be written is not opened: what it holds could not be made durable.
  const folder = await lockedFolder(path);
  await expect(openProtection(folder, IDENTITY)).rejects.toThrow();
  await folder.release();
  expect(spawnSync("mount", ["-o", "remount,size=4m", disk]).status).toBe(0);
  const { released, recorded } = await releasedAndRecorded(path, run);
  expect(released.length).toBeGreaterThan(0);
  expect(recorded).toEqual(released);
});

function tryMount(): boolean {
  const script =
    'd=$(mktemp -d) && mount -t tmpfs -o size=64k tmpfs "$d" && umount "$d"; r=$?; rmdir "$d"; exit $r';
  return spawnSync("sh", ["-c", script], { stdio: "ignore" }).status === 0;
}

async function mountedPath(size: string): Promise<string> {
  const path = await temporaryPath();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
  expect(mounted.status).toBe(0);
  onTestFinished(() => void spawnSync("umount", ["-l", path]));
  return path;
}

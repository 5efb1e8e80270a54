import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { initialisedPath, signingCommand } from "./signing-run.ts";
import { temporaryPath } from "./test-folders.ts";
import { traceEvents } from "./trace-events.ts";

const RELEASES = 40;
const SYSTEM_CALLS = "trace=openat,write,pwrite64,pwritev,fsync,fdatasync,msync";

const hasStrace = spawnSync("strace", ["-V"]).status === 0;
if (!hasStrace) {
  process.stderr.write("NOT TESTED: no strace, so nothing shows that a sync precedes each send\n");
}

test.runIf(hasStrace)(
  "a sync of the record, then the watermark, precede each first send",
  {
    timeout: 120_000,
  },
  async () => {
    const path = await initialisedPath();
    const file = join(await temporaryPath(), "trace");
    const strace = ["-f", "-ttt", "-yy", "-s", "80", "-e", SYSTEM_CALLS, "-o", file];
    const command = signingCommand(path, "after-release", `${RELEASES}`);
    await once(spawn("strace", [...strace, ...command], { stdio: "ignore" }), "exit");
    const trace = await readFile(file, "utf8");
    expect(trace).toMatch(/protection\.watermark", O_RDWR\|O_DSYNC/);
    const events = traceEvents(trace, (call) => /^write\(1<.*\\"released\\"/.test(call));
    const kinds = events.map(({ kind }) => kind);
    const releases = kinds.flatMap((kind, at) => (kind === "sent" ? [at] : []));
    expect(releases).toHaveLength(RELEASES);
    let before = 0;
    for (const at of releases) {
      const since = kinds.slice(before, at);
      expect(since).toContain("record synced");
      expect(since.lastIndexOf("watermark synced")).toBeGreaterThan(since.indexOf("record synced"));
      before = at;
    }
  },
);

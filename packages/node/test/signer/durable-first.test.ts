import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockedFolder, recordIn, temporaryPath } from "./test-folders.ts";

const CHILD = new URL("./signing-child.ts", import.meta.url).pathname;
const FLAGS = ["--conditions=@mach/source", "--import", "tsx"];
const RELEASES = 40;
const SYSTEM_CALLS = "trace=openat,write,pwrite64,pwritev,fsync,fdatasync,msync";

const hasStrace = spawnSync("strace", ["-V"]).status === 0;
if (!hasStrace) {
  process.stderr.write("NOT TESTED: no strace, so nothing shows that a sync precedes each send\n");
}

type Step = "record synced" | "watermark synced" | `released ${string}`;

/**
 * What a trace says happened, in the order in which the calls returned, but a release at once.
 * With `-y` strace names the file behind each descriptor.
 */
function stepsOf(trace: string): readonly Step[] {
  const unfinished = new Map<string, string>();
  return trace.split("\n").flatMap((line): readonly Step[] => {
    const [thread = ""] = line.split(" ", 1);
    if (line.endsWith("<unfinished ...>")) {
      unfinished.set(thread, line);
      return releaseOf(line);
    }
    const began = line.includes(" resumed>") ? (unfinished.get(thread) ?? "") : "";
    if (began !== "") return / = \d+$/.test(line) ? syncOf(began) : [];
    return / = \d+$/.test(line) ? [...releaseOf(line), ...syncOf(line)] : [];
  });
}

function releaseOf(line: string): readonly Step[] {
  const height = /write\(1.*\\"released\\",\\"height\\":\\"(\d+)\\"/.exec(line)?.[1];
  return height === undefined ? [] : [`released ${height}`];
}

function syncOf(line: string): readonly Step[] {
  if (/(fsync|fdatasync)\(\d+<[^>]*protection\/data\.mdb>/.test(line)) return ["record synced"];
  // Through a descriptor that writes synchronously.
  if (/pwrite64\(\d+<[^>]*protection\.watermark>/.test(line)) return ["watermark synced"];
  return [];
}

test.runIf(hasStrace)(
  "a sync of the record, then the watermark, precede each first send",
  {
    timeout: 120_000,
  },
  async () => {
    const path = await temporaryPath();
    const folder = await lockedFolder(path);
    await (await recordIn(folder)).close();
    await folder.release();
    const file = join(await temporaryPath(), "trace");
    const child = spawn(
      "strace",
      ["-f", "-y", "-s", "80", "-e", SYSTEM_CALLS, "-o", file, process.execPath].concat(
        FLAGS,
        CHILD,
        path,
        "after-release",
        `${RELEASES}`,
      ),
      { stdio: ["ignore", "ignore", "ignore"] },
    );
    await once(child, "exit");
    const trace = await readFile(file, "utf8");
    expect(trace).toMatch(/protection\.watermark", O_RDWR\|O_DSYNC/);
    const steps = stepsOf(trace);
    const releases = steps.flatMap((step, at) => (step.startsWith("released") ? [at] : []));
    expect(releases).toHaveLength(RELEASES);
    let before = 0;
    for (const at of releases) {
      const since = steps.slice(before, at);
      expect(since, steps[at]).toContain("record synced");
      expect(since.lastIndexOf("watermark synced")).toBeGreaterThan(since.indexOf("record synced"));
      before = at;
    }
  },
);

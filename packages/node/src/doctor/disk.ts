import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fail, ok, type Verdict, warn } from "./finding.ts";
import type { Check, Patient } from "./patient.ts";

const MEBIBYTE = 1_048_576n;
/** The record, the store and the journal of some weeks. */
const GOOD_BYTES = 5_120n * MEBIBYTE;
/** Below, a store that grows by one step may not fit: a record that cannot be written ends a node. */
const LEAST_BYTES = 512n * MEBIBYTE;
const LEAST_FILES = 1_000n;
/** A signature waits for two of them. */
const GOOD_SYNC_MS = 25;
const BAD_SYNC_MS = 1_000;

/** Whether the data folder's disk has room for what a node writes. */
export const spaceCheck: Check = {
  name: "disk space",
  async run({ config, surroundings }) {
    const folder = nearestFolder(config.dataDir);
    const { bytes, files } = await surroundings.freeSpace(folder);
    const left = `${bytes / MEBIBYTE} MiB are free at ${folder}`;
    const next = "make room, or move the data folder to a larger disk while the node is stopped";
    if (bytes < LEAST_BYTES) return [fail({ code: "disk-full", found: left, next })];
    if (files !== null && files < LEAST_FILES) {
      const found = `${left}, and room for ${files} files more`;
      return [fail({ code: "disk-full", found, next })];
    }
    if (bytes < GOOD_BYTES) return [warn({ code: "disk-nearly-full", found: left, next })];
    return [ok(left)];
  },
};

/** How long the disk takes to have what a signature waits for. */
export const syncCheck: Check = {
  name: "disk latency",
  async run(patient) {
    const folder = nearestFolder(patient.config.dataDir);
    try {
      return [judgeSync(await patient.surroundings.syncTimes(folder))];
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "unknown";
      const found = `nothing can be written in ${folder} (${code})`;
      const next = "run as the user that the node runs as, and give that user the folder";
      return [fail({ code: "folder-unusable", found, next })];
    }
  },
};

/** By the median, because one write that waited for others says little. */
export function judgeSync(times: readonly number[]): Verdict {
  const sorted = times.toSorted((left, right) => left - right);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const most = sorted.at(-1) ?? 0;
  const found = `a write is on disk after ${median.toFixed(1)} ms, at most ${most.toFixed(1)} ms`;
  if (median <= GOOD_SYNC_MS) return ok(found);
  const next = "each signature waits for two: use a local SSD, or find what else writes there";
  const level = median > BAD_SYNC_MS ? fail : warn;
  return level({ code: "disk-slow", found, next });
}

/** The folder, or where it would be made. */
export function nearestFolder(path: string): string {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  return isFolder || dirname(path) === path ? path : nearestFolder(dirname(path));
}

/** Whether the folder is there, and who else can look into it. */
export const folderCheck: Check = {
  name: "data folder",
  run: async (patient) => [judgeFolder(patient)],
};

function judgeFolder({ config, folder }: Patient): Verdict {
  const { dataDir } = config;
  switch (folder.state) {
    case "missing": {
      const found = `${dataDir} does not exist yet: it is made at the first start`;
      return ok(found);
    }
    case "unusable":
      return fail({
        code: "folder-unusable",
        found: `${dataDir} cannot be read and written by this user (${folder.code})`,
        next: "run as the user that the node runs as, and give that user the folder",
      });
    case "free":
    case "locked": {
      const use = folder.state === "locked" ? `process ${folder.pid} runs on it` : "no node runs";
      const mode = statSync(dataDir).mode & 0o777;
      if ((mode & 0o022) === 0) return ok(`${dataDir}: ${use}`);
      return fail({
        code: "open-to-others",
        found: `${dataDir} can be written by others (mode ${mode.toString(8)}); ${use}`,
        next: `chmod 700 ${dataDir}`,
      });
    }
  }
}

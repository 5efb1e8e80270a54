import { readFileSync } from "node:fs";

/** Linux counts in hundredths of a second wherever Node runs. */
const MILLIS_PER_TICK = 10;

/** The CPU time that processes have used, in milliseconds; NaN where there is no /proc. */
export function cpuMillisOf(pids: readonly number[]): number {
  return pids.reduce((total, pid) => total + cpuMillis(pid), 0);
}

function cpuMillis(pid: number): number {
  try {
    // The name in parentheses may hold spaces: what follows it has fixed places.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
    const ticks = Number(fields[11]) + Number(fields[12]);
    return ticks * MILLIS_PER_TICK;
  } catch {
    // Not Linux, or the node has ended, which the missing certificates will tell.
    return Number.NaN;
  }
}

/**
 * What a process holds in memory, in bytes, without the pages of files, which are the system's to
 * take back; NaN where there is no /proc.
 */
export function residentBytes(pid: number | "self"): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  } catch {
    // Not Linux, or the process has ended.
    return Number.NaN;
  }
}

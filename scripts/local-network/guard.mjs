// Started by the launcher of a local network with a pipe as its stdin. When the pipe closes
// without a "done" the launcher died without cleaning up (SIGKILL, a crash): then the processes
// that it named are ended and its folder is removed. Lines: "add PID", "drop PID", "done".
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** Nodes end by themselves when their lifeline closes; this is the time that they are given. */
const GRACE_MS = 3_000;
const [folder] = process.argv.slice(2);
const pids = new Set();
let isDone = false;

function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    // It has ended.
    return false;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, value] = line.split(" ");
  if (verb === "done") isDone = true;
  if (verb === "add") pids.add(Number(value));
  if (verb === "drop") pids.delete(Number(value));
}
if (!isDone) {
  for (const pid of pids) signal(pid, "SIGTERM");
  const deadline = Date.now() + GRACE_MS;
  while (Date.now() < deadline && [...pids].some((pid) => signal(pid, 0))) await sleep(50);
  for (const pid of pids) signal(pid, "SIGKILL");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

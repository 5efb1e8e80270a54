import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FaultKind, Outcome } from "@mach/simulator";
import type { SeedRange } from "./seed-worker.ts";

export interface SeedRun {
  readonly from: number;
  readonly seeds: number;
  readonly without: readonly FaultKind[];
  readonly workers: number;
  /** Told of each seed as it ends; true stops all. */
  readonly onOutcome: (outcome: Outcome) => boolean;
  /** Whose code is run; this repository's where nothing else is said. */
  readonly root?: string;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Runs seeds in several processes; false where one of them ended before its work was done. */
export async function runSeeds(run: SeedRun): Promise<boolean> {
  const { from, seeds, without, onOutcome, root = ROOT } = run;
  const stride = Math.min(run.workers, seeds);
  let finished = 0;
  let isStopped = false;
  const children = Array.from({ length: stride }, (_, i) => {
    const child = fork(`${root}/scripts/simulation/seed-worker.ts`, [], {
      cwd: root,
      execArgv: ["--conditions=@mach/source", "--import", "tsx"],
      env: { ...process.env, TSX_DISABLE_CACHE: "1" },
      serialization: "advanced",
    });
    child.on("message", (outcome: Outcome) => {
      if (isStopped) return;
      finished += 1;
      isStopped = onOutcome(outcome);
      if (isStopped) for (const each of children) each.kill("SIGKILL");
    });
    const range: SeedRange = { from: from + i, end: from + seeds, stride, without };
    child.send(range);
    return child;
  });
  await Promise.all(children.map((child) => once(child, "exit")));
  return isStopped || finished === seeds;
}

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Child } from "./child.ts";

/** The process that cleans up if the launcher dies without doing so. */
export interface Guard {
  watch(child: Child): void;
  /** The launcher has cleaned up itself. Settles when the guard has ended. */
  release(): Promise<void>;
}

/** Starts the guard of a network whose files are in `folder`. */
export function startGuard(folder: string): Guard {
  const script = fileURLToPath(new URL("guard.mjs", import.meta.url));
  const guard = spawn(process.execPath, [script, folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise<void>((resolve) => {
    guard.once("exit", () => resolve());
    guard.once("error", () => resolve());
  });
  // Without its guard a network runs as well; it is then cleaned up by its launcher alone.
  guard.stdin.on("error", () => undefined);
  return {
    watch(child) {
      guard.stdin.write(`add ${child.pid}\n`);
      void child.ended.then(() => guard.stdin.write(`drop ${child.pid}\n`));
    },
    async release() {
      guard.stdin.end("done\n");
      await ended;
    },
  };
}

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalNetworkError } from "./errors.ts";
import { isLauncherAlive } from "./lifeline-server.ts";

/** Who runs the network in a folder; a second launcher looks here. */
const LAUNCHER_FILE = "launcher.json";

/** Throws where a launcher runs a network in this folder. */
export async function requireNoNetwork(folder: string): Promise<void> {
  const port = launcherPort(folder);
  if (port === null || !(await isLauncherAlive(port, folder))) return;
  throw new LocalNetworkError(
    "already-running",
    `a network of this clone runs already (its files are in ${folder}); end it with Ctrl-C where ` +
      "it was started, or use a second clone",
  );
}

/**
 * Makes the folder of a network. What a launcher that died has left there is removed; a network
 * that runs is not touched, and of two that start at once one gets the folder.
 */
export async function claimFolder(folder: string, lifelinePort: number): Promise<void> {
  await requireNoNetwork(folder);
  rmSync(folder, { recursive: true, force: true });
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch {
    throw new LocalNetworkError("already-running", `${folder} was just taken by another network`);
  }
  const launcher = { pid: process.pid, lifelinePort };
  writeFileSync(join(folder, LAUNCHER_FILE), JSON.stringify(launcher), { mode: 0o600 });
}

/** Removes the folder with all that is in it. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

function launcherPort(folder: string): number | null {
  try {
    const content = readFileSync(join(folder, LAUNCHER_FILE), "utf8");
    const { lifelinePort } = JSON.parse(content) as { readonly lifelinePort?: unknown };
    return typeof lifelinePort === "number" ? lifelinePort : null;
  } catch {
    // No network was started here, or its file was cut short: nobody to ask.
    return null;
  }
}

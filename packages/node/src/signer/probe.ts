import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A record of 200,000 rows takes a second or two. */
const TIMEOUT_MS = 60_000;

/** From `src` and from `dist` alike: it is plain JavaScript, and the package ships both. */
const PROBE: string = fileURLToPath(new URL("../../src/signer/probe-record.mjs", import.meta.url));

/**
 * Whether another process could open the database, read it and commit to it. LMDB trusts its
 * pages: damage in them ends the process with a signal and no word. Throws where no process can
 * be started.
 */
export async function survivesProbe(path: string): Promise<boolean> {
  const child = spawn(process.execPath, [PROBE, path], {
    stdio: "ignore",
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code === 0;
}

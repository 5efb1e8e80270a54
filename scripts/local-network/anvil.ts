import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { foundryBinary } from "../foundry-binary.ts";
import { type Child, startChild } from "./child.ts";
import { LocalNetworkError } from "./errors.ts";

/** A chain on one anvil: an L1, or a rollup. */
export interface Chain {
  readonly child: Child;
  readonly rpcUrl: string;
  readonly wsUrl: string;
}

export interface ChainOptions {
  readonly name: string;
  readonly chainId: bigint;
  readonly folder: string;
  /** Such as --hardfork and --network. */
  readonly flags: readonly string[];
  readonly accounts: number;
}

const START_TIMEOUT_MS = 20_000;

/**
 * Starts a chain with a block each second on a free port, and waits until it answers. `track`
 * learns of its process at once.
 */
export async function startChain(
  options: ChainOptions,
  track: (child: Child) => void,
): Promise<Chain> {
  const folder = join(options.folder, options.name);
  mkdirSync(folder, { mode: 0o700 });
  const child = startChild({
    name: options.name,
    cwd: folder,
    logFile: join(folder, "anvil.log"),
    readsStdout: true,
    command: [
      ...[foundryBinary("anvil"), "--host", "127.0.0.1", "--port", "0", "--block-time", "1"],
      ...["--chain-id", String(options.chainId), "--accounts", String(options.accounts)],
      // Old states go to disk after a while: into this folder, not into the home directory.
      ...["--cache-path", folder, ...options.flags],
    ],
  });
  track(child);
  const address = await Promise.race([
    listeningAddress(child),
    child.ended.then(() => null),
    sleep(START_TIMEOUT_MS, null, { ref: false }),
  ]);
  if (address === null) {
    throw new LocalNetworkError("start-failed", `anvil for ${options.name} did not start`);
  }
  return { child, rpcUrl: `http://${address}`, wsUrl: `ws://${address}` };
}

async function listeningAddress(child: Child): Promise<string | null> {
  const { stdout } = child.process;
  if (stdout === null) return null;
  const lines = createInterface({ input: stdout });
  const address = await new Promise<string | null>((resolve) => {
    lines.on("line", (line) => {
      const match = /^Listening on (127\.0\.0\.1:\d+)$/.exec(line.trim());
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    lines.once("close", () => resolve(null));
  });
  lines.close();
  // The rest is a line for each block and call: read, so that the pipe stays empty, and dropped.
  stdout.resume();
  return address;
}

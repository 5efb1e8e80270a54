import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Stack } from "@mach/core";
import { foundryBinary } from "../foundry-binary.ts";
import { type Child, startChild } from "./child.ts";
import { LocalNetworkError } from "./errors.ts";

/** A chain on one process: an L1, or a rollup. */
export interface Chain {
  readonly child: Child;
  readonly rpcUrl: string;
  readonly wsUrl: string;
}

interface ProcessOptions {
  readonly name: string;
  readonly chainId: bigint;
  readonly folder: string;
}

export interface AnvilOptions extends ProcessOptions {
  /** Such as --hardfork and --network. */
  readonly flags: readonly string[];
  readonly accounts: number;
  /** A second where it is undefined. */
  readonly blockMs?: number | undefined;
}

export interface ReplayOptions extends ProcessOptions {
  readonly stack: Stack;
}

const START_TIMEOUT_MS = 20_000;
const BLOCK_MS = 1_000;
const REPLAY_NODE = fileURLToPath(new URL("replay/replay-node.ts", import.meta.url));
/** From here the replaying node finds tsx. */
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Starts a chain on anvil, with a block each `blockMs`, on a free port, and waits until it
 * answers. `track` learns of its process at once.
 */
export function startAnvilChain(
  options: AnvilOptions,
  track: (child: Child) => void,
): Promise<Chain> {
  const folder = makeFolder(options);
  return startChain({
    name: options.name,
    cwd: folder,
    logFile: join(folder, "anvil.log"),
    track,
    command: [
      ...[foundryBinary("anvil"), "--host", "127.0.0.1", "--port", "0"],
      ...["--block-time", String((options.blockMs ?? BLOCK_MS) / 1_000)],
      ...["--chain-id", String(options.chainId), "--accounts", String(options.accounts)],
      // Old states go to disk after a while: into this folder, not into the home directory.
      ...["--cache-path", folder, ...options.flags],
    ],
  });
}

/** The same of a stack that no program here can run: blocks and answers after recorded ones. */
export function startReplayedChain(
  options: ReplayOptions,
  track: (child: Child) => void,
): Promise<Chain> {
  const { name, stack, chainId } = options;
  const logFile = join(makeFolder(options), "replay.log");
  const loader = ["--conditions=@mach/source", "--import", "tsx"];
  const args = [REPLAY_NODE, "--stack", stack, "--chain-id", String(chainId)];
  const command = [process.execPath, ...loader, ...args];
  return startChain({ name, cwd: ROOT, logFile, track, command });
}

function makeFolder({ folder, name }: ProcessOptions): string {
  const path = join(folder, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

async function startChain(options: {
  readonly name: string;
  readonly cwd: string;
  readonly logFile: string;
  readonly command: readonly string[];
  readonly track: (child: Child) => void;
}): Promise<Chain> {
  const { track, ...child } = options;
  const started = startChild({ ...child, readsStdout: true });
  track(started);
  const address = await Promise.race([
    listeningAddress(started),
    started.ended.then(() => null),
    sleep(START_TIMEOUT_MS, null, { ref: false }),
  ]);
  if (address === null) {
    throw new LocalNetworkError("start-failed", `the node of ${options.name} did not start`);
  }
  return { child: started, rpcUrl: `http://${address}`, wsUrl: `ws://${address}` };
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

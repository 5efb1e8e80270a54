import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readCommand } from "../checks/run-command.ts";
import {
  type LocalNetwork,
  type LocalNetworkOptions,
  startLocalNetwork,
} from "../local-network/local-network.ts";
import { type BenchContext, ROOT } from "./bench-context.ts";

const START_MS = 180_000;

/**
 * A local network of built programs whose operators all answer; blocks are checked by their
 * headers. It ends with the benchmark, also while it is still starting.
 */
export async function startBenchNetwork(
  context: BenchContext,
  options: Pick<LocalNetworkOptions, "weights" | "rollupBlockMs" | "gossipProxy"> = {},
): Promise<LocalNetwork> {
  const { signal, progress: onProgress } = context;
  await build();
  const folder = join(context.makeFolder(), "network");
  const starting = startLocalNetwork({
    ...{ folder, signal, onProgress, maxVerification: 1, ...options },
  });
  context.defer(async () => {
    const network = await starting.catch(() => null);
    await network?.stop();
  });
  const network = await starting;
  await untilAnswered(network.operators.map((node) => node.apiUrl));
  return network;
}

async function build(): Promise<void> {
  const command = ["node_modules/.bin/tsc", "--build"];
  const { exitCode, stdout } = await readCommand(command, { cwd: ROOT });
  if (exitCode !== 0) throw new Error(`the packages could not be built:\n${stdout}`);
}

async function untilAnswered(apiUrls: readonly string[]): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (const apiUrl of apiUrls) {
    while (!(await answers(apiUrl))) {
      if (performance.now() > deadline) throw new Error(`${apiUrl} does not answer`);
      await sleep(100);
    }
  }
}

async function answers(apiUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${apiUrl}/v1/node/health`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    // It does not listen yet.
    return false;
  }
}

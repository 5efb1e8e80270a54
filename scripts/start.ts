import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Stack } from "@mach/core";
import { buildSite } from "./checks/build-site.ts";
import { readCommand } from "./checks/run-command.ts";
import { formatChanges, formatTable, type Picture, takePicture } from "./local-network/display.ts";
import { LocalNetworkError } from "./local-network/errors.ts";
import { requireNoNetwork } from "./local-network/folder.ts";
import { type LocalNetwork, startLocalNetwork } from "./local-network/local-network.ts";
import { apiPortFrom, requireFreePort } from "./local-network/ports.ts";
import { DEFAULT_STACKS, parseStacks } from "./local-network/rollups.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const FOLDER = fileURLToPath(new URL("../.local", import.meta.url));
const REFRESH_MS = 250;
const PARENT_CHECK_MS = 500;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const USAGE = `npm start [-- --stacks LIST]

Builds the packages and brings up a whole network on this machine: an L1 and rollups, four operators
and an observer, until Ctrl-C. Its addresses are in .local/network.json.

  --stacks LIST   one rollup for each stack of the list, such as op,zk; op,evm by default. "all" is
                  op,orbit,cdk,zk. op and evm run on anvil and take transactions; orbit, cdk and zk
                  go on above recorded blocks, with blocks of their own that are hashed by the rules
                  of their stack

The explorer and the API are on http://127.0.0.1:4500; MACH_API_PORT=4600 npm start moves them.
`;

/** `npm start`: builds, brings up a local network, and shows it until a signal ends it. */
export async function main(args: readonly string[] = []): Promise<number> {
  const controller = new AbortController();
  const { signal } = controller;
  for (const name of SIGNALS) process.on(name, () => controller.abort());
  const parent = watchParent(() => controller.abort());
  // Whoever read the output has left, and nobody sees the network any more.
  process.stdout.on("error", () => controller.abort());
  try {
    const { stacks, isHelp } = parseOptions(args);
    if (isHelp) {
      process.stdout.write(USAGE);
      return 0;
    }
    const apiPort = apiPortFrom(process.env);
    await requireNoNetwork(FOLDER);
    await requireFreePort(apiPort);
    await build();
    const options = { folder: FOLDER, apiPort, stacks, signal, onProgress: say };
    const network = await startLocalNetwork(options);
    await show(network, signal);
    say("Stopping");
    await network.stop();
    say("Stopped: no process and no file of the network is left");
    return 0;
  } catch (error) {
    if (!(error instanceof LocalNetworkError)) throw error;
    if (error.code === "stopped") return 0;
    process.stderr.write(`mach: ${error.message}\n`);
    return 1;
  } finally {
    clearInterval(parent);
  }
}

function parseOptions(args: readonly string[]): {
  readonly stacks: readonly Stack[];
  readonly isHelp: boolean;
} {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { stacks: { type: "string" }, help: { type: "boolean", short: "h" } },
    });
    const stacks = values.stacks === undefined ? DEFAULT_STACKS : parseStacks(values.stacks);
    return { stacks, isHelp: values.help === true };
  } catch (error) {
    if (error instanceof LocalNetworkError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new LocalNetworkError("bad-option", `${why}\n\n${USAGE.trimEnd()}`);
  }
}

/** A killed npm passes nothing on: what it started would go on with nobody to end it. */
function watchParent(onGone: () => void): NodeJS.Timeout {
  const { ppid } = process;
  const isFromNpm = process.env["npm_lifecycle_event"] === "start";
  return setInterval(() => {
    if (isFromNpm && process.ppid !== ppid) onGone();
  }, PARENT_CHECK_MS).unref();
}

async function build(): Promise<void> {
  say("Building the packages");
  const { exitCode, stdout } = await readCommand(["node_modules/.bin/tsc", "--build"], {
    cwd: ROOT,
  });
  if (exitCode !== 0) {
    throw new LocalNetworkError("start-failed", `the packages could not be built:\n${stdout}`);
  }
  const why = await buildSite();
  if (why !== null) {
    throw new LocalNetworkError("start-failed", `the explorer could not be built:\n${why}`);
  }
}

async function show(network: LocalNetwork, signal: AbortSignal): Promise<void> {
  const { isTTY } = process.stdout;
  say(`The network runs; its addresses are in ${FOLDER}/network.json`);
  say(`Explorer ${network.apiUrl}/`);
  say(`API ${network.apiUrl}, documented at ${network.apiUrl}/docs`);
  const wait = Number(network.deployment.genesisTime) - Math.floor(Date.now() / 1000);
  if (wait > 0) say(`The first epoch begins in ${wait} s, its first certificates soon after`);
  say("");
  let before: Picture | null = null;
  while (!signal.aborted) {
    const picture = await takePicture(network);
    if (isTTY) draw(picture, before);
    else for (const line of formatChanges(picture, before)) say(line);
    before = picture;
    try {
      await sleep(REFRESH_MS, undefined, { signal });
    } catch {
      // Asked to stop: the loop ends.
    }
  }
}

/** Draws over the table before, which has as many lines. */
function draw(picture: Picture, before: Picture | null): void {
  const table = formatTable(picture);
  const up = before === null ? "" : `\u001b[${table.split("\n").length}A`;
  const lines = table.split("\n").map((line) => `\u001b[2K${line}\n`);
  process.stdout.write(`${up}${lines.join("")}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Hex, isHex } from "@mach/core";
import { foundryBinary } from "../foundry-binary.ts";
import { type Child, startChild } from "./child.ts";
import { LocalNetworkError } from "./errors.ts";

/** Where forge works for one network. */
export interface Forge {
  /** The repository's root. */
  readonly root: string;
  /** Of its own: two networks that start at once do not compile into one place. */
  readonly folder: string;
  /** Learns of each process at once. */
  readonly track: (child: Child) => void;
}

export interface ScriptRun {
  /** A contract of contracts/script/, in the file of its name. */
  readonly script: "DeployNetwork" | "DeployLightClient" | "DeployExamples";
  readonly rpcUrl: string;
  /** An account that the chain itself has the key of, as anvil has for its own. */
  readonly deployer: Hex;
  readonly parameters: Readonly<Record<string, unknown>>;
  /**
   * Sends each transaction once the one before it is in a block. An anvil that mines at once leaves
   * one in its queue for ever that arrives while the one before it is mined.
   */
  readonly isOneByOne?: boolean;
}

const MAX_OUTPUT_CHARACTERS = 64 * 1024 * 1024;
const SHOWN_LOG_LINES = 5;
/** Seconds are enough; a chain that stopped answering must not hold up everything. */
const TIME_LIMIT_MS = 120_000;

/** Compiles the scripts, so that the first run need not. */
export async function compileScripts(forge: Forge): Promise<void> {
  mkdirSync(forge.folder, { mode: 0o700 });
  await runForge(forge, ["build"]);
}

/**
 * Runs a deployment script against a chain, as `forge script` does for any network, and returns the
 * addresses that it returns. Runs that share a folder come one after the other.
 */
export async function runScript(
  forge: Forge,
  run: ScriptRun,
): Promise<Readonly<Record<string, Hex>>> {
  const { script, rpcUrl, deployer, parameters, isOneByOne = false } = run;
  const output = await runForge(forge, [
    ...["script", `script/${script}.s.sol`, "--sig", "run(string)", JSON.stringify(parameters)],
    ...["--rpc-url", rpcUrl, "--broadcast", "--unlocked", "--sender", deployer, "--json"],
    ...(isOneByOne ? ["--slow"] : []),
  ]);
  const addresses = readAddresses(output);
  if (addresses !== null) return addresses;
  throw new LocalNetworkError("start-failed", `${script} said nothing of what it deployed`);
}

async function runForge(forge: Forge, args: readonly string[]): Promise<string> {
  const { root, folder, track } = forge;
  const logFile = join(folder, "forge.log");
  const logged = existsSync(logFile) ? readFileSync(logFile, "utf8").length : 0;
  const child = startChild({
    name: "forge",
    command: [foundryBinary("forge"), "--color", "never", ...args],
    cwd: join(root, "contracts"),
    logFile,
    readsStdout: true,
    environment: {
      FOUNDRY_PROFILE: "deploy",
      FOUNDRY_OUT: join(folder, "out"),
      FOUNDRY_CACHE_PATH: join(folder, "cache"),
      FOUNDRY_BROADCAST: join(folder, "broadcast"),
    },
  });
  track(child);
  let output = "";
  child.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
    if (output.length < MAX_OUTPUT_CHARACTERS) output += text;
  });
  const limit = setTimeout(() => child.process.kill("SIGKILL"), TIME_LIMIT_MS);
  const exitCode = await new Promise<number | null>((resolve) => {
    // `close` rather than `exit`: all of the output has arrived by then.
    child.process.once("close", resolve);
    child.process.once("error", () => resolve(null));
  });
  clearTimeout(limit);
  if (exitCode === 0) return output;
  const log = readFileSync(logFile, "utf8")
    .slice(logged)
    .trimEnd()
    .split("\n")
    .slice(-SHOWN_LOG_LINES);
  throw new LocalNetworkError("start-failed", `forge ${args[0]} failed:\n${log.join("\n")}`);
}

/** The script's return values are in the one line of JSON that has them. */
function readAddresses(output: string): Readonly<Record<string, Hex>> | null {
  for (const line of output.split("\n")) {
    const report = parseObject(line);
    const returns = report?.["success"] === true ? report["returns"] : undefined;
    if (typeof returns !== "object" || returns === null) continue;
    const addresses: Record<string, Hex> = {};
    for (const [name, returned] of Object.entries(returns)) {
      const value = (returned as { readonly value?: unknown }).value;
      const address = typeof value === "string" ? value.toLowerCase() : "";
      if (!isHex(address, 20)) return null;
      addresses[name] = address;
    }
    return addresses;
  }
  return null;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    // Not a line of the report.
    return null;
  }
}

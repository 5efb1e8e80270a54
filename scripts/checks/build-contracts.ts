import { join } from "node:path";
import { foundryBinary } from "../foundry-binary.ts";
import { readCommand } from "./run-command.ts";

/** foundry.toml's paths, the compiler's among them, are taken from the working directory. */
export const CONTRACTS = { cwd: join(import.meta.dirname, "../../contracts") };

const TOO_DEEP = "too deep in the stack";

/**
 * Compiles the contracts, with options of `forge build`, and says whether it could. forge compiles what
 * has changed and what depends on it, and what else is compiled with a contract can decide whether
 * solc's optimiser finds a stack layout for it (argotorg/solidity, issue 14878). So it is believed only
 * of a build of everything that a contract has too many variables.
 */
export async function buildContracts(...options: readonly string[]): Promise<boolean> {
  const build = [foundryBinary("forge"), "build", ...options];
  const { exitCode, stdout, stderr } = await readCommand(build, CONTRACTS);
  if (exitCode === 0) return true;
  if (!`${stdout}${stderr}`.includes(TOO_DEEP)) return false;
  console.error("once more, with all the contracts");
  return (await readCommand([...build, "--force"], CONTRACTS)).exitCode === 0;
}

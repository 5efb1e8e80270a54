import { createRequire } from "node:module";
import { arch, platform } from "node:os";

const PLATFORM_NAMES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/**
 * The path of a Foundry program itself. The package's own launcher is a second process that a
 * signal may not pass through, and it hides the exit code.
 */
export function foundryBinary(tool: "anvil" | "forge"): string {
  const system = platform();
  const machine = PLATFORM_NAMES[arch()] ?? arch();
  const launcher = createRequire(import.meta.url).resolve(`@foundry-rs/${tool}/package.json`);
  const extension = system === "win32" ? ".exe" : "";
  const program = `@foundry-rs/${tool}-${system}-${machine}/bin/${tool}${extension}`;
  return createRequire(launcher).resolve(program);
}

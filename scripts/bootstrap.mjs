// First step of `npm start` and `npm test`, on a fresh clone with Node and npm alone: checks the
// Node version, installs what is missing, then runs scripts/NAME.ts in this same process, so that
// signals and the exit code need no passing on. Plain JavaScript, because nothing may be there yet.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const OLDEST_NODE = [20, 19];
const root = fileURLToPath(new URL("..", import.meta.url));

function fail(message) {
  process.stderr.write(`mach: ${message}\n`);
  process.exit(1);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  const wanted = OLDEST_NODE.join(".");
  fail(`Node ${wanted} or newer is needed, this is ${process.versions.node}: https://nodejs.org`);
}

/** pnpm leaves a copy of the lockfile beside what it installed, once all of it is there. */
function isInstalled() {
  try {
    const installed = readFileSync(`${root}node_modules/.pnpm/lock.yaml`);
    return installed.equals(readFileSync(`${root}pnpm-lock.yaml`));
  } catch {
    // Either file is missing: nothing, or not all, is installed.
    return false;
  }
}

function install() {
  process.stdout.write("Installing the packages (about half a minute, the first time only) ...\n");
  const command = ["--yes", "pnpm@12", "install", "--frozen-lockfile"];
  const { status, error } = spawnSync("npx", command, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (error !== undefined) fail(`npx cannot be started (${error.message}); npm comes with Node`);
  if (status !== 0) {
    fail("the packages could not be installed; the lines above say why. Is the network reachable?");
  }
}

checkNode();
process.chdir(root);
if (!isInstalled()) install();
// Its cache would stay behind in the temporary folder, and gains nothing here.
process.env.TSX_DISABLE_CACHE = "1";
const { register } = await import("tsx/esm/api");
register();
const [name, ...args] = process.argv.slice(2);
const { main } = await import(`./${name}.ts`);
process.exitCode = await main(args);

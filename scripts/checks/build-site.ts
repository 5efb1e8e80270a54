import { hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readCommand } from "./run-command.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WEB = join(ROOT, "packages/web");
const SITE = join(WEB, "dist/site");
const STAMP = "built-from";
/** What the page is built from: its own package, those that it stands on, and all versions. */
const SOURCES = [
  ...["api", "bls", "core", "rpc", "sdk", "web"].map((name) => `packages/${name}/src`),
  ...["index.html", "package.json", "public", "vite.config.ts"].map(
    (name) => `packages/web/${name}`,
  ),
  "pnpm-lock.yaml",
];

/**
 * Builds the explorer, unless what is there was built from the same sources; null, or why it could
 * not. Two at once harm nothing: each builds beside, and puts the whole in place.
 */
export async function buildSite(): Promise<string | null> {
  const stamp = hashSources();
  if (stampOf(SITE) === stamp) return null;
  const fresh = `${SITE}-${process.pid}`;
  const vite = join(WEB, "node_modules/.bin/vite");
  const command = [vite, "build", "--logLevel", "error", "--outDir", fresh];
  const { exitCode, stdout, stderr } = await readCommand(command, { cwd: WEB });
  if (exitCode !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    return `${stdout}${stderr}`;
  }
  writeFileSync(join(fresh, STAMP), stamp);
  putInPlace(fresh);
  return null;
}

function putInPlace(fresh: string): void {
  const old = `${fresh}-old`;
  try {
    if (existsSync(SITE)) renameSync(SITE, old);
    renameSync(fresh, SITE);
  } catch (error) {
    // Another build was faster, which is as good where it was of the same sources.
    if (stampOf(SITE) !== stampOf(fresh)) throw error;
    rmSync(fresh, { recursive: true, force: true });
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

function stampOf(folder: string): string | null {
  try {
    return readFileSync(join(folder, STAMP), "utf8");
  } catch {
    // Nothing was built there.
    return null;
  }
}

function hashSources(): string {
  const digests = SOURCES.flatMap(filesOf).map((path) => {
    return `${path} ${hash("sha1", readFileSync(join(ROOT, path)))}`;
  });
  return hash("sha1", digests.join("\n"));
}

function filesOf(path: string): readonly string[] {
  if (!existsSync(join(ROOT, path))) return [];
  try {
    return readdirSync(join(ROOT, path), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
      .toSorted();
  } catch {
    // A file, and no folder.
    return [path];
  }
}

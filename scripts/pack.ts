import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSite } from "./checks/build-site.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DEFAULT_FOLDER = "dist";
/** What the compiler makes of each source file. */
const OUTPUTS = [".js", ".js.map", ".d.ts", ".d.ts.map"] as const;
const WORKSPACE = "workspace:*";
/** The package with files that vite builds: the badge for a script tag, and the explorer. */
const WEB = "@mach/web";

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** A published package's tarball. */
export interface PackedPackage {
  /** Its package.json. */
  readonly manifest: Manifest;
  /** The tarball's path. */
  readonly file: string;
}

/** Writes the tarballs of all published packages to a folder, dist if none is named. */
export async function main(args: readonly string[]): Promise<number> {
  const [folder = DEFAULT_FOLDER] = args;
  for (const { file } of await packPublished(folder)) console.log(file);
  return 0;
}

/**
 * Builds and packs every package that is not private. A tarball has the built files of the sources that
 * are there now, those sources for the source maps, and exact versions instead of workspace links.
 */
export async function packPublished(to: string): Promise<readonly PackedPackage[]> {
  const folder = resolve(ROOT, to);
  const manifests = readManifests();
  const published = [...manifests].filter(([, manifest]) => manifest.private !== true);
  run("node_modules/.bin/tsc", ["--build", ...published.map(([path]) => path)]);
  const stage = mkdtempSync(join(tmpdir(), "mach-pack-"));
  try {
    const staged = published.map(([path, source]) => {
      const target = join(stage, source.name);
      const manifest = publishedManifest(source, manifests);
      stagePackage(join(ROOT, path), target, manifest);
      return { target, manifest };
    });
    for (const { target, manifest } of staged) if (manifest.name === WEB) await stagePages(target);
    mkdirSync(folder, { recursive: true });
    const targets = staged.map(({ target }) => target);
    run("npm", ["pack", "--silent", "--pack-destination", folder, ...targets]);
    return staged.map(({ manifest }) => {
      const name = manifest.name.replace("@", "").replace("/", "-");
      return { manifest, file: join(folder, `${name}-${manifest.version}.tgz`) };
    });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function readManifests(): ReadonlyMap<string, Manifest> {
  const folders = readdirSync(join(ROOT, "packages"));
  return new Map(
    folders.map((folder) => {
      const path = join("packages", folder);
      return [path, JSON.parse(readFileSync(join(ROOT, path, "package.json"), "utf8"))];
    }),
  );
}

/** What whoever installs it needs: nothing of this workspace, no sources to run from. */
function publishedManifest(manifest: Manifest, manifests: ReadonlyMap<string, Manifest>): Manifest {
  const { devDependencies: _, ...kept } = manifest;
  const dependencies = Object.entries(manifest.dependencies ?? {}).map(([name, range]) => {
    if (range !== WORKSPACE) return [name, range];
    const other = [...manifests.values()].find((each) => each.name === name);
    if (other === undefined || other.private === true) {
      throw new Error(`${manifest.name} is published and depends on ${name}, which is not`);
    }
    return [name, other.version];
  });
  const exports = Object.entries(manifest.exports).map(([path, targets]) => {
    const { "@mach/source": _source, ...rest } = targets;
    return [path, rest];
  });
  return {
    ...kept,
    exports: Object.fromEntries(exports),
    dependencies: Object.fromEntries(dependencies),
  };
}

/** Only what a source of now was built to: the output folder may keep files of earlier ones. */
function stagePackage(source: string, target: string, manifest: object): void {
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  cpSync(join(source, "README.md"), join(target, "README.md"));
  cpSync(join(ROOT, "LICENSE"), join(target, "LICENSE"));
  for (const file of readdirSync(join(source, "src"), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const outputs = OUTPUTS.map((extension) => join("dist", file.replace(/\.ts$/, extension)));
    for (const each of [join("src", file), ...outputs]) {
      mkdirSync(dirname(join(target, each)), { recursive: true });
      cpSync(join(source, each), join(target, each));
    }
  }
}

async function stagePages(target: string): Promise<void> {
  const why = await buildSite();
  if (why !== null) throw new Error(why);
  const web = join(ROOT, "packages/web");
  cpSync(join(web, "dist/site"), join(target, "dist/site"), { recursive: true });
  const options = ["--config", join(web, "vite.badge.config.ts"), "--logLevel", "error"];
  const script = ["--outDir", join(target, "dist/badge-script")];
  run(join(web, "node_modules/.bin/vite"), ["build", ...options, ...script]);
}

function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error(`${program} failed`, { cause: error });
}

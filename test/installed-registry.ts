import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { PackedPackage } from "../scripts/pack.ts";

/** A registry of packages on the loopback, which npm installs from as from any other. */
export interface InstalledRegistry {
  readonly url: string;
  stop(): Promise<void>;
}

interface Release {
  readonly manifest: { readonly name: string; readonly version: string };
  readonly tarball: () => Buffer;
}

const STORE = fileURLToPath(new URL("../node_modules/.pnpm", import.meta.url));
const BLOCK_BYTES = 512;
const NAME_BYTES = 100;

/**
 * Serves what this workspace has installed, and tarballs beside it: npm resolves and unpacks as it
 * would for anyone, and no network is needed. What is not installed here does not exist.
 */
export async function startInstalledRegistry(
  packed: readonly PackedPackage[],
): Promise<InstalledRegistry> {
  const releasesOf = (name: string): readonly Release[] => {
    const own = packed.filter(({ manifest }) => manifest.name === name);
    return own.length > 0 ? own.map(ownRelease) : installedReleases(name);
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? "/").slice(1));
    const [name = "", version] = path.split("/-/");
    const releases = releasesOf(name);
    const release = releases.find(({ manifest }) => `${manifest.version}.tgz` === version);
    if (release !== undefined) return response.end(release.tarball());
    if (version !== undefined || releases.length === 0) return response.writeHead(404).end("{}");
    const origin = `http://${request.headers.host}`;
    const versions = releases.map(({ manifest }) => {
      const tarball = `${origin}/${name}/-/${manifest.version}.tgz`;
      return [manifest.version, { ...manifest, dist: { tarball } }] as const;
    });
    const latest = versions.at(-1)?.[0];
    const document = { name, "dist-tags": { latest }, versions: Object.fromEntries(versions) };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function ownRelease({ manifest, file }: PackedPackage): Release {
  return { manifest, tarball: () => readFileSync(file) };
}

/** All versions of a package that pnpm keeps in its virtual store. */
function installedReleases(name: string): readonly Release[] {
  const prefix = `${name.replace("/", "+")}@`;
  const releases = new Map<string, Release>();
  for (const entry of readdirSync(STORE)) {
    if (!entry.startsWith(prefix)) continue;
    const folder = join(STORE, entry, "node_modules", name);
    if (!existsSync(join(folder, "package.json"))) continue;
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    releases.set(manifest.version, { manifest, tarball: () => packFolder(folder) });
  }
  return [...releases.values()];
}

/** A folder as a tarball of npm: the entries of POSIX ustar below `package/`. */
function packFolder(folder: string): Buffer {
  const parts: Buffer[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const bytes = readFileSync(file);
    const padding = Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES);
    parts.push(tarHeader(join("package", relative(folder, file)), bytes.length), bytes, padding);
  }
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK_BYTES)]), { level: 1 });
}

function tarHeader(path: string, bytes: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  // A long path is split at a slash into a prefix and a name.
  const cut = path.length <= NAME_BYTES ? 0 : path.indexOf("/", path.length - NAME_BYTES - 1) + 1;
  header.write(path.slice(cut), 0, NAME_BYTES);
  header.write(octal(0o644, 8), 100);
  header.write(octal(bytes, 12), 124);
  header.write(octal(0, 12), 136);
  header.write("        0", 148);
  header.write("ustar\u000000", 257);
  header.write(path.slice(0, Math.max(0, cut - 1)), 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(octal(sum, 8), 148);
  return header;
}

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, "0")}\u0000`;
}

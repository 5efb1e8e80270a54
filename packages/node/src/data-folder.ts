import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A node's data folder, held by this process alone. Whoever has one may open what is in it: the
 * signing record and the store take a DataFolder, not a path.
 */
export interface DataFolder {
  readonly path: string;
  /** The database of the signing record. */
  readonly protectionPath: string;
  /** The file that says that a signing record was initialised here. */
  readonly protectionMarkerPath: string;
  /** The file that says how far the signing record had come. */
  readonly protectionWatermarkPath: string;
  /** The database of the store. */
  readonly storePath: string;
  /** What of the store has not reached the database that readers are served from. */
  readonly journalPath: string;
  /** Lets go of the folder; close what is in it first. */
  release(): Promise<void>;
}

/** Where things are in a data folder: enough to see that they are there, not to open them. */
export type FolderPaths = Omit<DataFolder, "release">;

export type DataFolderResult =
  | { readonly ok: true; readonly folder: DataFolder }
  /** Another process, `pid` as that process sees itself, runs on this folder. */
  | { readonly ok: false; readonly code: "folder-locked"; readonly pid: number }
  /** The folder cannot be made, written, or hold a unix socket. */
  | { readonly ok: false; readonly code: "folder-unusable"; readonly cause: unknown };

const ATTEMPTS = 6;
/** The kernel keeps 104 to 108 bytes for the path of a socket, and Node cuts a longer one off. */
const MAX_SOCKET_PATH_BYTES = 100;

/**
 * Makes the folder where it is missing and locks it for this process.
 *
 * The lock is a listening unix socket, because the kernel closes it with its process, SIGKILL
 * included, and Node has no flock. Each contender listens under a name of its own before it looks
 * for others, so of two at once at least one sees the other; a name shows up only once its
 * socket listens, so one that refuses a connection is dead for good and may be removed. Limits:
 * processes on other machines that share the folder over a network are not seen.
 */
export async function openDataFolder(path: string): Promise<DataFolderResult> {
  try {
    const locks = join(path, "lock");
    await mkdir(locks, { recursive: true, mode: 0o700 });
    const directory = await open(locks, "r");
    try {
      return await lockFolder(path, { path: locks, directory });
    } finally {
      await directory.close();
    }
  } catch (cause) {
    // Every error of the file system has one meaning here: nobody can be kept out.
    return { ok: false, code: "folder-unusable", cause };
  }
}

interface Locks {
  readonly path: string;
  readonly directory: FileHandle;
}

async function lockFolder(path: string, locks: Locks): Promise<DataFolderResult> {
  for (let attempt = 1; ; attempt++) {
    const name = `${process.pid}-${randomBytes(8).toString("hex")}`;
    const server = await listen(socketPath(locks, `${name}.tmp`));
    const withdraw = async (): Promise<void> => {
      await new Promise((resolve) => server.close(resolve));
      await removeSocket(join(locks.path, `${name}.sock`));
    };
    try {
      await rename(join(locks.path, `${name}.tmp`), join(locks.path, `${name}.sock`));
      const holder = await findHolder(locks, `${name}.sock`);
      if (holder === null) return { ok: true, folder: { ...pathsIn(path), release: withdraw } };
      await withdraw();
      if (attempt === ATTEMPTS) return { ok: false, code: "folder-locked", pid: holder };
    } catch (error) {
      await withdraw();
      if (attempt === ATTEMPTS) throw error;
    }
    // Two that started together have both withdrawn: chance lets one of them be first.
    await sleep(Math.random() * 50 * attempt);
  }
}

export function pathsIn(path: string): FolderPaths {
  return {
    path,
    protectionPath: join(path, "protection"),
    protectionMarkerPath: join(path, "protection.json"),
    protectionWatermarkPath: join(path, "protection.watermark"),
    storePath: join(path, "store"),
    journalPath: join(path, "journal"),
  };
}

/** The pid of another live contender, or null; what the dead left behind is removed. */
async function findHolder(locks: Locks, own: string): Promise<number | null> {
  for (const name of await readdir(locks.path)) {
    if (name === own || !/^[0-9]+-[0-9a-f]{16}\.(sock|tmp)$/.test(name)) continue;
    const isAlive = await answers(socketPath(locks, name));
    // A live `.tmp` is no contender yet: it will look for others after its renaming.
    if (isAlive && name.endsWith(".sock")) return Number.parseInt(name, 10);
    if (!isAlive) await removeSocket(join(locks.path, name));
  }
  return null;
}

/**
 * Not by `rm`: after it has removed a socket, Node 20 resolves the next `require` through a symbolic
 * link without following the link, and a native library under pnpm is not found.
 */
async function removeSocket(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(path, () => resolve(server.unref()));
  });
}

/** Whether a process listens there. Any doubt, a full backlog or a foreign owner, is a yes. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}

function socketPath(locks: Locks, name: string): string {
  const path = join(locks.path, name);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path;
  if (process.platform === "linux") return `/proc/self/fd/${locks.directory.fd}/${name}`;
  throw new Error(`the path of the data folder is too long for a unix socket: ${path}`);
}

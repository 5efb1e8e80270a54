import { randomBytes } from "node:crypto";
import { open, statfs, unlink } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect, createServer } from "node:net";
import { join } from "node:path";

/** What the doctor learns of the machine and its network; a test puts others in its place. */
export interface Surroundings {
  /** Milliseconds since 1970. */
  now(): number;
  /** What an unprivileged process may still write where this folder is. Rejects like statfs. */
  freeSpace(folder: string): Promise<FreeSpace>;
  /** How long each of some small writes took to be on disk, milliseconds. Rejects like open. */
  syncTimes(folder: string): Promise<readonly number[]>;
  /** The Date of an HTTP answer, whatever its status; null where none came. */
  readDate(url: string, timeoutMs: number): Promise<DateReading | null>;
}

export interface FreeSpace {
  readonly bytes: bigint;
  /** How many files more; null where the file system does not count them. */
  readonly files: bigint | null;
}

/** A server's time, whole seconds as milliseconds, and when by this clock it was asked and came. */
export interface DateReading {
  readonly dateMs: number;
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
}

const SYNC_WRITES = 8;
const SYNC_BYTES = 4_096;

/** The real ones. */
export const SURROUNDINGS: Surroundings = {
  now: () => Date.now(),
  async freeSpace(folder) {
    const { bavail, bsize, files, ffree } = await statfs(folder, { bigint: true });
    return { bytes: bavail * bsize, files: files === 0n ? null : ffree };
  },
  async syncTimes(folder) {
    const path = join(folder, `.doctor-${randomBytes(8).toString("hex")}`);
    const file = await open(path, "wx", 0o600);
    try {
      const times: number[] = [];
      for (let write = 0; write < SYNC_WRITES; write++) {
        await file.write(Buffer.alloc(SYNC_BYTES, write), 0, SYNC_BYTES, write * SYNC_BYTES);
        const startedAt = performance.now();
        await file.sync();
        times.push(performance.now() - startedAt);
      }
      return times;
    } finally {
      await file.close();
      await unlink(path);
    }
  },
  readDate: (url, timeoutMs) =>
    new Promise((resolve) => {
      const request = new URL(url).protocol === "https:" ? requestHttps : requestHttp;
      const askedAtMs = Date.now();
      const asked = request(url, { method: "HEAD", agent: false }, (response) => {
        const answeredAtMs = Date.now();
        response.destroy();
        const dateMs = Date.parse(response.headers.date ?? "");
        resolve(Number.isNaN(dateMs) ? null : { dateMs, askedAtMs, answeredAtMs });
      });
      // Not `timeout`, which only counts the time in which nothing comes.
      const timer = setTimeout(() => asked.destroy(), timeoutMs);
      asked.on("error", () => resolve(null));
      asked.on("close", () => {
        clearTimeout(timer);
        resolve(null);
      });
      asked.end();
    }),
};

/** Whether something accepts a TCP connection there. */
export function accepts(
  { host, port }: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.once("connect", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}

/** Null where a server can listen there, the system's code where it cannot. */
export function listenFailure(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    server.listen({ host, port }, () => server.close(() => resolve(null)));
  });
}

import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Domain } from "@mach/core";
import pg from "pg";
import { createPostgresDatabase } from "../../src/store/postgres-database.ts";
import { migrate } from "../../src/store/postgres-schema.ts";

/** A private PostgreSQL in a temporary folder, on a loopback port. */
export interface PostgresCluster {
  /** Makes an empty database, and gives its URL. */
  createDatabase(name: string): Promise<string>;
  /** Makes a database with this program's tables. */
  createMigrated(name: string, domain: Domain): Promise<string>;
  /** Ends the server at once, as a crash of its machine would. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const SETTLE_MS = 20_000;

/** The folder of PostgreSQL's programs, the newest there is; null on a machine without. */
export function findPostgres(): string | null {
  const versions = "/usr/lib/postgresql";
  const installed = existsSync(versions)
    ? readdirSync(versions).sort((a, b) => Number(b) - Number(a))
    : [];
  const folders = [
    ...installed.map((version) => join(versions, version, "bin")),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  const hasAll = (folder: string): boolean =>
    ["initdb", "postgres"].every((name) => existsSync(join(folder, name)));
  return folders.find(hasAll) ?? null;
}

/** Why tests that need a PostgreSQL are left out; said aloud, once a file. */
export function sayWithoutPostgres(what: string): void {
  process.stderr.write(
    `\n*** SKIPPED: ${what}. There is no PostgreSQL on this machine (initdb and postgres, under ` +
      "/usr/lib/postgresql or in PATH): install Debian's package `postgresql`. ***\n\n",
  );
}

/** Makes and starts a cluster of its own; nothing of it is left when it was stopped. */
export async function startPostgres(programs: string): Promise<PostgresCluster> {
  const folder = mkdtempSync(join(tmpdir(), "mach-postgres-"));
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  const owner = ownerOf();
  if (owner !== null) for (const path of [folder, data]) chownSync(path, owner.uid, owner.gid);
  const as = { ...(owner ?? {}), cwd: folder, env: { PATH: process.env["PATH"] ?? "" } };
  const init = ["-D", data, "-U", "mach", "--auth=trust", "--no-sync", "--encoding=UTF8"];
  execFileSync(join(programs, "initdb"), [...init, "--locale=C"], { ...as, stdio: "pipe" });
  const port = await freePort();
  const url = (name: string): string => `postgres://mach@127.0.0.1:${port}/${name}`;
  let ended: Promise<unknown> = Promise.resolve();
  let end = (_: NodeJS.Signals): void => undefined;

  async function start(): Promise<void> {
    const settings = ["fsync=off", `port=${port}`, "listen_addresses=127.0.0.1"];
    settings.push(`unix_socket_directories=${folder}`, "max_connections=64");
    const args = ["-D", data, ...settings.flatMap((each) => ["-c", each])];
    const child = spawn(join(programs, "postgres"), args, { ...as, stdio: "ignore" });
    const killAtExit = (): void => void child.kill("SIGQUIT");
    process.once("exit", killAtExit);
    ended = new Promise((resolve) => {
      child.once("exit", () => {
        process.off("exit", killAtExit);
        resolve(undefined);
      });
    });
    end = (signal) => void child.kill(signal);
    await untilReady(url("postgres"));
  }

  async function kill(): Promise<void> {
    // The postmaster's own way to end without a checkpoint, its children with it.
    end("SIGQUIT");
    await ended;
  }

  async function createDatabase(name: string): Promise<string> {
    const client = new pg.Client({ connectionString: url("postgres") });
    await client.connect();
    await client.query(`create database ${pg.escapeIdentifier(name)}`);
    await client.end();
    return url(name);
  }

  await start();
  return {
    createDatabase,
    async createMigrated(name, domain) {
      const created = await createDatabase(name);
      const database = createPostgresDatabase(created, { maxConnections: 1 });
      const result = await migrate(database, domain);
      await database.stop();
      if (!result.ok) throw new Error(result.code);
      return created;
    },
    kill,
    start,
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root: then as the user that owns nothing. */
function ownerOf(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const id = (flag: string): number => Number(execFileSync("id", [flag, "nobody"]).toString());
  return { uid: id("-u"), gid: id("-g") };
}

async function untilReady(connectionString: string): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 1_000 });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      // It is still starting, or recovering from its end.
      await client.end().catch(() => undefined);
      if (performance.now() > deadline) throw error;
      await sleep(25);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return address.port;
}

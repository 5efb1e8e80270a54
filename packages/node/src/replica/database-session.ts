import { setTimeout as sleep } from "node:timers/promises";
import type { Domain } from "@mach/core";
import pg from "pg";
import { NodeError } from "../node-error.ts";
import { connectionOptions, type Query, queryOf, unavailable } from "../store/postgres-database.ts";
import { adviceOnSchema, checkSchema } from "../store/postgres-schema.ts";

/** One connection, with what belongs to it alone: locks and notifications. */
export interface DatabaseSession {
  readonly query: Query;
  /** Aborted once it is broken. */
  readonly signal: AbortSignal;
  /** Hears of each notification on a channel from now on. */
  listen(channel: string, onNotice: () => void): Promise<void>;
  close(): Promise<void>;
}

/** A session that says nothing for so long is ended by the database, and its locks with it. */
const IDLE_TIMEOUT = "15s";
const GOODBYE_MS = 500;

/**
 * Connects, and checks that the database is this network's and this program's. Throws a NodeError
 * `database-unavailable`, or `database-unusable` with what to do.
 */
export async function openSession(url: string, domain: Domain): Promise<DatabaseSession> {
  const client = new pg.Client(connectionOptions(url));
  const broken = new AbortController();
  client.on("error", () => broken.abort());
  client.on("end", () => broken.abort());
  const query = queryOf(client);
  try {
    await client.connect().catch((cause: unknown) => {
      throw unavailable(cause);
    });
    await query(`set idle_session_timeout = '${IDLE_TIMEOUT}'`);
    const check = await checkSchema(query, domain);
    if (!check.ok) throw new NodeError("database-unusable", adviceOnSchema(check));
  } catch (error) {
    await end(client);
    throw error;
  }
  return {
    query,
    signal: broken.signal,
    async listen(channel, onNotice) {
      client.on("notification", onNotice);
      await query(`listen ${pg.escapeIdentifier(channel)}`);
    },
    close: () => end(client),
  };
}

/** At once where a statement is under way: then it is cut off, and that statement fails. */
async function end(client: pg.Client): Promise<void> {
  const goodbye = client.end().catch(() => undefined);
  // Nor is a database waited for that does not say goodbye.
  await Promise.race([goodbye, sleep(GOODBYE_MS, undefined, { ref: false })]);
}

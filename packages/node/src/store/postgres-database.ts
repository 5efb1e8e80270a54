import pg from "pg";
import { NodeError } from "../node-error.ts";

/** Runs one statement; rows are what PostgreSQL gave, to be parsed by who asked. */
export type Query = (
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** A PostgreSQL database, read and written through a few connections. */
export interface PostgresDatabase {
  /** Throws a NodeError `database-unavailable` where it is out of reach. */
  readonly query: Query;
  /** Runs one atomic change, alone among all writers of the network. */
  change<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /** Reads as of one moment. */
  read<T>(work: (query: Query) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** How long one statement may take, and a connection to be made, milliseconds. */
const STATEMENT_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 3_000;
/** How long one waits until a connection is free, milliseconds. */
const POOL_TIMEOUT_MS = 10_000;

/** Names this program's advisory locks among those of other programs in one database. */
const LOCK_SPACE = 0x6d616368;
const WRITE_LOCK = 1;
/** Held by the one node whose view of the network is published. */
const PUBLISHER_LOCK = 2;

/** What a connection is opened with; a half-open one must not hold a lock for hours. */
export function connectionOptions(
  url: string,
  statementTimeoutMs: number = STATEMENT_TIMEOUT_MS,
): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: "mach",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: statementTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 2 * STATEMENT_TIMEOUT_MS,
    keepAlive: true,
  };
}

/** Opens connections as they are needed; nothing is asked of the database yet. */
export function createPostgresDatabase(
  url: string,
  options: { readonly maxConnections: number; readonly statementTimeoutMs?: number },
): PostgresDatabase {
  const { maxConnections: max, statementTimeoutMs } = options;
  const pool = new pg.Pool({
    ...connectionOptions(url, statementTimeoutMs),
    connectionTimeoutMillis: POOL_TIMEOUT_MS,
    max,
  });
  // An idle connection that breaks is replaced by the next question, which says what is wrong.
  pool.on("error", () => undefined);
  const transaction = async <T>(begin: string, work: (query: Query) => Promise<T>): Promise<T> => {
    const client = await pool.connect().catch((cause: unknown) => {
      throw unavailable(cause);
    });
    // A connection that breaks while it is lent fails the statement that is under way.
    client.on("error", ignoreBroken);
    let isBroken = true;
    try {
      const result = await withinTransaction(queryOf(client), begin, work);
      isBroken = false;
      return result;
    } finally {
      client.off("error", ignoreBroken);
      // What is in doubt after a failure is not given to the next.
      client.release(isBroken);
    }
  };
  return {
    query: queryOf(pool),
    change: (work) => transaction(BEGIN_CHANGE, work),
    read: (work) => transaction("begin isolation level repeatable read, read only", work),
    stop: () => pool.end(),
  };
}

/** Statements of a client or a pool, with this package's errors. */
export function queryOf(target: pg.Pool | pg.ClientBase): Query {
  return async (text, values = []) => {
    try {
      // With values the statement is prepared, and several at once are not allowed there.
      const result = await (values.length === 0
        ? target.query<Record<string, unknown>>(text)
        : target.query<Record<string, unknown>>(text, [...values]));
      return result.rows;
    } catch (cause) {
      throw isStatementError(cause) ? cause : unavailable(cause);
    }
  };
}

/** Runs statements between a `begin` of the caller's choice and a commit. */
export async function withinTransaction<T>(
  query: Query,
  begin: string,
  work: (query: Query) => Promise<T>,
): Promise<T> {
  await query(begin);
  try {
    const result = await work(query);
    await query("commit");
    return result;
  } catch (error) {
    // A connection that broke has rolled back by itself: the first failure is the one to tell.
    await query("rollback").catch(() => undefined);
    throw error;
  }
}

/** Begins a change, alone among all that write: several nodes may share one database. */
export const BEGIN_CHANGE: string = `begin; select pg_advisory_xact_lock(${LOCK_SPACE}, ${WRITE_LOCK})`;

/** Whether this session holds the publisher's lock now; it ends with the session. */
export async function tryPublisherLock(query: Query): Promise<boolean> {
  const [row] = await query("select pg_try_advisory_lock($1, $2) as held", [
    LOCK_SPACE,
    PUBLISHER_LOCK,
  ]);
  return row?.["held"] === true;
}

/** That the database cannot be used now; without its cause's words, which may quote the URL. */
export function unavailable(cause: unknown): NodeError {
  const code = (cause as { readonly code?: unknown } | null)?.code;
  const name = typeof code === "string" ? code : "no answer";
  return new NodeError("database-unavailable", `The database cannot be used now (${name}).`);
}

/** Whether the database itself refused a statement for what it says: a fault of this program. */
function isStatementError(cause: unknown): boolean {
  if (!(cause instanceof pg.DatabaseError)) return false;
  const { code = "" } = cause;
  // Connection exceptions, no resources, an operator's intervention, a system's error, a lost race.
  return !/^(?:08|53|57|58|40|28|3D)/.test(code) && code !== "25P03" && code !== "25006";
}

function ignoreBroken(): void {}

import type { Domain } from "@mach/core";
import { NodeError } from "../node-error.ts";
import { createPostgresDatabase, type PostgresDatabase } from "../store/postgres-database.ts";
import { adviceOnSchema, checkSchema, SCHEMA_VERSION } from "../store/postgres-schema.ts";
import { fail, ok, type Verdict } from "./finding.ts";
import type { Check } from "./patient.ts";

/** The oldest PostgreSQL that the statements are made for, as its `server_version_num`. */
const OLDEST_VERSION = 140_000;

/** Whether the database that readers are served from is there, and is this program's. */
export const databaseCheck: Check = {
  name: "database",
  async run({ config }) {
    const { database: url, network } = config;
    if (url === undefined) return [];
    const domain = { chainId: network.chainId, verifyingContract: network.registry };
    const database = createPostgresDatabase(url, { maxConnections: 1 });
    try {
      return [await judgeDatabase(database, { domain, place: placeOf(url) })];
    } catch (error) {
      if (!(error instanceof NodeError) || error.code !== "database-unavailable") throw error;
      const found = `${placeOf(url)}: ${lowerFirst(error.message)}`;
      const next =
        "look at its host, the URL and the password; until then the node signs, and readers wait";
      return [fail({ code: error.code, found, next })];
    } finally {
      await database.stop();
    }
  },
};

async function judgeDatabase(
  { query }: Pick<PostgresDatabase, "query">,
  { domain, place }: { readonly domain: Domain; readonly place: string },
): Promise<Verdict> {
  const [row] = await query(
    "select current_setting('server_version_num') as version, pg_is_in_recovery() as copy",
  );
  const version = Number(row?.["version"]);
  const release = Math.floor(version / 10_000);
  if (!(version >= OLDEST_VERSION)) {
    const next = `use PostgreSQL ${OLDEST_VERSION / 10_000} or newer`;
    return fail({ code: "database-too-old", found: `${place} is PostgreSQL ${release}`, next });
  }
  if (row?.["copy"] !== false) {
    const found = `${place} is a copy that nothing can be written to`;
    return fail({ code: "database-read-only", found, next: "name the primary in `database`" });
  }
  const check = await checkSchema(query, domain);
  if (!check.ok) {
    const code = check.code === "wrong-domain" ? "database-of-another-network" : "database-version";
    const found = `${place} answers, and is not this network's or this program's`;
    return fail({ code, found, next: lowerFirst(adviceOnSchema(check)) });
  }
  return ok(`${place} is PostgreSQL ${release}, with tables of version ${SCHEMA_VERSION}`);
}

/** Without the user and the password. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function lowerFirst(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`.replace(/\.$/, "");
}

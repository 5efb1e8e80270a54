import { parseArgs } from "node:util";
import { NodeError } from "../node-error.ts";
import { createPostgresDatabase } from "../store/postgres-database.ts";
import { adviceOnSchema, migrate } from "../store/postgres-schema.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import { CONFIG_OPTIONS, requireConfig } from "./config-options.ts";

/** `mach db migrate`: the one way in which the tables in PostgreSQL come to be, or change. */
export const command: Command = {
  usage: `mach db migrate --config FILE [--set PATH=VALUE ...] [--no-env] [--json]

Brings the tables of the database that the configuration names (its field database) to the version
that this program needs: all of it, or nothing. Versions only rise. Run it once before the first
node writes there, and again after an update that says so, with nodes and API processes stopped.

Exit code: 0 done (also where nothing was to do), 1 not done, 2 wrong configuration or usage.`,
  run: migrateDatabase,
};

/** Whole tables may be written anew. */
const LONGEST_STATEMENT_MS = 3_600_000;

async function migrateDatabase(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: { ...CONFIG_OPTIONS, json: { type: "boolean" } },
  });
  const { database: url, network } = requireConfig(values, context);
  if (url === undefined) throw new UsageError("the configuration names no database");
  const database = createPostgresDatabase(url, {
    maxConnections: 1,
    statementTimeoutMs: LONGEST_STATEMENT_MS,
  });
  try {
    const domain = { chainId: network.chainId, verifyingContract: network.registry };
    const migrated = await migrate(database, domain);
    if (!migrated.ok) {
      return { exitCode: 1, json: { code: migrated.code }, sentence: adviceOnSchema(migrated) };
    }
    const { from, to } = migrated;
    const sentence =
      from === to
        ? `the tables have version ${to} already: nothing was to do`
        : `the tables have version ${to} now (before: ${from === 0 ? "none" : from})`;
    return { exitCode: 0, json: { from, to }, sentence };
  } catch (error) {
    // Its own words say what is wrong; a stack would only hide them.
    if (!(error instanceof NodeError)) throw error;
    return { exitCode: 1, json: { code: error.code }, sentence: error.message };
  } finally {
    await database.stop();
  }
}

import { afterAll, beforeAll, describe, onTestFinished } from "vitest";
import type { DataFolder } from "../../src/data-folder.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import {
  createPostgresDatabase,
  type PostgresDatabase,
} from "../../src/store/postgres-database.ts";
import { createPostgresStore } from "../../src/store/postgres-store.ts";
import type { Store, StoreOptions } from "../../src/store/store.ts";
import { IDENTITY } from "../signer/test-claims.ts";
import { lockedFolder } from "../signer/test-folders.ts";
import {
  findPostgres,
  type PostgresCluster,
  sayWithoutPostgres,
  startPostgres,
} from "./postgres-cluster.ts";

/** Bounds that a test reaches with few rows. */
export const OPTIONS: StoreOptions = {
  domain: IDENTITY.domain,
  maxEvidence: 5,
  maxAlerts: 3,
  participationEpochs: 32,
};

/** The LMDB store of a folder, closed with the test. */
export async function lmdbStoreIn(folder: DataFolder, options = OPTIONS): Promise<Store> {
  const result = await openLmdbStore(folder, options);
  if (!result.ok) throw new Error(result.code);
  onTestFinished(() => result.store.stop());
  return result.store;
}

/** Runs a suite on an empty store of each kind for each of its tests. */
export function describeStores(
  what: string,
  suite: (createStore: () => Promise<Store>) => void,
): void {
  describe(`${what} in memory`, () => suite(async () => createMemoryStore(OPTIONS)));
  describe(`${what} in LMDB`, () => suite(async () => lmdbStoreIn(await lockedFolder())));
  const programs = findPostgres();
  if (programs === null) sayWithoutPostgres(`${what} in PostgreSQL`);
  describe.runIf(programs !== null)(`${what} in PostgreSQL`, () => {
    let cluster: PostgresCluster;
    let database: PostgresDatabase;
    beforeAll(async () => {
      cluster = await startPostgres(programs ?? "");
      const url = await cluster.createMigrated("store", OPTIONS.domain);
      database = createPostgresDatabase(url, { maxConnections: 4 });
    }, 60_000);
    afterAll(async () => {
      await database?.stop();
      await cluster?.stop();
    });
    suite(async () => {
      await emptyTables(database);
      return createPostgresStore(database, OPTIONS);
    });
  });
}

async function emptyTables({ query }: PostgresDatabase): Promise<void> {
  const rows = await query(
    `select string_agg(format('mach.%I', tablename), ', ') as tables from pg_tables
     where schemaname = 'mach' and tablename not in ('network', 'migrations')`,
  );
  await query(`truncate ${String(rows[0]?.["tables"])}`);
}

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPostgresDatabase } from "../../src/store/postgres-database.ts";
import { checkSchema, SCHEMA_VERSION } from "../../src/store/postgres-schema.ts";
import {
  findPostgres,
  type PostgresCluster,
  sayWithoutPostgres,
  startPostgres,
} from "../store/postgres-cluster.ts";
import { documentFolder, machJson } from "./cli-runs.ts";

const DOMAIN = { chainId: 31_337n, verifyingContract: `0x${"5f".repeat(20)}` } as const;
const folder = documentFolder();

function configOf(database: string | undefined, registry = DOMAIN.verifyingContract): string {
  return folder.write(`${Math.random()}.json`, {
    dataDir: "data",
    network: { chainId: 31_337, registry },
    ...(database !== undefined && { database }),
    l1: { rpcUrls: ["http://127.0.0.1:1"] },
    rollups: [{ rollupId: 902, rpcUrls: ["http://127.0.0.1:1"] }],
  });
}

const migrate = (file: string): Promise<unknown> =>
  machJson("db", "migrate", "--no-env", "--config", file);

it("a configuration without a database is wrong usage, and so is a URL of another kind", async () => {
  expect(await migrate(configOf(undefined))).toMatchObject({ exitCode: 2, code: "wrong-usage" });
  const other = await migrate(configOf("mysql://127.0.0.1/mach"));
  expect(other).toMatchObject({ exitCode: 2, message: expect.stringContaining("postgres://") });
});

it("a database that is out of reach is said to be, without its password", async () => {
  const answer = await migrate(configOf("postgres://mach:secret@127.0.0.1:1/mach"));
  expect(answer).toMatchObject({ exitCode: 1, code: "database-unavailable" });
  expect(JSON.stringify(answer)).not.toContain("secret");
});

const programs = findPostgres();
if (programs === null) sayWithoutPostgres("migrations of a database");

describe.runIf(programs !== null)("the tables of a database", () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(programs ?? "");
  }, 60_000);
  afterAll(() => cluster?.stop());

  async function query(url: string, text: string): Promise<void> {
    const database = createPostgresDatabase(url, { maxConnections: 1 });
    await database.query(text);
    await database.stop();
  }

  async function check(url: string, domain = DOMAIN): Promise<unknown> {
    const database = createPostgresDatabase(url, { maxConnections: 1 });
    const result = await checkSchema(database.query, domain);
    await database.stop();
    return result;
  }

  it("are missing until they are made, and are made once", async () => {
    const url = await cluster.createDatabase("fresh");
    expect(await check(url)).toEqual({ ok: false, code: "wrong-version", version: 0 });
    const file = configOf(url);
    expect(await migrate(file)).toEqual({ exitCode: 0, from: 0, to: SCHEMA_VERSION });
    expect(await check(url)).toMatchObject({ ok: true });
    expect(await migrate(file)).toEqual({ exitCode: 0, from: SCHEMA_VERSION, to: SCHEMA_VERSION });
  });

  it("are made once by two at the same time", async () => {
    const file = configOf(await cluster.createDatabase("raced"));
    const both = await Promise.all([migrate(file), migrate(file)]);
    expect(both).toEqual([
      expect.objectContaining({ exitCode: 0 }),
      expect.objectContaining({ exitCode: 0 }),
    ]);
  });

  it("of another network are left alone", async () => {
    const url = await cluster.createMigrated("other", DOMAIN);
    const answer = await migrate(configOf(url, `0x${"60".repeat(20)}`));
    expect(answer).toEqual({ exitCode: 1, code: "wrong-domain" });
    expect(await check(url)).toMatchObject({ ok: true });
  });

  it("of a newer program are left alone", async () => {
    const url = await cluster.createMigrated("newer", DOMAIN);
    const version = SCHEMA_VERSION + 1;
    await query(url, `insert into mach.migrations (version) values (${version})`);
    expect(await migrate(configOf(url))).toEqual({ exitCode: 1, code: "wrong-version" });
    expect(await check(url)).toEqual({ ok: false, code: "wrong-version", version });
  });
});

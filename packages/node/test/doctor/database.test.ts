import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createNativeBls } from "@mach/bls";
import type { Domain } from "@mach/core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../../src/config.ts";
import { databaseCheck } from "../../src/doctor/database.ts";
import type { Verdict } from "../../src/doctor/finding.ts";
import { SURROUNDINGS } from "../../src/doctor/surroundings.ts";
import { createPostgresDatabase } from "../../src/store/postgres-database.ts";
import { SCHEMA_VERSION } from "../../src/store/postgres-schema.ts";
import {
  findPostgres,
  type PostgresCluster,
  sayWithoutPostgres,
  startPostgres,
} from "../store/postgres-cluster.ts";

const DOMAIN: Domain = { chainId: 31_337n, verifyingContract: `0x${"5f".repeat(20)}` };
const programs = findPostgres();
let postgres: PostgresCluster | null = null;

beforeAll(async () => {
  if (programs === null) sayWithoutPostgres("what the doctor says of a database");
  else postgres = await startPostgres(programs);
}, 60_000);

afterAll(() => postgres?.stop());

/** What is said of the database of a configuration; nothing else in it is looked at. */
async function look(database?: string): Promise<readonly Verdict[]> {
  const loaded = loadConfig({
    flags: {
      ...{ dataDir: "data", "l1.rpcUrls": "http://127.0.0.1:9" },
      "network.chainId": `${DOMAIN.chainId}`,
      "network.registry": DOMAIN.verifyingContract,
      rollups: '[{ "rollupId": "901", "rpcUrls": "http://127.0.0.1:9" }]',
      ...(database !== undefined && { database }),
    },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const never = (): never => expect.fail("only the database is asked");
  return await databaseCheck.run({
    ...{ config: loaded.config, configFile: null, surroundings: SURROUNDINGS },
    ...{ bls: createNativeBls(), folder: { state: "missing" } },
    ...{ l1Endpoints: never, l1: never, ownKey: never },
  });
}

it("says nothing of a database where none is named", async () => {
  expect(await look()).toEqual([]);
});

it("finds a database that is out of reach, and shows no password", async () => {
  const [verdict] = await look("postgres://mach:horse@127.0.0.1:9/mach");
  expect(verdict).toMatchObject({ level: "fail", code: "database-unavailable" });
  expect(verdict?.found).toContain("ECONNREFUSED");
  expect(JSON.stringify(verdict)).not.toContain("horse");
});

it("finds another program in a database's place", async () => {
  const server = createServer((_, response) => void response.end()).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const [verdict] = await look(`postgres://mach@127.0.0.1:${port}/mach`);
  expect(verdict).toMatchObject({ level: "fail", code: "database-unavailable" });
});

it.runIf(programs !== null)("tells a database that is this network's and version", async () => {
  const url = (await postgres?.createMigrated("sound", DOMAIN)) ?? "";
  const version = expect.stringContaining(`version ${SCHEMA_VERSION}`);
  expect(await look(url)).toMatchObject([{ level: "ok", found: version }]);
  const database = createPostgresDatabase(url, { maxConnections: 1 });
  await database.query("insert into mach.migrations (version) values (1000)");
  await database.stop();
  expect(await look(url)).toMatchObject([{ level: "fail", code: "database-version" }]);
});

it.runIf(programs !== null)("finds one without tables, and one of another network", async () => {
  const empty = (await postgres?.createDatabase("empty")) ?? "";
  const [verdict] = await look(empty);
  expect(verdict).toMatchObject({ level: "fail", code: "database-version" });
  expect(verdict?.next).toContain("mach db migrate");
  const other = (await postgres?.createMigrated("other", { ...DOMAIN, chainId: 1n })) ?? "";
  const foreign = { level: "fail", code: "database-of-another-network" };
  expect(await look(other)).toMatchObject([foreign]);
});

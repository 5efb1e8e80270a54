import type { Alert } from "@mach/api";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  createPostgresDatabase,
  type PostgresDatabase,
} from "../../src/store/postgres-database.ts";
import { migrate, SCHEMA_VERSION } from "../../src/store/postgres-schema.ts";
import { createPostgresStore } from "../../src/store/postgres-store.ts";
import { type Store, storeOptions } from "../../src/store/store.ts";
import { certify, claimAt, DOMAIN, doubleAttestation, ROLLUP_ID } from "../engine/engine-node.ts";
import {
  findPostgres,
  type PostgresCluster,
  sayWithoutPostgres,
  startPostgres,
} from "./postgres-cluster.ts";

const OPTIONS = { ...storeOptions(DOMAIN), maxEvidence: 50, maxAlerts: 3 };
const ALL = [0, 1, 2, 3];
const programs = findPostgres();
if (programs === null) sayWithoutPostgres("what only a store in PostgreSQL can meet");

it("a database that is out of reach is a coded failure, and never an empty answer", async () => {
  const url = "postgres://mach:secret@127.0.0.1:1/mach";
  const store = createPostgresStore(createPostgresDatabase(url, { maxConnections: 2 }), OPTIONS);
  const away = expect.objectContaining({
    code: "database-unavailable",
    message: expect.not.stringContaining("secret"),
  });
  await expect(store.certificateAt(ROLLUP_ID, 5n)).rejects.toEqual(away);
  await expect(store.listAlerts()).rejects.toEqual(away);
  await expect(store.putEvidence(doubleAttestation(0, 1n))).rejects.toEqual(away);
  await store.stop();
});

describe.runIf(programs !== null)("a store in PostgreSQL", () => {
  let cluster: PostgresCluster;
  let count = 0;
  beforeAll(async () => {
    cluster = await startPostgres(programs ?? "");
  }, 60_000);
  afterAll(() => cluster?.stop());

  async function open(): Promise<{ readonly database: PostgresDatabase; readonly store: Store }> {
    count += 1;
    const url = await cluster.createMigrated(`store${count}`, DOMAIN);
    const database = createPostgresDatabase(url, { maxConnections: 8 });
    onTestFinished(() => database.stop());
    return { database, store: createPostgresStore(database, OPTIONS) };
  }

  it("keeps apart what several write at once", async () => {
    const { store } = await open();
    const evidence = [1n, 2n, 3n, 4n, 5n, 6n].map((number) => doubleAttestation(1, number));
    const twice = [...evidence, ...evidence];
    const put = await Promise.all(twice.map((each) => store.putEvidence(each)));
    expect(put.filter((each) => each.ok && each.isNew)).toHaveLength(6);
    const kept = await store.listEvidence({ from: 0n, limit: 100 });
    expect(kept.map(({ position }) => position)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
    const alertOf = (alertId: string): Alert => ({
      ...{ alertId, code: "reorg", severity: "warning", rollupId: null, message: "Look." },
      ...{ raisedAt: 1n, clearedAt: null },
    });
    await Promise.all(["a", "b", "c", "d", "e"].map((id) => store.putAlert(alertOf(id))));
    expect(await store.listAlerts()).toHaveLength(3);
  });

  it("finds what was replaced at a height before the version that notes the height", async () => {
    const { database, store } = await open();
    const [worse, better] = [[1, 2, 3], ALL].map((signers) => certify(claimAt(5n), signers));
    for (const each of [worse, better, certify(claimAt(6n), ALL)]) {
      if (each !== undefined) await store.putCertificate(each);
    }
    await database.query(
      `alter table mach.certificates drop column of_rollup, drop column at_block;
       drop table mach.kept_from; delete from mach.migrations where version = 2`,
    );
    expect(await migrate(database, DOMAIN)).toEqual({ ok: true, from: 1, to: SCHEMA_VERSION });
    const step = { kind: "certificates", rollupId: ROLLUP_ID, belowBlock: 6n } as const;
    expect(await store.prune({ ...step, belowEpoch: 9n })).toEqual({ removed: 1, isDone: true });
    expect(await database.query("select at_block::text from mach.certificates")).toEqual([
      { at_block: "6" },
    ]);
  });

  it("never serves a certificate of which a byte was flipped, or that is another's", async () => {
    const { database, store } = await open();
    const [one, other] = [certify(claimAt(5n), ALL), certify(claimAt(6n), ALL)];
    for (const each of [one, other]) await store.putCertificate(each);
    const corrupt = expect.objectContaining({ code: "row-corrupt" });
    const id = Buffer.from(one.certificateId.slice(2), "hex");
    for (const position of [0, 31, 32, 200, 700]) {
      const flip = (): Promise<unknown> =>
        database.query(
          `update mach.certificates set document =
             set_byte(document, $2, get_byte(document, $2) # 1) where certificate_id = $1`,
          [id, position],
        );
      await flip();
      await expect(store.certificateById(one.certificateId)).rejects.toEqual(corrupt);
      await expect(store.certificateAt(ROLLUP_ID, 5n)).rejects.toEqual(corrupt);
      await expect(store.listCertificates({ rollupId: ROLLUP_ID, limit: 9 })).rejects.toEqual(
        corrupt,
      );
      await flip();
    }
    expect(await store.certificateAt(ROLLUP_ID, 5n)).toEqual(one);
    // A height that names another height's certificate.
    await database.query("update mach.heights set certificate_id = $1 where block_number = 6", [
      id,
    ]);
    await expect(store.certificateAt(ROLLUP_ID, 6n)).rejects.toEqual(corrupt);
    await expect(store.newestCertificate(ROLLUP_ID)).rejects.toEqual(corrupt);
  });

  it("fails while its database is away, and goes on when it is back", async () => {
    const { store } = await open();
    const certificate = certify(claimAt(5n), ALL);
    await store.putCertificate(certificate);
    await cluster.kill();
    const away = expect.objectContaining({ code: "database-unavailable" });
    await expect(store.certificateAt(ROLLUP_ID, 5n)).rejects.toEqual(away);
    await expect(store.putCertificate(certificate)).rejects.toEqual(away);
    await cluster.start();
    expect(await store.certificateAt(ROLLUP_ID, 5n)).toEqual(certificate);
  });
});

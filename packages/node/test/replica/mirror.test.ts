import { claimDigest, finalityOf, type Hex, type VerifiedCertificate } from "@mach/core";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startApi } from "../../src/api-process.ts";
import { loadConfig, type NodeConfig } from "../../src/config.ts";
import { createFreshness } from "../../src/replica/freshness.ts";
import { createReplica, type Replica } from "../../src/replica/replica.ts";
import {
  encodePublishedHeight,
  type PublishedHeight,
  publishedHeightSchema,
} from "../../src/replica/view-documents.ts";
import { evidenceId } from "../../src/store/evidence-id.ts";
import {
  createPostgresDatabase,
  type PostgresDatabase,
} from "../../src/store/postgres-database.ts";
import { createPostgresStore } from "../../src/store/postgres-store.ts";
import { openRow, sealRow } from "../../src/store/row.ts";
import { numberKey } from "../../src/store/row-key.ts";
import { type Store, storeOptions } from "../../src/store/store.ts";
import { createEventHub, type EventHub } from "../../src/view/events.ts";
import {
  blockAt,
  bls,
  certify,
  claimAt,
  DOMAIN,
  doubleAttestation,
  operatorSetOf,
  ROLLUP_ID,
  updateBy,
  useVerifier,
} from "../engine/engine-node.ts";
import {
  findPostgres,
  type PostgresCluster,
  sayWithoutPostgres,
  startPostgres,
} from "../store/postgres-cluster.ts";
import { createPublishingNode } from "./publishing-node.ts";

const SOON = { timeout: 20_000, interval: 10 };
const ALL = [0, 1, 2, 3];
const verifier = useVerifier();
const programs = findPostgres();
if (programs === null) sayWithoutPostgres("what a node brings to a database");

interface Reading {
  readonly replica: Replica;
  readonly events: EventHub;
  fastFinal(): bigint | null | "stale";
  certified(blockNumber: bigint): VerifiedCertificate | null;
}

function read(url: string): Reading {
  const freshness = createFreshness({ maxAgeMs: 5_000, clock: () => performance.now() });
  const events = createEventHub();
  const replica = createReplica(
    {
      ...{ bls, freshness, events, logger: pino({ level: "silent" }) },
      onUnusable: () => undefined,
      clock: () => performance.now(),
    },
    { url, store: storeOptions(DOMAIN), pollMs: 50 },
  );
  replica.start();
  onTestFinished(() => replica.stop());
  const rollup = () => replica.state().rollups.get(ROLLUP_ID);
  return {
    replica,
    events,
    fastFinal() {
      if (!freshness.isFresh()) return "stale";
      return rollup()?.newest?.certificate.claim.blockNumber ?? null;
    },
    certified: (blockNumber) => rollup()?.certified.get(blockNumber)?.certificate ?? null,
  };
}

describe.runIf(programs !== null)("a database for readers", () => {
  let cluster: PostgresCluster;
  let count = 0;
  beforeAll(async () => {
    cluster = await startPostgres(programs ?? "");
  }, 60_000);
  afterAll(() => cluster?.stop());

  async function openDatabase(): Promise<{
    readonly url: string;
    readonly database: PostgresDatabase;
    readonly store: Store;
  }> {
    count += 1;
    const url = await cluster.createMigrated(`mirror${count}`, DOMAIN);
    const database = createPostgresDatabase(url, { maxConnections: 2 });
    onTestFinished(() => database.stop());
    return { url, database, store: createPostgresStore(database, storeOptions(DOMAIN)) };
  }

  const idAt = async (store: Store, blockNumber: bigint): Promise<Hex | undefined> =>
    (await store.certificateAt(ROLLUP_ID, blockNumber))?.certificateId;

  it("is filled from a node's store when it does not have what was sent", async () => {
    const { url, store } = await openDatabase();
    const one = await createPublishingNode(url, verifier());
    for (const number of [3n, 4n, 5n]) await one.certify(number);
    const evidence = doubleAttestation(2, 6n);
    await one.store.putEvidence(evidence);
    await one.store.putSetUpdate(updateBy(ALL, 1n));
    // As if all of it had been sent to a database that was lost since.
    await one.journal.removeThrough(one.journal.newest());
    await one.journal.setComplete(true);
    one.start();
    await expect.poll(() => idAt(store, 5n), SOON).toBe(certify(claimAt(5n), ALL).certificateId);
    expect(await store.listCertificates({ rollupId: ROLLUP_ID, from: 0n, limit: 9 })).toEqual(
      await one.store.listCertificates({ rollupId: ROLLUP_ID, from: 0n, limit: 9 }),
    );
    expect((await store.listEvidence({ limit: 9 })).map((each) => each.evidence)).toEqual([
      evidence,
    ]);
    expect(await store.setUpdateOf(1n)).toEqual(updateBy(ALL, 1n));
    expect((await store.epochRecord(1n))?.operatorSet).toEqual(operatorSetOf(1n));
    await expect.poll(() => one.journal.isComplete(), SOON).toBe(true);
  });

  it("loses what the publisher pruned, and takes it from no other node again", async () => {
    const { url, database, store } = await openDatabase();
    const one = await createPublishingNode(url, verifier());
    for (const number of [3n, 4n, 6n, 7n]) await one.certify(number);
    const [old, young] = [doubleAttestation(2, 5n), doubleAttestation(1, 6n)];
    for (const evidence of [old, young]) await one.store.putEvidence(evidence);
    await one.store.putSetUpdate(updateBy(ALL, 1n));
    one.start();
    await expect.poll(() => idAt(store, 7n), SOON).toBe(certify(claimAt(7n), ALL).certificateId);
    await expect.poll(() => one.journal.size(), SOON).toBe(0);

    const certificates = { kind: "certificates", rollupId: ROLLUP_ID } as const;
    await one.store.prune({ ...certificates, belowBlock: 6n, belowEpoch: 9n });
    await one.store.prune({ kind: "evidence", evidenceIds: [evidenceId(old)] });
    await one.store.prune({ kind: "sets", belowEpoch: 1n, except: new Set() });
    await expect.poll(() => store.keptFrom({ kind: "sets" }), SOON).toBe(1n);
    expect(await store.keptFrom(certificates)).toBe(6n);
    const kept = await store.listCertificates({ rollupId: ROLLUP_ID, from: 0n, limit: 9 });
    expect(kept.map(({ claim }) => claim.blockNumber)).toEqual([6n, 7n]);
    expect((await store.listEvidence({ limit: 9 })).map((each) => each.evidence)).toEqual([young]);
    expect(await store.epochRecord(0n)).toBeNull();
    expect(await store.setUpdateOf(1n)).toBeNull();
    expect(await store.epochRecord(1n)).not.toBeNull();

    // Another node still keeps it all, and does not publish.
    const other = await createPublishingNode(url, verifier());
    for (const number of [3n, 8n]) await other.certify(number);
    other.start();
    await expect.poll(() => idAt(store, 8n), SOON).toBe(certify(claimAt(8n), ALL).certificateId);
    expect(await idAt(store, 3n)).toBeUndefined();
    const rows = await database.query("select count(*)::int as count from mach.certificates");
    expect(rows).toEqual([{ count: 3 }]);
  });

  it("keeps the better certificate, whichever node sends the other, and has one publisher", async () => {
    const { url, database, store } = await openDatabase();
    const one = await createPublishingNode(url, verifier());
    await one.certify(5n);
    one.start();
    const reading = read(url);
    await expect.poll(() => reading.fastFinal(), SOON).toBe(5n);

    const other = await createPublishingNode(url, verifier());
    const worse = [1, 2, 3];
    await other.certify(5n, worse);
    await other.certify(7n, worse);
    other.start();
    await expect.poll(() => idAt(store, 7n), SOON).toBe(certify(claimAt(7n), worse).certificateId);
    await expect.poll(() => other.journal.size(), SOON).toBe(0);
    expect(await idAt(store, 5n)).toBe(certify(claimAt(5n), ALL).certificateId);
    const { certificateId } = certify(claimAt(5n), worse);
    expect(await store.certificateById(certificateId)).toMatchObject({ certificateId });
    expect(await database.query("select run from mach.view")).toEqual([{ run: one.events.run }]);
    await expect.poll(() => reading.fastFinal(), SOON).toBe(5n);

    const heard: unknown[] = [];
    reading.events.subscribe(({ topic }, { run, isAfterGap }) => {
      if (topic === "certificate") heard.push([run === other.events.run, isAfterGap]);
    });
    await one.stop();
    await expect.poll(() => reading.fastFinal(), SOON).toBe(7n);
    await other.certify(8n);
    await other.certify(9n);
    await expect
      .poll(() => heard, SOON)
      .toEqual([
        [true, true],
        [true, false],
      ]);
  });

  it("tells of a reorg: what the node left is gone, and its certificates are no longer told", async () => {
    const { url } = await openDatabase();
    const one = await createPublishingNode(url, verifier());
    await one.certify(6n);
    one.start();
    const reading = read(url);
    await expect.poll(() => reading.fastFinal(), SOON).toBe(6n);
    const rollup = () => reading.replica.state().rollups.get(ROLLUP_ID);
    expect(rollup()?.tip?.blockNumber).toBe(10n);
    one.node.shell.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: 7n });
    await one.certify(7n);
    await expect.poll(() => reading.fastFinal(), SOON).toBe(7n);
    const own = one.node.shell.state().rollups.get(ROLLUP_ID);
    expect([...(rollup()?.blocks.keys() ?? [])]).toEqual([...(own?.blocks.keys() ?? [])]);
    expect(rollup()?.tip).toEqual(own?.tip);
  });

  it("has what any node found contradicted, whoever publishes", async () => {
    const { url, store } = await openDatabase();
    const one = await createPublishingNode(url, verifier());
    for (const number of [3n, 5n, 7n]) await one.certify(number);
    one.start();
    const reading = read(url);
    await expect.poll(() => reading.fastFinal(), SOON).toBe(7n);
    const digest = claimDigest(DOMAIN, claimAt(5n));
    const claims = [{ blockNumber: 5n, digest }];
    const contradiction = { fromBlockNumber: 5n, throughBlockNumber: 5n, claims };
    await store.putContradiction({ rollupId: ROLLUP_ID, contradiction });
    await expect.poll(() => reading.fastFinal(), SOON).toBe(3n);
    expect(finalityOf(reading.replica.state(), ROLLUP_ID, 0)?.reason?.code).toBe("contradicted");
    const heard: unknown[] = [];
    reading.events.subscribe(({ topic, answer }) => {
      if (topic === "certificate") heard.push(answer.data.claim.blockNumber);
      if (topic === "finality") heard.push(`final ${answer.data.fastFinal?.blockNumber}`);
    });
    await one.certify(8n);
    await one.certify(9n);
    await expect.poll(() => heard, SOON).toEqual([8n, "final 3", 9n, "final 3"]);
    // L1 has passed it: what is above is served again, and it never.
    const { blockHash, timestamp } = blockAt(6n);
    const finalized = { blockNumber: 6n, blockHash, timestamp };
    one.node.shell.input({ type: "heads", rollupId: ROLLUP_ID, safe: null, finalized });
    await expect.poll(() => reading.fastFinal(), SOON).toBe(9n);
    const rollup = reading.replica.state().rollups.get(ROLLUP_ID);
    expect(rollup?.contradicted.has(digest)).toBe(true);
  });

  it("is not believed: a certificate that does not hold is none", async () => {
    const { url, database } = await openDatabase();
    const one = await createPublishingNode(url, verifier());
    await one.certify(5n);
    one.start();
    const first = read(url);
    await expect.poll(() => first.fastFinal(), SOON).toBe(5n);
    await one.stop();
    const key = numberKey([ROLLUP_ID, 5n]);
    const [row] = await database.query(
      "select document from mach.view_heights where block_number = 5",
    );
    const height = openRow(publishedHeightSchema, { key, bytes: row?.["document"] as Uint8Array });
    if (height.certified === null) throw new Error("expected a certificate");
    const { signature } = certify(claimAt(6n), ALL);
    const certificate = { ...height.certified.certificate, signature };
    const forged: PublishedHeight = { ...height, certified: { ...height.certified, certificate } };
    await database.query("update mach.view_heights set document = $1 where block_number = 5", [
      sealRow(key, encodePublishedHeight(forged)),
    ]);
    const second = read(url);
    await expect.poll(() => second.fastFinal(), SOON).toBe(null);
    expect(second.certified(5n)).toBeNull();
    expect(second.replica.state().rollups.get(ROLLUP_ID)?.tip?.blockNumber).toBe(10n);
  });

  it("is not read further where a byte of it is flipped", async () => {
    const { url, database } = await openDatabase();
    const one = await createPublishingNode(url, verifier());
    await one.certify(5n);
    one.start();
    const first = read(url);
    await expect.poll(() => first.fastFinal(), SOON).toBe(5n);
    await one.stop();
    await database.query(
      `update mach.view_heights set document =
         set_byte(document, 100, get_byte(document, 100) # 1) where block_number = 3`,
    );
    const second = read(url);
    const failures: unknown[] = [];
    await expect
      .poll(() => {
        failures.push(second.fastFinal());
        return failures.length > 20;
      }, SOON)
      .toBe(true);
    expect(new Set(failures)).toEqual(new Set(["stale"]));
  });

  function configOf(database: string | undefined): NodeConfig {
    const flags = {
      dataDir: "data",
      ...(database !== undefined && { database }),
      "network.chainId": "31337",
      "network.registry": DOMAIN.verifyingContract,
      "l1.rpcUrls": "http://127.0.0.1:1",
      "api.port": "0",
      rollups: '[{ "rollupId": "902", "rpcUrls": ["http://127.0.0.1:1"] }]',
      logLevel: "silent",
    };
    const loaded = loadConfig({ flags });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.config;
  }

  it("is refused in words by an API process that it is not for", async () => {
    const options = { onStop: () => undefined, signal: new AbortController().signal };
    const start = (url: string | undefined): Promise<unknown> => startApi(configOf(url), options);
    const unusable = (words: string): unknown =>
      expect.objectContaining({
        code: "database-unusable",
        message: expect.stringContaining(words),
      });
    await expect(start(undefined)).rejects.toEqual(unusable("names no database"));
    const empty = await cluster.createDatabase("empty");
    await expect(start(empty)).rejects.toEqual(unusable("mach db migrate"));
    const other = { ...DOMAIN, chainId: 1n };
    const foreign = await cluster.createMigrated("foreign", other);
    await expect(start(foreign)).rejects.toEqual(unusable("another network"));
  });
});

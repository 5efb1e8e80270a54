import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startApi } from "../../src/api-process.ts";
import { loadConfig, type NodeConfig } from "../../src/config.ts";
import { startNode } from "../../src/main.ts";
import { startFakeL1 } from "../fake-l1.ts";
import { temporaryPath } from "../signer/test-folders.ts";
import {
  findPostgres,
  type PostgresCluster,
  sayWithoutPostgres,
  startPostgres,
} from "../store/postgres-cluster.ts";

const DOMAIN = { chainId: 31_337n, verifyingContract: `0x${"5f".repeat(20)}` } as const;
const SOON = { timeout: 20_000, interval: 50 };
const programs = findPostgres();
if (programs === null) sayWithoutPostgres("a whole node that writes to a database");

describe.runIf(programs !== null)("a whole node", () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(programs ?? "");
  }, 60_000);
  afterAll(() => cluster?.stop());

  async function configOf(changes: Readonly<Record<string, string>>): Promise<NodeConfig> {
    const l1 = await startFakeL1();
    const loaded = loadConfig({
      flags: {
        dataDir: join(await temporaryPath(), "data"),
        "network.chainId": "31337",
        "network.registry": DOMAIN.verifyingContract,
        "l1.rpcUrls": l1.url,
        rollups: '[{ "rollupId": "902", "rpcUrls": ["http://127.0.0.1:1"] }]',
        "gossip.host": "127.0.0.1",
        "gossip.port": "0",
        logLevel: "silent",
        ...changes,
      },
    });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.config;
  }

  const options = { onStop: () => undefined, signal: new AbortController().signal };

  it("without an API of its own is read through its database, until it is gone", async () => {
    const database = await cluster.createMigrated("whole", DOMAIN);
    const reading = await startApi(
      await configOf({ database, "api.port": "0", "api.maxStaleMs": "2000" }),
      options,
    );
    onTestFinished(() => reading.stop());
    const ask = async (path: string): Promise<unknown> => {
      const response = await fetch(`${reading.url}${path}`);
      const answer = (await response.json()) as { readonly data?: unknown; readonly code?: string };
      return answer.code ?? answer.data;
    };
    expect(await ask("/v1/node/health")).toBe("stale");
    const node = await startNode(await configOf({ database }), options);
    await expect.poll(() => ask("/v1/node/health"), SOON).toMatchObject({ role: "observer" });
    await expect
      .poll(() => ask("/v1/rollups/902/finality"), SOON)
      .toMatchObject({
        fastFinal: null,
        reason: { code: "no-block" },
      });
    await expect.poll(() => ask("/v1/rollups/903/finality"), SOON).toBe("unknown-rollup");
    await node.stop();
    await expect.poll(() => ask("/v1/node/health"), SOON).toBe("stale");
  });

  it("starts without its database, and not on one that is not for it", async () => {
    const away = await configOf({ database: "postgres://mach@127.0.0.1:1/mach" });
    await (await startNode(away, options)).stop();
    expect(existsSync(join(away.dataDir, "journal"))).toBe(true);
    const database = await cluster.createDatabase("bare");
    const refused = startNode({ ...away, database }, options);
    await expect(refused).rejects.toMatchObject({
      code: "database-unusable",
      message: expect.stringContaining("mach db migrate"),
    });
    // What is put without a database would be missing from the journal: it begins anew.
    const { database: _, ...alone } = away;
    await (await startNode(alone, options)).stop();
    expect(existsSync(join(away.dataDir, "journal"))).toBe(false);
  });
});

import { pino } from "pino";
import { expect, it } from "vitest";
import { loadConfig, type NodeConfig } from "../../src/config.ts";
import { UNREAD_STATUS } from "../../src/engine/settled-claims-follower.ts";
import { pruneStore } from "../../src/store/configured-pruner.ts";
import {
  blockAt,
  certify,
  claimAt,
  createEngineNode,
  doubleAttestation,
  type EngineNode,
  ROLLUP_ID,
  SCHEDULE,
  useVerifier,
} from "../engine/engine-node.ts";

const ALL = [0, 1, 2, 3];
const verifier = useVerifier();

function configOf(flags: Readonly<Record<string, string>> = {}): NodeConfig {
  const loaded = loadConfig({
    flags: {
      dataDir: "data",
      "network.chainId": "31337",
      "network.registry": `0x${"5f".repeat(20)}`,
      "l1.rpcUrls": "http://127.0.0.1:1",
      rollups: `[{ "rollupId": "${ROLLUP_ID}", "rpcUrls": ["http://127.0.0.1:1"] }]`,
      "retention.certificateEpochs": "32",
      "retention.evidenceEpochs": "32",
      "retention.setEpochs": "32",
      ...flags,
    },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

/** A node in its epoch 40, with certificates of epochs 0, 16 and 39. */
async function create(): Promise<EngineNode> {
  const node = createEngineNode({ verifier: verifier() });
  node.learn(39n, 40n);
  const newest = 40n * SCHEDULE.epochSeconds - 1n;
  for (let number = newest - 9n; number <= newest; number += 1n) node.block(number);
  await node.shell.receiveCertificate(certify(claimAt(newest), ALL));
  await node.shell.settle();
  for (const number of [5n, 16n * SCHEDULE.epochSeconds]) {
    await node.store.putCertificate(certify(claimAt(number), ALL));
  }
  for (const number of [5n, newest]) await node.store.putEvidence(doubleAttestation(0, number));
  const { blockNumber, blockHash, timestamp } = blockAt(newest);
  const finalized = { blockNumber, blockHash, timestamp };
  node.shell.input({ type: "heads", rollupId: ROLLUP_ID, safe: null, finalized });
  node.clock.now = Number(SCHEDULE.genesisTime + 40n * SCHEDULE.epochSeconds) * 1_000;
  return node;
}

function prune(node: EngineNode, config: NodeConfig): Promise<number> {
  const pruner = pruneStore(config, {
    foundation: { store: node.store, schedule: SCHEDULE },
    engine: node.shell,
    settled: { status: () => UNREAD_STATUS },
    logger: pino({ level: "silent" }),
    now: () => node.clock.now,
  });
  return pruner.pass();
}

async function epochs(node: EngineNode): Promise<readonly number[]> {
  const rows = await node.store.listCertificates({ rollupId: ROLLUP_ID, from: 0n, limit: 9 });
  return rows.map(({ claim }) => Number(claim.epoch));
}

it("prunes a node's store as its configuration says", async () => {
  const node = await create();
  expect(await epochs(node)).toEqual([0, 16, 39]);
  // One certificate, and one piece of evidence.
  expect(await prune(node, configOf())).toBe(2);
  expect(await epochs(node)).toEqual([16, 39]);
  expect(await prune(node, configOf())).toBe(0);
});

it("keeps what a restart reads, and all of it while the clock alone says that it is old", async () => {
  const node = await create();
  const flags = { "engine.catchUpBlocks": "100000" };
  expect(await prune(node, configOf({ ...flags, "retention.setEpochs": "64" }))).toBe(1);
  expect(await epochs(node)).toEqual([0, 16, 39]);
  const other = await create();
  other.clock.now *= 1_000;
  other.shell.state().epochs.delete(39n);
  other.shell.state().epochs.delete(40n);
  expect(await prune(other, configOf())).toBe(0);
});

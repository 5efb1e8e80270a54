import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JsonRpcProvider } from "ethers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalNetwork, startLocalNetwork } from "../../scripts/local-network/local-network.ts";
import { read, until } from "./api.ts";

const ROLLUP_ID = 902n;
/** How many blocks go. */
const DEPTH = 4n;
/** More than the blocks that anvil's finalized tag is behind. */
const BLOCKS_TO_FINALITY = "0x50";

let network: LocalNetwork;
let folder: string;
let rollup: JsonRpcProvider;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mach-e2e-"));
  network = await startLocalNetwork({ folder: join(folder, "network"), stacks: ["evm"] });
  const url = network.rollups[0]?.rpcUrl;
  rollup = new JsonRpcProvider(url, undefined, { staticNetwork: true, batchMaxCount: 1 });
});

afterAll(async () => {
  rollup?.destroy();
  await network?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function finality() {
  return (await read(network.apiUrl, "finality", { rollupId: ROLLUP_ID })).data;
}

/** Replaces the newest blocks by others: a transaction makes the new branch differ. */
async function reorg(): Promise<void> {
  const [from, to] = await rollup.send("eth_accounts", []);
  const transaction = { from, to, value: "0x1", gas: "0x5208" };
  await rollup.send("anvil_reorg", [Number(DEPTH), [[transaction, 0]]]);
}

it("a reorg of what all have signed locks every operator until L1 has decided", async () => {
  const first = await until("a certificate", async () => (await finality()).fastFinal);
  // Whoever has signed nothing of what goes is not locked.
  const certified = await until("certificates of all, deeper than the reorg", async () => {
    const { fastFinal, participation } = await finality();
    const isDeep = fastFinal !== null && fastFinal.blockNumber > first.blockNumber + DEPTH;
    return isDeep && participation.signed === participation.total ? fastFinal.blockNumber : null;
  });
  await reorg();
  for (const operator of network.operators) {
    await until(`the lock of ${operator.name}`, async () => {
      const { data } = await read(operator.apiUrl, "rollup", { rollupId: ROLLUP_ID });
      return data.abstention === "fork-locked" ? true : null;
    });
  }
  const reason = await until("the reason", async () => {
    const { reason: told } = await finality();
    return told?.code === "split" ? told : null;
  });
  expect(reason).toMatchObject({ presentWeight: 0n, requiredWeight: 67n });
  const stalled = await finality();

  // At the same timestamp: the epoch, and with it the set, stays what it is.
  await rollup.send("anvil_mine", [BLOCKS_TO_FINALITY, "0x0"]);
  const resumed = await until("certificates of the new branch", async () => {
    const { fastFinal } = await finality();
    const observed = stalled.observed?.blockNumber ?? 0n;
    return fastFinal !== null && fastFinal.blockNumber > observed ? fastFinal : null;
  });
  const block = await rollup.getBlock(Number(resumed.blockNumber));
  expect(block?.hash).toBe(resumed.blockHash);
  expect(resumed.blockNumber).toBeGreaterThan(certified);
  for (const node of [...network.operators, network.observer]) {
    expect((await read(node.apiUrl, "evidence", {})).data).toEqual([]);
  }
  for (const operator of network.operators) {
    const alerts = await until("the alert to be cleared", async () => {
      const { data } = await read(operator.apiUrl, "alerts", { limit: 100 });
      const locks = data.filter(({ code }) => code === "fork-locked");
      return locks.every(({ clearedAt }) => clearedAt !== null) ? locks : null;
    });
    expect(alerts).toHaveLength(1);
  }
});

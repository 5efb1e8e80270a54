import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Hex } from "@mach/core";
import { JsonRpcProvider, toBeHex } from "ethers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalNetwork, startLocalNetwork } from "../../scripts/local-network/local-network.ts";
import { read, until } from "./api.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const ROLLUP_ID = 901n;
const VICTIM: Hex = `0x${"ab".repeat(20)}`;
/** anvil calls a block finalised that has as many above it. */
const BLOCKS_TO_FINALITY = 64;
const FINALITY_MS = 150_000;

let network: LocalNetwork;
let folder: string;
let rollup: JsonRpcProvider;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mach-execution-"));
  network = await startLocalNetwork({
    folder: join(folder, "network"),
    stacks: ["op"],
    weights: [50n, 50n],
  });
  const [chain] = network.rollups;
  rollup = new JsonRpcProvider(chain?.rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
});

afterAll(async () => {
  rollup?.destroy();
  await network?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Block {
  readonly number: bigint;
  readonly hash: string;
  /** Of the transaction in it: the network's own payments may come before. */
  readonly index: bigint;
}

async function fastFinal() {
  const { data } = await read(network.apiUrl, "finality", { rollupId: ROLLUP_ID });
  return data;
}

async function untilFastFinal(height: bigint, timeoutMs?: number): Promise<void> {
  await until(
    `height ${height} to be fast-final`,
    async () => ((await fastFinal()).fastFinal?.blockNumber ?? 0n) >= height || null,
    timeoutMs,
  );
}

async function blockOf(transaction: Record<string, string | undefined>): Promise<Block> {
  const hash: string = await rollup.send("eth_sendTransaction", [transaction]);
  return await until("the transaction's block", async () => {
    const receipt = await rollup.send("eth_getTransactionReceipt", [hash]);
    if (receipt === null) return null;
    const { blockNumber, blockHash, transactionIndex } = receipt;
    return {
      number: BigInt(blockNumber),
      hash: String(blockHash),
      index: BigInt(transactionIndex),
    };
  });
}

/**
 * Has the sequencer include a payment that its sender has not signed; `leave` has it take back
 * that block and what is above it.
 */
async function includeUnsigned(): Promise<Block & { leave(): Promise<void> }> {
  const [from, to] = (await rollup.send("eth_accounts", [])) as string[];
  await blockOf({ from, to: VICTIM, value: "0xde0b6b3a7640000" });
  await rollup.send("anvil_impersonateAccount", [VICTIM]);
  // No block between the snapshot and the payment: operators would sign it.
  await rollup.send("evm_setIntervalMining", [0]);
  const snapshot: string = await rollup.send("evm_snapshot", []);
  const included = blockOf({ from: VICTIM, to, value: "0x1234" });
  await rollup.send("evm_setIntervalMining", [1]);
  const block = await included;
  // Else the network's own payments would soon come from there too.
  await rollup.send("anvil_stopImpersonatingAccount", [VICTIM]);
  return {
    ...block,
    async leave() {
      const { baseFeePerGas } = await rollup.send("eth_getBlockByHash", [block.hash, false]);
      await rollup.send("evm_setIntervalMining", [0]);
      await rollup.send("evm_revert", [snapshot]);
      // anvil would go on with the fee of the blocks that it took back, which is invalid.
      await rollup.send("anvil_setNextBlockBaseFeePerGas", [baseFeePerGas]);
      await rollup.send("evm_setIntervalMining", [1]);
    },
  };
}

function nodes() {
  return [...network.operators, network.observer];
}

async function untilAlertsOf(block: Block): Promise<void> {
  for (const node of nodes()) {
    const alert = await until(`an alert on ${node.name}`, async () => {
      const { data } = await read(node.apiUrl, "alerts", { limit: 100 });
      const found = data.filter(({ code, clearedAt }) => {
        return code === "block-invalid" && clearedAt === null;
      });
      return found.find(({ message }) => message.includes(block.hash)) ?? null;
    });
    expect(alert).toMatchObject({ severity: "critical", rollupId: ROLLUP_ID });
  }
}

it("a rollup at level 2 becomes fast-final with claims that say so", async () => {
  const certificate = await until("a certificate", async () => (await fastFinal()).certificate);
  expect(certificate.claim).toMatchObject({ rollupId: ROLLUP_ID, verification: 2 });
  await untilFastFinal(certificate.claim.blockNumber + 5n);
});

it(
  "a block that is invalid, and what is above it, waits for L1, with an alert that reproduces",
  async () => {
    const block = await includeUnsigned();
    await untilAlertsOf(block);
    for (const node of nodes()) {
      const kept = join(dirname(node.entry().logFile), "invalid-blocks");
      const name = readdirSync(kept).find((each) => each.startsWith(`901-${block.number}-`)) ?? "";
      expect(existsSync(join(kept, name))).toBe(true);
      const verdict = await execute(join(kept, name));
      expect(verdict).toMatchObject({ outcome: "invalid", field: `transactions[${block.index}]` });
    }
    await until("blocks above it", async () => {
      const { observed } = await fastFinal();
      return (observed?.blockNumber ?? 0n) >= block.number + 5n ? true : null;
    });
    const waiting = await fastFinal();
    expect(waiting.fastFinal?.blockNumber).toBeLessThan(block.number);
    expect(waiting.reason).toMatchObject({ code: "below-threshold", presentWeight: 0n });
    const { data } = await read(network.apiUrl, "block", {
      rollupId: ROLLUP_ID,
      block: block.number,
    });
    // anvil calls a block safe that has 32 above it, which the test may have waited for.
    expect(["observed", "safe"]).toContain(data.status);
    expect(data.certificate).toBeNull();
    await rollup.send("anvil_mine", [toBeHex(BLOCKS_TO_FINALITY)]);
    await until(
      "L1 finality to pass it",
      async () => {
        const { finalized } = await fastFinal();
        return (finalized?.blockNumber ?? 0n) >= block.number ? true : null;
      },
      FINALITY_MS,
    );
    const { observed } = await fastFinal();
    await untilFastFinal((observed?.blockNumber ?? 0n) + 1n);
  },
  FINALITY_MS + 90_000,
);

it("a branch without the invalid block is signed at once", async () => {
  const block = await includeUnsigned();
  await untilAlertsOf(block);
  await block.leave();
  await untilFastFinal(block.number + 1n);
  const { data } = await read(network.apiUrl, "block", {
    rollupId: ROLLUP_ID,
    block: block.number,
  });
  expect(data.certificate?.claim.verification).toBe(2);
  expect(data.block?.blockHash).not.toBe(block.hash);
});

async function execute(file: string): Promise<unknown> {
  const child = spawn("npm", ["run", "--silent", "mach", "--", "execute", file, "--json"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  await new Promise((resolve) => child.once("close", resolve));
  return JSON.parse(stdout);
}

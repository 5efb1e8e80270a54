import { Contract } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createEpochFixer,
  createL1Signer,
  type EpochFixer,
  type EpochFixerOptions,
  payerDelayMs,
  REGISTRY_ABI,
} from "../src/index.ts";
import { CHAIN_ID, finalizeAt } from "./anvil.ts";
import {
  EPOCH_SECONDS,
  lowerAddress,
  signerFor,
  startNetwork,
  type TestNetwork,
} from "./network.ts";
import { startProxy } from "./proxy.ts";

const PAYER_KEY = `0x${"77".repeat(32)}`;
const ETHER = 10n ** 18n;

let network: TestNetwork;
let waits: number[] = [];

beforeAll(async () => {
  network = await startNetwork();
  await finalizeAt(network.anvil, network.genesisTime + EPOCH_SECONDS);
  await fund(ETHER);
}, 60_000);

afterAll(() => network?.anvil.stop());

test("an epoch is fixed once, and found fixed afterwards", async () => {
  const fixed = await fixer().fixEpoch(1n);
  expect(fixed).toMatchObject({ code: "fixed", isBalanceLow: false });
  const found = await fixer().fixEpoch(1n);
  expect(found).toMatchObject({ code: "already-fixed" });
  const hash = await new Contract(network.registry, REGISTRY_ABI, network.signer).getFunction(
    "operatorSetHash",
  )(1n);
  expect(hash === ("operatorSetHash" in fixed && fixed.operatorSetHash)).toBe(true);
  expect(hash === ("operatorSetHash" in found && found.operatorSetHash)).toBe(true);
});

test("epochs that are asked for at once are fixed one after the other", async () => {
  const same = fixer();
  const results = await Promise.all([same.fixEpoch(0n), same.fixEpoch(2n), same.fixEpoch(2n)]);
  expect(results.map((result) => result.code)).toEqual(["fixed", "fixed", "already-fixed"]);
});

test("before the snapshot is determined it is too early", async () => {
  expect(await fixer().fixEpoch(1_000n)).toMatchObject({ code: "too-early" });
  expect(waits).toEqual([]);
});

test("a balance below the minimum is told with every result", async () => {
  const result = await fixer({ minBalanceWei: 2n * ETHER }).fixEpoch(1n);
  expect(result).toMatchObject({ code: "already-fixed", isBalanceLow: true });
  expect(result.balanceWei).toBeLessThan(ETHER);
});

test("an account that cannot pay says so", async () => {
  await finalizeAt(network.anvil, network.genesisTime + 2n * EPOCH_SECONDS);
  await fund(1n);
  expect(await fixer().fixEpoch(3n)).toEqual({
    code: "low-balance",
    balanceWei: 1n,
    isBalanceLow: true,
  });
  await fund(ETHER);
  expect(await fixer().fixEpoch(3n)).toMatchObject({ code: "fixed" });
});

test("a passing fault is tried again after a growing wait", async () => {
  await finalizeAt(network.anvil, network.genesisTime + 3n * EPOCH_SECONDS);
  let faults = 3;
  const flaky = await startProxy(network.anvil.url, ({ result }) =>
    faults-- > 0 ? "raw:<html>502</html>" : result,
  );
  expect(await fixer({}, flaky.url).fixEpoch(4n)).toMatchObject({ code: "fixed" });
  expect(waits).toEqual([100, 200, 400]);
  await flaky.stop();
});

test("an L1 that stays away is a failure, without a balance", async () => {
  expect(await fixer({}, "http://127.0.0.1:9").fixEpoch(1n)).toEqual({
    code: "failed",
    cause: { ok: false, code: "l1-unavailable", error: null },
    balanceWei: null,
    isBalanceLow: false,
  });
  expect(waits).toHaveLength(3);
});

test("a transaction that gets stuck is replaced at a higher price", async () => {
  const { anvil } = network;
  await finalizeAt(anvil, network.genesisTime + 4n * EPOCH_SECONDS);
  await anvil.rpc("evm_setAutomine", [false]);
  const stuck = fixer({ confirmTimeoutMs: 500 }, anvil.url, async () => {
    const pool = (await anvil.rpc("txpool_status")) as { pending: string };
    expect(pool.pending).toBe("0x1");
    // The replacement is mined as soon as it arrives.
    await anvil.rpc("evm_setAutomine", [true]);
  });
  expect(["fixed", "already-fixed"]).toContain((await stuck.fixEpoch(5n)).code);
  expect(await anvil.rpc("txpool_status")).toMatchObject({ pending: "0x0", queued: "0x0" });
});

test("an aborted signal ends the attempts", async () => {
  const controller = new AbortController();
  controller.abort();
  expect(await fixer().fixEpoch(99n, controller.signal)).toMatchObject({
    code: "failed",
    cause: null,
  });
});

test("operators take turns in paying", () => {
  const delays = (epoch: bigint): number[] =>
    [0, 1, 2].map((index) => payerDelayMs({ epoch, index, count: 3, stepMs: 10 }));
  expect(delays(0n)).toEqual([0, 10, 20]);
  expect(delays(1n)).toEqual([20, 0, 10]);
  expect(delays(2n)).toEqual([10, 20, 0]);
});

function fixer(
  changes: Partial<EpochFixerOptions> = {},
  rpcUrl: string = network.anvil.url,
  onWait: () => Promise<void> = async () => {},
): EpochFixer {
  waits = [];
  const signer = createL1Signer({
    rpcUrl,
    chainId: CHAIN_ID,
    privateKey: PAYER_KEY,
    timeoutMs: 5_000,
  });
  const delay = (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
    return onWait();
  };
  return createEpochFixer(
    { signer, delay },
    {
      registry: network.registry,
      minBalanceWei: ETHER / 10n,
      maxAttempts: 4,
      backoffMs: 100,
      confirmTimeoutMs: 10_000,
      ...changes,
    },
  );
}

async function fund(wei: bigint): Promise<void> {
  const payer = lowerAddress(signerFor(network.anvil, PAYER_KEY));
  await network.anvil.rpc("anvil_setBalance", [payer, `0x${wei.toString(16)}`]);
}

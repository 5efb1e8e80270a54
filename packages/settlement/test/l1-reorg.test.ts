import { createPortableBls } from "@mach/bls/portable";
import { ZERO_HASH } from "@mach/core";
import { Contract } from "ethers";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createRegistryReader, REGISTRY_ABI, type RegistryReader } from "../src/index.ts";
import { CHAIN_ID, mined } from "./anvil.ts";
import { startNetwork, type TestNetwork } from "./network.ts";

/** As Ethereum has it: a block is final 64 blocks later. */
const SLOTS_IN_AN_EPOCH = 32;
const EPOCH = 1n;

let network: TestNetwork;
let reader: RegistryReader;

beforeAll(async () => {
  network = await startNetwork(SLOTS_IN_AN_EPOCH);
  await network.anvil.rpc("evm_setNextBlockTimestamp", [Number(network.genesisTime)]);
  await mine(100);
}, 60_000);

afterEach(() => reader?.close());
afterAll(() => network?.anvil.stop());

test("a set that a reorg can still take away is not read, and one of 64 blocks takes it", async () => {
  reader = createReader();
  await fixEpoch();
  await mine(62);
  expect(await setHashNow()).not.toBe(ZERO_HASH);
  expect(await reader.readOperatorSet(EPOCH)).toMatchObject({ ok: false, code: "not-fixed" });
  await network.anvil.rpc("anvil_reorg", [64, []]);
  expect(await setHashNow()).toBe(ZERO_HASH);
  expect(await reader.readOperatorSet(EPOCH)).toMatchObject({ ok: false, code: "not-fixed" });

  await fixEpoch();
  await mine(64);
  const read = await reader.readOperatorSet(EPOCH);
  if (!read.ok) throw new Error(read.code);
  expect(read.operatorSet.operatorSetHash).toBe(await setHashNow());
  await network.anvil.rpc("anvil_reorg", [64, []]);
  expect(await reader.readOperatorSet(EPOCH)).toMatchObject({
    ok: true,
    operatorSet: { operatorSetHash: read.operatorSet.operatorSetHash },
  });
});

test("a chain that replaces what was final is no source any more", async () => {
  reader = createReader();
  await mine(64);
  expect(await reader.readOperatorSet(EPOCH)).toMatchObject({ ok: true });
  // Without a transaction the same empty blocks would come again.
  const [from, to] = (await network.anvil.rpc("eth_accounts")) as readonly string[];
  await network.anvil.rpc("anvil_reorg", [70, [[{ from, to, value: "0x1" }, 0]]]);
  await mine(10);
  expect(await reader.readOperatorSet(EPOCH)).toEqual({ ok: false, code: "sources-disagree" });
  expect(await reader.readNetwork()).toEqual({ ok: false, code: "sources-disagree" });
});

function createReader(): RegistryReader {
  return createRegistryReader(
    { bls: createPortableBls() },
    {
      rpcUrls: [network.anvil.url],
      requiredAgreement: 1,
      timeoutMs: 5_000,
      chainId: CHAIN_ID,
      registry: network.registry,
    },
  );
}

async function mine(blocks: number): Promise<void> {
  await network.anvil.rpc("anvil_mine", [`0x${blocks.toString(16)}`]);
}

function contract(): Contract {
  return new Contract(network.registry, REGISTRY_ABI, network.signer);
}

async function fixEpoch(): Promise<void> {
  await mined(await contract().getFunction("fixEpoch").send(EPOCH));
}

async function setHashNow(): Promise<unknown> {
  return await contract().getFunction("operatorSetHash").staticCall(EPOCH);
}

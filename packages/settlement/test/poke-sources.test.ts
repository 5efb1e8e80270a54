import { type Hex, uintWord } from "@mach/core";
import { Contract, type Provider, type Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createEpochFixer,
  EIGEN_LAYER_SOURCE_ABI,
  type EpochFixer,
  type OperatorState,
  type PokeResult,
  planOperatorAction,
  pokeOperators,
  readOperatorState,
} from "../src/index.ts";
import { creationCode } from "./creation-code.ts";
import { EPOCH_SECONDS, lowerAddress } from "./network.ts";
import { deploy, type SlasherNetwork, signersOf, startSlasherNetwork } from "./slasher-network.ts";

/** One epoch and a half: a poke in each is enough, and one in every second is not. */
const MAX_STALENESS = 90n;
const SHARES = 7n;

let network: SlasherNetwork;
let source: Hex;
let allocations: Hex;
let operators: readonly Hex[];
let fixer: EpochFixer;

beforeAll(async () => {
  network = await startSlasherNetwork();
  const { signer, anvil } = network;
  // An AllocationManager that answers every question with [[what is in its slot 0]].
  allocations = await deploy(signer, alwaysAnswering());
  await anvil.rpc("anvil_setStorageAt", [allocations, uintWord(0), uintWord(SHARES)]);
  source = await deploy(signer, creationCode("EigenLayerSource"), [
    [
      ...["address", "tuple(address, uint32)", "tuple(address, uint256)[]"],
      ...["tuple(uint32, uint32)", "address"],
    ],
    [
      ...[allocations, [network.registry, 1], [[network.asset, 1n]]],
      ...[[10, MAX_STALENESS], network.slasher],
    ],
  ]);
  await network.addSource(source);
  const { operatorSet } = await signersOf(network, 1n);
  operators = operatorSet.operators.map((each) => each.operator);
  fixer = createEpochFixer(
    { signer, delay: () => Promise.resolve() },
    {
      registry: network.registry,
      ...{ minBalanceWei: 1n, maxAttempts: 2, backoffMs: 1, confirmTimeoutMs: 10_000 },
    },
  );
}, 120_000);

afterAll(() => network?.stop());

/** The creation code of a contract that returns [[its slot 0]], which also reads as a number. */
function alwaysAnswering(): Hex {
  const runtime = "60205f52600160205260206040526001606052" + "5f54608052" + "60a05ff3";
  const size = (runtime.length / 2).toString(16).padStart(2, "0");
  return `0x60${size}600a5f3960${size}5ff3${runtime}`;
}

function providerOf({ provider }: Wallet): Provider {
  if (provider === null) throw new Error("no provider");
  return provider;
}

const snapshotOf = (epoch: bigint): bigint => network.genesisTime + (epoch - 1n) * EPOCH_SECONDS;

async function weightAt(timestamp: bigint): Promise<unknown> {
  const contract = new Contract(source, EIGEN_LAYER_SOURCE_ABI, network.signer);
  return await contract.getFunction("weightAt").staticCall(operators[0], timestamp);
}

async function poke(epoch: bigint): Promise<PokeResult["code"]> {
  return (await fixer.pokeSources(snapshotOf(epoch))).code;
}

test("a source that nobody has joined is left alone", async () => {
  expect(await poke(3n)).toBe("fresh");
});

/** What the L1 says of the first operator, whose account is the deployer's. */
async function readFirst(): Promise<OperatorState> {
  const { signer, registry, domain } = network;
  const account = lowerAddress(signer);
  const [operator = account] = operators;
  const about = { chainId: domain.chainId, registry, operator, account };
  const read = await readOperatorState({ provider: providerOf(signer), ...about });
  if (!read.ok) throw new Error(read.code);
  return read.state;
}

test("an operator joins by a poke of its own", async () => {
  await network.warpTo(1n, 30n);
  const { signer } = network;
  const state = await readFirst();
  expect(state).toMatchObject({ pokeable: [source], vaults: [{ vault: network.vault }] });
  const plan = await planOperatorAction(
    { action: "poke" },
    { state, provider: providerOf(signer) },
  );
  expect(plan).toMatchObject({
    ok: true,
    effect: { epoch: 3n },
    steps: [{ call: { to: source } }],
  });
  expect(await pokeOperators({ signer, source, operators })).toMatchObject({ ok: true });
  expect(await weightAt(snapshotOf(3n))).toBe(SHARES);
});

test("what a snapshot to come would not know is poked, once, when it helps", async () => {
  expect(await poke(3n)).toBe("fresh");
  // The snapshot of epoch 5 is 150 seconds after the poke above, which lasts for 90.
  const sent = await network.signer.getNonce();
  expect(await poke(5n)).toBe("too-early");
  expect(await network.signer.getNonce()).toBe(sent);
  await network.warpTo(2n, 30n);
  await expect(weightAt(snapshotOf(5n))).rejects.toThrow("StaleWeight");
  expect(await poke(5n)).toBe("poked");
  expect(await poke(5n)).toBe("fresh");
  expect(await weightAt(snapshotOf(5n))).toBe(SHARES);
});

test("an epoch is fixed on what was poked, and never without", async () => {
  await network.warpTo(4n, 1n);
  expect(await fixer.fixEpoch(5n)).toMatchObject({ code: "fixed" });
  await network.warpTo(6n, 1n);
  expect(await fixer.fixEpoch(7n)).toMatchObject({ code: "failed", cause: { code: "reverted" } });
  // A weight that its source does not know is none, and neither are the epochs that need it.
  expect(await readFirst()).toMatchObject({ weight: null, memberships: [] });
});

test("what was allocated since is known after the next poke", async () => {
  const { anvil } = network;
  await anvil.rpc("anvil_setStorageAt", [allocations, uintWord(0), uintWord(2n * SHARES)]);
  await anvil.rpc("anvil_mine", ["0x1"]);
  expect(await poke(8n)).toBe("poked");
  expect(await weightAt(snapshotOf(8n))).toBe(2n * SHARES);
});

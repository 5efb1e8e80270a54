import { Contract, ContractFactory, type Signer } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { estimate, transact } from "../src/transaction.ts";
import { type Anvil, DEPLOYER_KEY, mined, startAnvil } from "./anvil.ts";
import { signerFor } from "./network.ts";

const ABI = ["function run()", "error Refused(uint256)"];
/** The most gas that a transaction may have, EIP-7825. */
const MAX_GAS = 2n ** 24n;

let anvil: Anvil;
let signer: Signer;

beforeAll(async () => {
  anvil = await startAnvil();
  signer = signerFor(anvil, DEPLOYER_KEY);
});

afterAll(() => anvil?.stop());

/** A contract of this runtime code. */
async function deploy(runtime: string): Promise<Contract> {
  const size = (runtime.length / 2).toString(16).padStart(2, "0");
  const code = `0x60${size}600a5f3960${size}5ff3${runtime}`;
  const deployed = await new ContractFactory(ABI, code, signer).deploy();
  await mined(deployed.deploymentTransaction());
  return new Contract(await deployed.getAddress(), ABI, signer);
}

test("a transaction near the greatest gas there is keeps its margin within that", async () => {
  // Counts down from a number, at 26 gas for each step.
  const contract = await deploy(`62${(570_000).toString(16).padStart(6, "0")}5b600190038060045700`);
  const call = { contract, method: "run", args: [] };
  const estimated = await estimate(call);
  const gas = estimated.ok ? estimated.gas : 0n;
  // With the margin of a quarter it would be above, and no valid transaction.
  expect(gas).toBeGreaterThan((MAX_GAS * 4n) / 5n);
  const sent = await transact({ ...call, timeoutMs: 60_000 });
  const transaction = sent.ok && (await signer.provider?.getTransaction(sent.transactionHash));
  expect(transaction).toMatchObject({ gasLimit: MAX_GAS });
});

test.each([
  ["without a word", ""],
  ["with half a selector", "beef"],
  ["with an error of another contract", "deadbeef"],
  ["with an error that ends early", "590a5151ff"],
])("a contract that refuses %s has reverted, and no name", async (_, data) => {
  const size = (data.length / 2).toString(16).padStart(2, "0");
  const word = data.padEnd(64, "0");
  const contract = await deploy(`7f${word}5f5260${size}5ffd`);
  const call = { contract, method: "run", args: [] };
  const refused = { ok: false, code: "reverted", error: null };
  expect(await transact({ ...call, timeoutMs: 60_000 })).toEqual(refused);
  expect(await estimate(call)).toEqual(refused);
});

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Hex } from "@mach/core";
import { Contract, id, JsonRpcProvider } from "ethers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Anvil, CHAIN_ID, startAnvil } from "../packages/settlement/test/anvil.ts";
import { deployerAccount, governorAccount } from "../scripts/local-network/accounts.ts";
import { compileScripts, type Forge, runScript } from "../scripts/local-network/forge-script.ts";
import { networkParameters } from "../scripts/local-network/parameters.ts";

interface Sent {
  readonly from: string;
  readonly to: string;
  readonly input: string;
  readonly value?: string;
}

const TIMELOCK_ABI = [
  "function getMinDelay() view returns (uint256)",
  "function hasRole(bytes32,address) view returns (bool)",
];
const IS_LONG = process.env["MACH_LONG"] === "1";
/** At how many of its transactions it is broken off, unless it is at each. */
const BREAKS = 5;
const ROLES = ["PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"];

let folder: string;
let forge: Forge;
let anvil: Anvil;
let provider: JsonRpcProvider;
let parameters: Readonly<Record<string, unknown>>;
let untouched: unknown;
let deployed: Readonly<Record<string, Hex>>;
let transactions: readonly Sent[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mach-deployment-"));
  const root = fileURLToPath(new URL("..", import.meta.url));
  forge = { root, folder: join(folder, "forge"), track: () => undefined };
  [anvil] = await Promise.all([startAnvil(), compileScripts(forge)]);
  provider = new JsonRpcProvider(anvil.url, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 });
  parameters = networkParameters({
    chainId: CHAIN_ID,
    genesisTime: BigInt(Math.floor(Date.now() / 1000)) + 3_600n,
    epochSeconds: 60n,
    rollups: [{ rollupId: 901n, stack: "op", attestationInterval: 1n, verification: 2 }],
  });
  untouched = await anvil.rpc("evm_snapshot");
  deployed = await deploy();
  transactions = readTransactions();
}, 240_000);

afterAll(async () => {
  provider?.destroy();
  await anvil?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("leaves every power with the governor, behind the timelock's delay", async () => {
  await expectHandedOver();
});

it("sends nothing where everything stands", async () => {
  const sent = (): Promise<number> => provider.getTransactionCount(deployerAccount().address);
  const before = await sent();
  expect(await deploy()).toEqual(deployed);
  expect(await sent()).toBe(before);
});

it("goes on wherever it broke off, to the same contracts", async () => {
  expect(transactions.length).toBeGreaterThan(BREAKS);
  const step = IS_LONG ? 1 : Math.ceil(transactions.length / BREAKS);
  for (let count = transactions.length - 1; count >= 0; count -= step) {
    await startOver();
    for (const transaction of transactions.slice(0, count)) await send(transaction);
    expect(await deploy()).toEqual(deployed);
    expect(await provider.getTransactionCount(deployerAccount().address)).toBe(transactions.length);
    await expectHandedOver();
  }
}, 300_000);

it("refuses parameters for another chain before anything is sent", async () => {
  await startOver();
  const elsewhere = deploy({ ...parameters, chainId: "1" });
  await expect(elsewhere).rejects.toMatchObject({ code: "start-failed" });
  await expect(elsewhere).rejects.toThrow(/WrongChain\(31337.*, 1\)/);
  expect(await provider.getTransactionCount(deployerAccount().address)).toBe(0);
});

async function deploy(given = parameters): Promise<Readonly<Record<string, Hex>>> {
  const deployer = deployerAccount().address;
  const run = { script: "DeployNetwork", rpcUrl: anvil.url, deployer, parameters: given } as const;
  return await runScript(forge, { ...run, isOneByOne: true });
}

async function send({ from, to, input, value = "0x0" }: Sent): Promise<void> {
  const hash = await anvil.rpc("eth_sendTransaction", [{ from, to, data: input, value }]);
  // What forge would not see in a block yet it would send again.
  await expect.poll(() => anvil.rpc("eth_getTransactionReceipt", [hash])).not.toBeNull();
}

async function startOver(): Promise<void> {
  expect(await anvil.rpc("evm_revert", [untouched])).toBe(true);
  untouched = await anvil.rpc("evm_snapshot");
}

async function expectHandedOver(): Promise<void> {
  const timelock = new Contract(deployed["timelock"] ?? "", TIMELOCK_ABI, provider);
  const hasRole = timelock.getFunction("hasRole");
  expect(String(await timelock.getFunction("getMinDelay")())).toBe(
    parameters["timelockDelaySeconds"],
  );
  for (const role of ROLES) expect(await hasRole(id(role), deployerAccount().address)).toBe(false);
  expect(await hasRole(id("PROPOSER_ROLE"), governorAccount().address)).toBe(true);
  for (const name of ["registry", "weightedSources", "slasher"]) {
    const abi = ["function owner() view returns (address)"];
    const owned = new Contract(deployed[name] ?? "", abi, provider);
    expect(String(await owned.getFunction("owner")()).toLowerCase()).toBe(deployed["timelock"]);
  }
}

/** What forge sent, as it keeps it. */
function readTransactions(): readonly Sent[] {
  const runs = join(forge.folder, "broadcast", "DeployNetwork.s.sol", String(CHAIN_ID));
  expect(readdirSync(runs)).toContain("run-latest.json");
  const run = JSON.parse(readFileSync(join(runs, "run-latest.json"), "utf8")) as {
    readonly transactions: readonly { readonly transaction: Sent }[];
  };
  return run.transactions.map(({ transaction }) => transaction);
}

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createPortableBls } from "@mach/bls/portable";
import { bitfieldIndices, epochAt, epochStart, type Hex, verifyCertificate } from "@mach/core";
import { mintLocalAsset } from "@mach/settlement";
import { JsonRpcProvider, Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { deployerAccount, signerOf } from "../../scripts/local-network/accounts.ts";
import { type LocalNetwork, startLocalNetwork } from "../../scripts/local-network/local-network.ts";
import { ASSETS_PER_WEIGHT } from "../../scripts/local-network/parameters.ts";
import { freePorts } from "../../scripts/local-network/ports.ts";
import { read, until } from "./api.ts";
import {
  isAsShown,
  type Shell,
  type ShellRun,
  type ShownBlock,
  shownBlocks,
  startShell,
  withValues,
} from "./shown-commands.ts";
import { writeWallet } from "./wallet.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCUMENT = join(ROOT, "docs/operating.md");
const EPOCH_SECONDS = 20n;
const STAKE = 10n;
/** Longer than the local network's assets stay locked. */
const LOCKED_SECONDS = 660;
/** Two epochs pass at the most until something counts, on a machine that is busy. */
const EPOCHS_MS = 180_000;
const ROLLUP_ID = 902n;

const temporary = mkdtempSync(join(tmpdir(), "mach-operator-"));
const blocks = shownBlocks(DOCUMENT, { from: "Before the first start", to: "Leaving" });
const bls = createPortableBls();
let network: LocalNetwork;
let l1: JsonRpcProvider;
let rollup: JsonRpcProvider;
let shell: Shell;
let values: Readonly<Record<string, string>>;
let operator: Hex;
/** The epochs from which on it weighs, signs with its second key, and weighs no more. */
let [joins, changes, leaves] = [0n, 0n, 0n];

beforeAll(async () => {
  network = await startLocalNetwork({
    folder: join(temporary, "network"),
    epochSeconds: EPOCH_SECONDS,
    stacks: ["evm"],
    weights: [30n, 34n, 36n],
  });
  l1 = new JsonRpcProvider(network.l1.rpcUrl, undefined, { staticNetwork: true });
  rollup = new JsonRpcProvider(network.rollups[0]?.rpcUrl, undefined, { staticNetwork: true });
  const folder = join(temporary, "newcomer");
  mkdirSync(folder, { mode: 0o700 });
  operator = await openAccount(folder);
  const [gossipPort, apiPort] = await freePorts(2);
  values = {
    NETWORK: join(network.folder, "network.json"),
    L1_URL: network.l1.rpcUrl,
    OPERATOR: operator,
    STAKE: `${STAKE}`,
    STACK: "evm",
    ROLLUP_URL: network.rollups[0]?.rpcUrl ?? "",
    GOSSIP_PORT: `${gossipPort}`,
    API_PORT: `${apiPort}`,
  };
  const { HOME } = process.env;
  const path = `${installMach()}:${process.env.PATH ?? ""}`;
  shell = startShell({ folder, env: { HOME, PATH: path } });
});

afterAll(async () => {
  await shell?.stop();
  l1?.destroy();
  rollup?.destroy();
  await network?.stop();
  rmSync(temporary, { recursive: true, force: true });
});

// Each goes on from where the one before has come to: after a failure none would end in time.
let hasFailed = false;
beforeEach(() => expect(hasFailed).toBe(false));
afterEach(({ task }) => {
  hasFailed ||= task.result?.state === "fail";
});

/** The account that the document's reader has: with ether, the asset, and a wallet in a file. */
async function openAccount(folder: string): Promise<Hex> {
  const { address: checksummed, privateKey } = Wallet.createRandom();
  const address = checksummed.toLowerCase() as Hex;
  await l1.send("anvil_setBalance", [address, "0x56bc75e2d63100000"]);
  const chain = { rpcUrl: network.l1.rpcUrl, chainId: network.deployment.domain.chainId };
  const signer = signerOf(deployerAccount(), chain);
  const { asset } = network.deployment;
  const assets = STAKE * ASSETS_PER_WEIGHT;
  expect(await mintLocalAsset({ signer, asset, account: address, assets })).toMatchObject({
    ok: true,
  });
  await writeWallet(folder, "account", { address: checksummed, privateKey });
  return address;
}

/** Puts `mach` where the document says, but for the folder. */
function installMach(): string {
  const [command = ""] =
    /^ {4}printf .*\n.*install .*$/m.exec(readFileSync(DOCUMENT, "utf8")) ?? [];
  const place = "/usr/local/bin/mach";
  expect(command).toContain(place);
  const own = command.replace(place, join(temporary, "mach"));
  execFileSync("/bin/sh", ["-c", own], { cwd: ROOT });
  return temporary;
}

/** Runs the next block, holds what it prints against the document, and gives it. */
async function runBlock(heading: string): Promise<ShellRun> {
  const [block, ...rest] = left;
  left = rest;
  expect(block?.heading).toBe(heading);
  if (block === undefined) throw new Error("the document has no more blocks");
  const { commands } = withValues(block.commands, values);
  const run = await shell.run(commands);
  expect({ commands, ...run }).toMatchObject({ exitCode: 0 });
  if (block.prints !== null && !isAsShown(run.stdout, block.prints)) {
    expect(run.stdout).toBe(block.prints);
  }
  return run;
}

let left: readonly ShownBlock[] = blocks;

/** What protocol.md section 4 says of something in the last transaction's block: j + 2. */
async function countsFrom({ stdout, stderr }: ShellRun): Promise<bigint> {
  const [, hash = ""] = /(0x[0-9a-f]{64})\s*$/.exec(stderr) ?? [];
  const receipt = await l1.getTransactionReceipt(hash);
  const block = await l1.getBlock(receipt?.blockNumber ?? -1);
  const schedule = { genesisTime: network.deployment.genesisTime, epochSeconds: EPOCH_SECONDS };
  const epoch = epochAt(schedule, BigInt(block?.timestamp ?? 0));
  if (epoch === null) throw new Error("before genesisTime");
  const told = [...stdout.matchAll(/from epoch (\d+) on, which begins/g)].at(-1)?.[1];
  expect(told).toBe(`${epoch + 2n}`);
  return epoch + 2n;
}

async function keyIn(epoch: bigint): Promise<Hex | null> {
  const { data } = await read(network.apiUrl, "operatorSet", { epoch });
  return data.operators.find((member) => member.operator === operator)?.publicKey ?? null;
}

function publicKeyIn(name: string): Hex {
  const text = readFileSync(join(temporary, "newcomer/keys", name), "utf8");
  return `0x${(JSON.parse(text) as { pubkey: string }).pubkey}`;
}

/** A certificate of an epoch that the operator has signed: it verifies under the epoch's keys. */
async function expectSigned(epoch: bigint): Promise<void> {
  await until(
    `a certificate of epoch ${epoch} with the newcomer`,
    async () => {
      const { data: operatorSet } = await read(network.apiUrl, "operatorSet", { epoch });
      const index = operatorSet.operators.findIndex((member) => member.operator === operator);
      const from = (await heightsIn(epoch)).at(-1);
      if (from === undefined) return null;
      const page = { rollupId: ROLLUP_ID, from: BigInt(from), limit: Number(EPOCH_SECONDS) };
      const { data } = await read(network.apiUrl, "certificates", page);
      const signed = data.find(
        ({ claim, signers }) => claim.epoch === epoch && bitfieldIndices(signers).includes(index),
      );
      if (signed === undefined) return null;
      const { domain } = network.deployment;
      const verified = verifyCertificate(bls, signed, { operatorSet, thresholdBps: 6667, domain });
      return verified.ok ? true : null;
    },
    EPOCHS_MS,
  );
}

/** The heights of the rollup in an epoch so far, the highest first. */
async function heightsIn(epoch: bigint): Promise<readonly number[]> {
  const { genesisTime } = network.deployment;
  const schedule = { genesisTime, epochSeconds: EPOCH_SECONDS };
  const [begin, end] = [epochStart(schedule, epoch), epochStart(schedule, epoch + 1n)].map(Number);
  const heights: number[] = [];
  for (let number = await rollup.getBlockNumber(); number >= 0; number -= 1) {
    const timestamp = (await rollup.getBlock(number))?.timestamp ?? 0;
    if (timestamp < (begin ?? 0)) break;
    if (timestamp < (end ?? 0)) heights.push(number);
  }
  return heights;
}

it("shows a whole life, of which only the first block is the reader's own", () => {
  const own = blocks.filter(({ commands }) => withValues(commands, {}).names.length > 0);
  expect(own).toEqual(blocks.slice(0, 1));
  const [first] = own;
  expect(withValues(first?.commands ?? "", {}).names.toSorted()).toEqual(
    Object.keys(values).toSorted(),
  );
});

it("makes its key, its configuration and its record, and registers", async () => {
  await runBlock("Before the first start");
  await runBlock("Before the first start");
  await runBlock("Keys");
  await runBlock("The first configuration");
  await runBlock("The first configuration");
  await runBlock("Joining");
  joins = await countsFrom(await runBlock("Joining"));
  await runBlock("Joining");
});

it("signs from the epoch that the protocol gives it", async () => {
  await expectSigned(joins);
  expect([await keyIn(joins - 1n), await keyIn(joins)]).toEqual([
    null,
    publicKeyIn("operator.json"),
  ]);
  const [block] = left;
  await until("the node to be well", async () => {
    const run = await shell.run(block?.commands ?? "");
    return run.exitCode === 0 ? true : null;
  });
  await runBlock("Joining");
});

it("changes its key without a start", async () => {
  changes = await countsFrom(await runBlock("Another key"));
  await expectSigned(changes);
  expect([await keyIn(changes - 1n), await keyIn(changes)]).toEqual([
    publicKeyIn("operator.json"),
    publicKeyIn("next.json"),
  ]);
});

it("leaves, and has missed no vote from its first epoch to its last", async () => {
  leaves = await countsFrom(await runBlock("Leaving"));
  await until(
    "the epoch without it",
    async () => {
      const { data } = await read(network.apiUrl, "finality", { rollupId: ROLLUP_ID });
      return (data.certificate?.claim.epoch ?? 0n) >= leaves ? true : null;
    },
    EPOCHS_MS,
  );
  expect([await keyIn(leaves - 1n), await keyIn(leaves)]).toEqual([publicKeyIn("next.json"), null]);
  for (let epoch = joins; epoch < leaves; epoch += 1n) {
    const heights = await heightsIn(epoch);
    const report = await until(`all votes of epoch ${epoch} to be counted`, async () => {
      const answer = await read(network.apiUrl, "operator", { operator });
      const found = answer.data.participation.find((each) => each.epoch === epoch);
      return found?.expected === heights.length ? found : null;
    });
    const { made, late, unseen, missed, disagreeing } = report;
    expect({ epoch, missed, disagreeing, all: made + late + unseen }).toEqual({
      ...{ epoch, missed: 0, disagreeing: 0, all: heights.length },
    });
    expect(made).toBeGreaterThan(0);
  }
  const { data: all } = await read(network.apiUrl, "operator", { operator });
  const epochs = all.participation.map(({ epoch }) => Number(epoch));
  expect([Math.min(...epochs), Math.max(...epochs)]).toEqual([Number(joins), Number(leaves) - 1]);
  await runBlock("Leaving");
});

it("is paid when its assets are free", async () => {
  await l1.send("evm_increaseTime", [LOCKED_SECONDS]);
  await l1.send("evm_mine", []);
  await runBlock("Leaving");
  expect(left).toEqual([]);
});

import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import { fromHex, type Hex, uintWord } from "@mach/core";
import { mintLocalAsset } from "@mach/settlement";
import { encryptKeystoreJson } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHAIN_ID, finalizeAt } from "../../../settlement/test/anvil.ts";
import {
  EPOCH_SECONDS,
  lowerAddress,
  signerFor,
  startNetwork,
  type TestNetwork,
  UNIT,
} from "../../../settlement/test/network.ts";
import { writeKeystore } from "../../src/cli/keys-keystores.ts";
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const folder = documentFolder();
const bls = createNativeBls();
const PASSWORD = "correct horse";
const ACCOUNT_KEY: Hex = `0x${"05".repeat(32)}`;
const NOWHERE = "http://127.0.0.1:9";
/** In the setup of the network each operator has the key of its number. */
const TAKEN_SECRET = uintWord(1n);

let network: TestNetwork;
let account: Hex;
let deployer: Hex;
let place: readonly string[];
let wallet: readonly string[];
let keys: { readonly first: string; readonly second: string; readonly taken: string };

beforeAll(async () => {
  network = await startNetwork();
  const { anvil, registry } = network;
  const signer = signerFor(anvil, ACCOUNT_KEY);
  account = lowerAddress(signer);
  deployer = lowerAddress(network.signer);
  place = ["--l1", anvil.url, "--registry", registry];
  const password = secret("password", `${PASSWORD}\n`);
  const json = await encryptKeystoreJson(
    { address: account, privateKey: ACCOUNT_KEY },
    PASSWORD,
    // The least that is legal: what it costs to open one is not tested here.
    { scrypt: { N: 2, r: 1, p: 1 } },
  );
  const file = secret("account.json", json);
  wallet = ["--wallet", file, "--wallet-password-file", password];
  keys = {
    first: await keystore("first.json", `0x${"51".repeat(32)}`),
    second: await keystore("second.json", `0x${"52".repeat(32)}`),
    taken: await keystore("taken.json", TAKEN_SECRET),
  };
  await anvil.rpc("anvil_setBalance", [account, "0x56bc75e2d63100000"]);
}, 120_000);

afterAll(() => network?.anvil.stop());

function secret(name: string, content: string): string {
  const file = folder.write(name, content);
  chmodSync(file, 0o600);
  return file;
}

async function keystore(name: string, key: Hex): Promise<string> {
  const secretKey = bls.secretKeyFromBytes(fromHex(key));
  if (secretKey === null) throw new Error("no key");
  const file = join(folder.path, name);
  await writeKeystore(bls, { file, secretKey, password: PASSWORD, path: "", kdf: "pbkdf2" });
  return file;
}

function passwordFile(): string {
  return join(folder.path, "password");
}

function keyOptions(file: string): readonly string[] {
  return ["--keystore", file, "--keystore-password-file", passwordFile()];
}

function publicKeyIn(file: string): string {
  return `0x${(JSON.parse(readFileSync(file, "utf8")) as { pubkey: string }).pubkey}`;
}

async function operator(...args: readonly string[]): Promise<unknown> {
  return await machJson("operator", ...args, ...place);
}

async function sentCount(): Promise<number> {
  const count = await network.anvil.rpc("eth_getTransactionCount", [account, "latest"]);
  return Number(count);
}

async function mint(units: bigint): Promise<void> {
  const { asset, signer } = network;
  await mintLocalAsset({ signer, asset, account, assets: units * UNIT });
}

describe("joining, before genesisTime", () => {
  it("is told from nothing", async () => {
    expect(await operator("status", account)).toMatchObject({
      ...{ exitCode: 1, registered: false, epoch: null, weight: "0", keyCount: "0" },
      ...{ memberships: [], keys: [] },
    });
  });

  it("needs stake before it needs a key's password to be right in vain", async () => {
    const sent = await sentCount();
    expect(await operator("register", ...wallet, ...keyOptions(keys.first))).toEqual({
      ...{ exitCode: 1, done: false, code: "weight-too-low", have: "0", need: "1" },
    });
    expect(await operator("deposit", ...wallet, "--amount", "40")).toEqual({
      ...{ exitCode: 1, done: false, code: "not-enough-assets", have: "0" },
      need: (40n * UNIT).toString(),
    });
    const { stdout } = await mach("operator", "deposit", ...wallet, "--amount", "40", ...place);
    expect(stdout).toMatch(/^not done \(not-enough-assets\): .*; it has 0.0 \S+, and needs 40.0 /);
    expect(await sentCount()).toBe(sent);
  });

  it("says on a dry run what a deposit takes, without a password, and sends nothing", async () => {
    await mint(100n);
    const sent = await sentCount();
    const { vault, asset, genesisTime } = network;
    const dryRun = ["deposit", "--account", account, "--amount", "40.5", "--dry-run"];
    const answer = await operator(...dryRun);
    expect(answer).toMatchObject({
      ...{ exitCode: 0, done: false, dryRun: true, action: "deposit" },
      ...{ operator: account, account, chainId: CHAIN_ID.toString() },
      effect: { epoch: "0", beginsAt: `${genesisTime}`, ifBefore: `${genesisTime}` },
      stake: { vault, asset, assets: ((81n * UNIT) / 2n).toString() },
      transactions: [
        { to: asset, method: "approve", gas: expect.stringMatching(/^\d+$/) },
        { to: vault, method: "deposit", gas: null },
      ],
      maxCostWei: expect.stringMatching(/^\d+$/),
    });
    const { stdout } = await mach("operator", ...dryRun, ...place);
    expect(stdout).toMatch(/^would put stake behind 0x[0-9a-f]{40} on chain 31337: 40.5 \S+\n/);
    expect(stdout).toContain("weighs from epoch 0 on, which begins ");
    expect(stdout).toMatch(/\nnothing was sent\n$/);
    expect(await sentCount()).toBe(sent);
  });

  it.each([
    ["bad-amount", ["--amount", "0"]],
    ["bad-amount", ["--amount", "0.0000000000000000001"]],
    ["bad-amount", ["--amount=-1"]],
    ["bad-amount", ["--amount", "1e3"]],
    ["unknown-vault", ["--amount", "1", "--vault", `0x${"11".repeat(20)}`]],
  ])("refuses %s: %j", async (code, args) => {
    expect(await operator("deposit", ...wallet, ...args)).toMatchObject({ exitCode: 1, code });
  });

  it("puts stake behind the operator", async () => {
    const { asset, vault } = network;
    expect(await operator("deposit", ...wallet, "--amount", "40")).toMatchObject({
      ...{ exitCode: 0, done: true, action: "deposit" },
      transactions: [
        { method: "approve", to: asset },
        { method: "deposit", to: vault },
      ],
    });
    expect(await operator("status", account)).toMatchObject({
      ...{ registered: false, weight: "40" },
      vaults: [{ vault, stake: (40n * UNIT).toString(), exits: [] }],
    });
  });

  it("registers, with gas and the epoch told first", async () => {
    const register = ["register", ...keyOptions(keys.first)];
    const sent = await sentCount();
    const dryRun = await operator(...register, "--account", account, "--dry-run");
    expect(dryRun).toMatchObject({
      ...{ exitCode: 0, dryRun: true, effect: { epoch: "0" } },
      transactions: [{ to: network.registry, method: "registerOperator" }],
    });
    const [step] = (dryRun as { transactions: readonly { gas: string }[] }).transactions;
    expect(Number(step?.gas)).toBeGreaterThan(100_000);
    expect(await sentCount()).toBe(sent);
    const run = await mach("operator", ...register, ...wallet, ...place);
    expect(run.stderr).toMatch(/^1 of 1: registerOperator at 0x.* in 0x[0-9a-f]{64}\n$/);
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^done: register 0x/) });
    expect(await operator("status", account)).toMatchObject({
      ...{ exitCode: 0, registered: true, keyCount: "1" },
      keys: [{ publicKey: publicKeyIn(keys.first), fromEpoch: "0" }],
    });
  });

  it("registers once, and no key twice", async () => {
    expect(await operator("register", ...wallet, ...keyOptions(keys.second))).toMatchObject({
      ...{ exitCode: 1, code: "already-registered" },
    });
    for (const file of [keys.first, keys.taken]) {
      expect(await operator("rotate-key", ...wallet, ...keyOptions(file))).toMatchObject({
        ...{ exitCode: 1, code: "key-in-use", error: "KeyAlreadyRegistered" },
      });
    }
  });
});

describe("what is refused before anything is read", () => {
  it("is another chain, no registry, no L1, and another's account", async () => {
    const { registry, asset, anvil } = network;
    const statusOf = (...args: readonly string[]): Promise<unknown> =>
      machJson("operator", "status", account, ...args);
    const elsewhere = folder.write("network.json", {
      ...{ registry, chainId: "1", l1: { rpcUrl: anvil.url } },
    });
    expect(await statusOf("--network", elsewhere)).toMatchObject({ code: "wrong-chain" });
    for (const address of [asset, account]) {
      expect(await statusOf("--l1", anvil.url, "--registry", address)).toMatchObject({
        ...{ exitCode: 1, code: "no-registry" },
      });
    }
    expect(await statusOf("--l1", NOWHERE, "--registry", registry)).toMatchObject({
      ...{ exitCode: 1, code: "l1-unavailable" },
    });
    const config = folder.write("node.yaml", {
      ...{ dataDir: "data", network: { chainId: 31337, registry } },
      ...{ l1: { rpcUrls: [anvil.url] }, rollups: [{ rollupId: 901, rpcUrls: [anvil.url] }] },
      operator: { address: deployer, secretKeyFile: "bls.key" },
    });
    const register = ["operator", "register", "--config", config, ...keyOptions(keys.second)];
    expect(await machJson(...register, ...wallet)).toMatchObject({ code: "wrong-account" });
    const stranger = folder.write("stranger.json", {
      ...{ registry, chainId: "31337", l1: { rpcUrl: anvil.url } },
    });
    expect(await machJson("operator", "status", "--network", stranger)).toMatchObject({
      exitCode: 2,
    });
  });

  it("is a wallet that does not open, is another's, or can be read by others", async () => {
    const [, file = ""] = wallet;
    const wrong = secret("wrong", "another horse");
    const deposit = (...args: readonly string[]): Promise<unknown> =>
      operator("deposit", "--amount", "1", ...args);
    const opened = await deposit("--wallet", file, "--wallet-password-file", wrong);
    expect(opened).toMatchObject({ exitCode: 1, code: "wrong-password" });
    expect(await deposit(...wallet, "--account", deployer)).toMatchObject({
      ...{ exitCode: 1, code: "unknown-account" },
    });
    const relabelled = { ...(JSON.parse(readFileSync(file, "utf8")) as object), address: deployer };
    await mintLocalAsset({ ...network, account: deployer, assets: UNIT });
    const disguised = secret("disguised.json", JSON.stringify(relabelled));
    expect(
      await deposit("--wallet", disguised, "--wallet-password-file", passwordFile()),
    ).toMatchObject({ exitCode: 1, code: "malformed-wallet" });
    const open = folder.write("open.json", readFileSync(file, "utf8"));
    chmodSync(open, 0o644);
    expect(await deposit("--wallet", open)).toMatchObject({ exitCode: 1, code: "open-to-others" });
    expect(await deposit("--account", account)).toMatchObject({ exitCode: 2 });
    expect(await deposit(...wallet, "--signer", network.anvil.url)).toMatchObject({ exitCode: 2 });
    expect(await deposit("--wallet", file)).toMatchObject({ exitCode: 2 });
  });
});

describe("an operator's day, after genesisTime", () => {
  it("rotates its key by a proof from another machine, for the epoch after the next", async () => {
    const { anvil, registry, genesisTime } = network;
    await finalizeAt(anvil, genesisTime + 3n * EPOCH_SECONDS + 1n);
    const prove = async (name: string, nonce: string, contract: string): Promise<string> => {
      const { stdout } = await mach(
        ...["keys", "prove", keys.second, "--password-file", passwordFile()],
        ...["--operator", account, "--nonce", nonce, "--chain-id", "31337"],
        ...["--contract", contract],
      );
      return folder.write(name, stdout);
    };
    const rotate = (file: string): Promise<unknown> =>
      operator("rotate-key", ...wallet, "--proof", file);
    expect(await rotate(await prove("stale.json", "0", registry))).toMatchObject({
      ...{ exitCode: 1, code: "wrong-nonce", have: "0", need: "1" },
    });
    expect(await rotate(await prove("foreign.json", "1", account))).toMatchObject({
      ...{ exitCode: 1, code: "foreign-proof" },
    });
    expect(await rotate(folder.write("none.json", {}))).toMatchObject({ code: "malformed-proof" });
    const beginsAt = genesisTime + 5n * EPOCH_SECONDS;
    expect(await rotate(await prove("proof.json", "1", registry))).toMatchObject({
      ...{ exitCode: 0, done: true, action: "rotate-key" },
      effect: {
        ...{ epoch: "5", beginsAt: `${beginsAt}` },
        ifBefore: `${beginsAt - EPOCH_SECONDS}`,
      },
    });
    const [first, second] = [publicKeyIn(keys.first), publicKeyIn(keys.second)];
    expect(await operator("status", account)).toMatchObject({
      ...{ epoch: "3", next: { epoch: "5" } },
      memberships: [
        { epoch: "3", publicKey: first, weight: "40" },
        { epoch: "4", publicKey: first, weight: "40" },
      ],
      keys: [
        { publicKey: first, fromEpoch: "0" },
        { publicKey: second, fromEpoch: "5" },
      ],
    });
    await finalizeAt(anvil, beginsAt);
    expect(await operator("status", account)).toMatchObject({
      memberships: [
        { epoch: "5", publicKey: second },
        { epoch: "6", publicKey: second },
      ],
    });
  });

  it("takes stake from another account, by a signer in another process", async () => {
    const { anvil, asset, signer } = network;
    await mintLocalAsset({ signer, asset, account: deployer, assets: 10n * UNIT });
    const by = ["--signer", anvil.url, "--account", deployer, "--amount", "10"];
    expect(await operator("delegate", account, ...by)).toMatchObject({
      ...{ exitCode: 0, done: true, account: deployer, operator: account },
    });
    expect(await operator("delegate", `0x${"77".repeat(20)}`, ...by)).toMatchObject({
      ...{ exitCode: 1, code: "unknown-operator" },
    });
    expect(await operator("status", account, "--account", deployer)).toMatchObject({
      ...{ weight: "50", vaults: [{ stake: (10n * UNIT).toString() }] },
    });
    const several = ["deposit", "--signer", anvil.url, "--amount", "1"];
    expect(await operator(...several)).toMatchObject({ exitCode: 1, code: "several-accounts" });
    expect(await operator(...several, "--account", account)).toMatchObject({
      ...{ exitCode: 1, code: "unknown-account" },
    });
    expect(await operator("deposit", "--signer", NOWHERE, "--amount", "1")).toMatchObject({
      ...{ exitCode: 1, code: "signer-unreachable" },
    });
  });

  it("exits in two steps, and is told when", async () => {
    const { anvil, genesisTime, vault } = network;
    await finalizeAt(anvil, genesisTime + 10n * EPOCH_SECONDS + 1n);
    expect(await operator("exit", ...wallet, "--amount", "41")).toMatchObject({
      ...{ exitCode: 1, code: "not-enough-stake", have: (40n * UNIT).toString() },
    });
    const begun = await operator("exit", ...wallet);
    expect(begun).toMatchObject({
      ...{ exitCode: 0, done: true, action: "exit" },
      effect: { epoch: "12", beginsAt: `${genesisTime + 12n * EPOCH_SECONDS}` },
      openConvictions: 0,
      stake: { vault, assets: (40n * UNIT).toString() },
    });
    const status = await operator("status", account);
    expect(status).toMatchObject({
      ...{ weight: "10", memberships: [{ weight: "50" }, { weight: "50" }] },
      vaults: [{ stake: "0", exits: [{ exitId: "0", assets: (40n * UNIT).toString() }] }],
    });
    const [{ exits }] = (status as { vaults: [{ exits: [{ releaseTime: string }] }] }).vaults;
    const { releaseTime } = exits[0];
    const complete = ["exit", ...wallet, "--complete", "0"];
    expect(await operator(...complete)).toMatchObject({
      ...{ exitCode: 1, code: "exit-locked", until: releaseTime },
    });
    expect(await operator("exit", ...wallet)).toMatchObject({ code: "nothing-staked" });
    await finalizeAt(anvil, BigInt(releaseTime));
    expect(await operator(...complete)).toMatchObject({ exitCode: 0, action: "complete-exit" });
    expect(await operator(...complete)).toMatchObject({ exitCode: 1, code: "unknown-exit" });
    expect(await operator("status", account)).toMatchObject({
      vaults: [{ balance: (100n * UNIT).toString(), exits: [] }],
    });
  });

  it("cannot send what its account cannot pay for", async () => {
    const { anvil } = network;
    await anvil.rpc("anvil_setBalance", [account, "0x1"]);
    expect(await operator("deposit", ...wallet, "--amount", "1")).toMatchObject({
      ...{ exitCode: 1, code: "insufficient-funds" },
    });
  });
});

it.each([
  ["register"],
  ["deposit", "--amount", "1"],
  ["delegate", `0x${"77".repeat(20)}`, "--amount", "1"],
  ["rotate-key"],
  ["exit", "--amount", "1", "--complete", "1"],
  ["exit", "--complete", "first"],
  ["status"],
])("mach operator %s without a place, or with too much, is wrong usage", async (...args) => {
  expect(await machJson("operator", ...args)).toMatchObject({ exitCode: 2, code: "wrong-usage" });
});

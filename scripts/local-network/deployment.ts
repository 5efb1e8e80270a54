import { createNativeBls } from "@mach/bls";
import { createPortableBls, proveKeyPossession } from "@mach/bls/portable";
import { type Domain, type Hex, keyRegistrationDigest, type Stack } from "@mach/core";
import {
  depositStake,
  mintLocalAsset,
  registerOperator,
  type TransactionResult,
} from "@mach/settlement";
import type { Wallet } from "ethers";
import {
  type Account,
  deployerAccount,
  governorAccount,
  operatorAccount,
  signerOf,
} from "./accounts.ts";
import { LocalNetworkError } from "./errors.ts";
import { type Forge, runScript } from "./forge-script.ts";
import { ASSETS_PER_WEIGHT, networkParameters } from "./parameters.ts";

/** Enough for the transactions before genesis, each of which takes a block; doubled if not. */
const FIRST_LEAD_SECONDS = 12n;
const ATTEMPTS = 3;

export interface OperatorToRegister {
  /** The BLS key, 32 bytes. */
  readonly secretKey: Uint8Array;
  readonly weight: bigint;
}

export interface RegisteredOperator extends OperatorToRegister {
  readonly address: Hex;
  /** Of its account on the L1, in hex. */
  readonly accountKey: string;
}

export interface DeployNetworkOptions {
  readonly rpcUrl: string;
  readonly chainId: bigint;
  readonly epochSeconds: bigint;
  readonly operators: readonly OperatorToRegister[];
  readonly rollups: readonly {
    readonly rollupId: bigint;
    readonly stack: Stack;
    readonly attestationInterval: bigint;
    readonly verification: 1 | 2;
  }[];
}

/** What stands on the L1. */
export interface DeployedContracts {
  /** Owns all that has an owner. */
  readonly timelock: Hex;
  readonly weightedSources: Hex;
  readonly registry: Hex;
  readonly slasher: Hex;
  readonly vault: Hex;
  readonly verifier: Hex;
  readonly asset: Hex;
}

export interface DeployedNetwork extends DeployedContracts {
  readonly domain: Domain;
  readonly genesisTime: bigint;
  /** Schedules what the timelocks do, which anyone executes when it is due. */
  readonly governor: Account;
  /** In the order of the options. */
  readonly operators: readonly RegisteredOperator[];
}

/**
 * Deploys the contracts, lists the rollups, and has every operator staked and registered before
 * genesisTime, so that the sets of epochs 0 and 1 hold them all.
 */
export async function deployNetwork(
  forge: Forge,
  options: DeployNetworkOptions,
): Promise<DeployedNetwork> {
  let lead = FIRST_LEAD_SECONDS;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const genesisTime = (await newestTimestamp(options)) + lead;
    let failure: unknown;
    const network = await deployWith(forge, options, genesisTime).catch((error: unknown) => {
      failure = error;
      return null;
    });
    const isInTime = (await newestTimestamp(options)) < genesisTime;
    if (isInTime && network !== null) return network;
    // A machine that was too slow also has the script refuse a genesis that has passed meanwhile.
    if (isInTime) throw failure;
    lead *= 2n;
  }
  throw new LocalNetworkError(
    "start-failed",
    "the operators could not be registered before the network's genesis: the machine is too busy",
  );
}

async function deployWith(
  forge: Forge,
  options: DeployNetworkOptions,
  genesisTime: bigint,
): Promise<DeployedNetwork> {
  const contracts = await deployContracts(forge, options, genesisTime);
  const domain = { chainId: options.chainId, verifyingContract: contracts.registry };
  const operators = await Promise.all(
    options.operators.map((operator, index) => {
      const account = operatorAccount(index);
      const signer = signerOf(account, options);
      return register(operator, { ...contracts, account, signer, domain });
    }),
  );
  return { ...contracts, domain, genesisTime, governor: governorAccount(), operators };
}

async function deployContracts(
  forge: Forge,
  options: DeployNetworkOptions,
  genesisTime: bigint,
): Promise<DeployedContracts> {
  const addresses = await runScript(forge, {
    script: "DeployNetwork",
    rpcUrl: options.rpcUrl,
    deployer: deployerAccount().address,
    parameters: networkParameters({ ...options, genesisTime }),
  });
  const addressOf = (name: string): Hex => {
    const address = addresses[name];
    if (address !== undefined) return address;
    throw new LocalNetworkError("start-failed", `DeployNetwork did not say where ${name} stands`);
  };
  return {
    timelock: addressOf("timelock"),
    weightedSources: addressOf("weightedSources"),
    registry: addressOf("registry"),
    slasher: addressOf("slasher"),
    vault: addressOf("vault"),
    verifier: addressOf("verifier"),
    asset: addressOf("asset"),
  };
}

async function register(
  operator: OperatorToRegister,
  context: DeployedContracts & {
    readonly account: Account;
    readonly signer: Wallet;
    readonly domain: Domain;
  },
): Promise<RegisteredOperator> {
  const { account, signer, asset, vault, registry, domain } = context;
  const { address, privateKey } = account;
  const assets = operator.weight * ASSETS_PER_WEIGHT;
  expectDone("mint", await mintLocalAsset({ signer, asset, account: address, assets }));
  const stake = { signer, vault, asset, operator: address, assets };
  expectDone("deposit", await depositStake(stake));
  const possession = provePossession(operator.secretKey, { domain, operator: address });
  expectDone("register", await registerOperator({ signer, registry, ...possession }));
  return { ...operator, address, accountKey: privateKey };
}

function provePossession(
  secretKey: Uint8Array,
  registration: { readonly domain: Domain; readonly operator: Hex },
): { readonly publicKeyPoint: Hex; readonly proof: Hex } {
  const { domain, operator } = registration;
  const portable = createPortableBls();
  const native = createNativeBls();
  const key = native.secretKeyFromBytes(secretKey);
  const publicKeyPoint = key && native.publicKeyToPoint(native.publicKeyOf(key));
  if (publicKeyPoint === null) throw new TypeError("a BLS secret key was expected");
  const digest = keyRegistrationDigest(domain, { operator, publicKeyPoint, nonce: 0n });
  const compressed = proveKeyPossession({ secretKey, digest });
  const proof = compressed && portable.signatureToPoint(compressed);
  if (proof === null) throw new TypeError("a BLS secret key was expected");
  return { publicKeyPoint, proof };
}

function expectDone(action: string, result: TransactionResult): void {
  if (result.ok) return;
  const why = [result.code, result.error].filter((part) => part !== null).join(", ");
  throw new LocalNetworkError("start-failed", `${action} failed on the L1: ${why}`);
}

async function newestTimestamp(options: DeployNetworkOptions): Promise<bigint> {
  const block = await signerOf(deployerAccount(), options).provider?.getBlock("latest");
  if (!block) throw new LocalNetworkError("start-failed", "the L1 has no block");
  return BigInt(block.timestamp);
}

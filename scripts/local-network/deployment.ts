import { createNativeBls } from "@mach/bls";
import { createPortableBls, proveKeyPossession } from "@mach/bls/portable";
import { type Domain, type Hex, isHex, keyRegistrationDigest, type Stack } from "@mach/core";
import {
  addRollup,
  createL1Signer,
  type Deployment,
  deployContracts,
  depositStake,
  mintLocalAsset,
  registerOperator,
  type TransactionResult,
} from "@mach/settlement";
import { HDNodeWallet, type Wallet } from "ethers";
import { LocalNetworkError } from "./errors.ts";

/** The mnemonic of anvil's own accounts: public, and worth nothing on any other chain. */
const ANVIL_MNEMONIC = "test test test test test test test test test test test junk";
const ASSETS_PER_WEIGHT = 10n ** 18n;
const WITHDRAWAL_DELAY_SECONDS = 600n;
/** Enough for the transactions before genesis, each of which takes a block; doubled if not. */
const FIRST_LEAD_SECONDS = 12n;
const ATTEMPTS = 3;
const CALL_TIMEOUT_MS = 10_000;

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
  }[];
}

export interface DeployedNetwork extends Deployment {
  readonly domain: Domain;
  readonly genesisTime: bigint;
  /** In the order of the options. */
  readonly operators: readonly RegisteredOperator[];
}

/** How many accounts of the L1 a network with so many operators takes. */
export function accountsFor(operatorCount: number): number {
  return operatorCount + 1;
}

/**
 * Deploys the contracts, lists the rollups, and has every operator staked and registered before
 * genesisTime, so that the sets of epochs 0 and 1 hold them all.
 */
export async function deployNetwork(options: DeployNetworkOptions): Promise<DeployedNetwork> {
  let lead = FIRST_LEAD_SECONDS;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const genesisTime = (await newestTimestamp(options)) + lead;
    const network = await deployWith(options, genesisTime);
    if ((await newestTimestamp(options)) < genesisTime) return network;
    lead *= 2n;
  }
  throw new LocalNetworkError(
    "start-failed",
    "the operators could not be registered before the network's genesis: the machine is too busy",
  );
}

async function deployWith(
  options: DeployNetworkOptions,
  genesisTime: bigint,
): Promise<DeployedNetwork> {
  const { epochSeconds, chainId } = options;
  const deployer = signerOf(options, accountKey(0));
  const contracts = await deployContracts({
    signer: deployer,
    epochSeconds,
    genesisTime,
    assetsPerWeight: ASSETS_PER_WEIGHT,
    withdrawalDelaySeconds: WITHDRAWAL_DELAY_SECONDS,
  });
  const domain = { chainId, verifyingContract: contracts.registry };
  const [operators] = await Promise.all([
    Promise.all(
      options.operators.map((operator, index) =>
        register(operator, {
          ...contracts,
          signer: signerOf(options, accountKey(index + 1)),
          domain,
        }),
      ),
    ),
    listRollups(options, { signer: deployer, registry: contracts.registry }),
  ]);
  return { ...contracts, domain, genesisTime, operators };
}

async function listRollups(
  options: DeployNetworkOptions,
  owner: { readonly signer: Wallet; readonly registry: Hex },
): Promise<void> {
  for (const { rollupId, stack, attestationInterval } of options.rollups) {
    const rollup = { rollupId, stack, attestationInterval, thresholdBps: 6667, verification: 1 };
    expectDone("addRollup", await addRollup({ ...owner, rollup: { ...rollup, verification: 1 } }));
  }
}

async function register(
  operator: OperatorToRegister,
  context: Deployment & { readonly signer: Wallet; readonly domain: Domain },
): Promise<RegisteredOperator> {
  const { signer, asset, vault, registry, domain } = context;
  const address = signer.address.toLowerCase();
  if (!isHex(address, 20)) throw new TypeError("an address was expected");
  const assets = operator.weight * ASSETS_PER_WEIGHT;
  expectDone("mint", await mintLocalAsset({ signer, asset, account: address, assets }));
  const stake = { signer, vault, asset, operator: address, assets };
  expectDone("deposit", await depositStake(stake));
  const possession = provePossession(operator.secretKey, { domain, operator: address });
  expectDone("register", await registerOperator({ signer, registry, ...possession }));
  return { ...operator, address, accountKey: signer.privateKey };
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

function accountKey(index: number): string {
  const path = `m/44'/60'/0'/0/${index}`;
  return HDNodeWallet.fromPhrase(ANVIL_MNEMONIC, undefined, path).privateKey;
}

function signerOf(options: DeployNetworkOptions, privateKey: string): Wallet {
  const { rpcUrl, chainId } = options;
  return createL1Signer({ rpcUrl, chainId, privateKey, timeoutMs: CALL_TIMEOUT_MS });
}

function expectDone(action: string, result: TransactionResult): void {
  if (result.ok) return;
  const why = [result.code, result.error].filter((part) => part !== null).join(", ");
  throw new LocalNetworkError("start-failed", `${action} failed on the L1: ${why}`);
}

async function newestTimestamp(options: DeployNetworkOptions): Promise<bigint> {
  const block = await signerOf(options, accountKey(0)).provider?.getBlock("latest");
  if (!block) throw new LocalNetworkError("start-failed", "the L1 has no block");
  return BigInt(block.timestamp);
}

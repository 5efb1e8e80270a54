import { createPortableBls, proveKeyPossession } from "@mach/bls/portable";
import { fromHex, type Hex, isHex, keyRegistrationDigest } from "@mach/core";
import type { Wallet } from "ethers";
import {
  addRollup,
  createL1Signer,
  depositStake,
  mintLocalAsset,
  registerOperator,
  type TransactionResult,
} from "../src/index.ts";
import { type Anvil, CHAIN_ID, DEPLOYER_KEY, startAnvil } from "./anvil.ts";
import { type Deployment, deployContracts } from "./deploy.ts";

export const EPOCH_SECONDS = 60n;
export const UNIT = 10n ** 18n;
export const WEIGHTS: readonly bigint[] = [22n, 24n, 26n, 28n];

export interface TestNetwork extends Deployment {
  readonly anvil: Anvil;
  readonly signer: Wallet;
  readonly genesisTime: bigint;
  /** The operators in ascending order of address with their weights. */
  readonly operators: readonly { readonly operator: Hex; readonly weight: bigint }[];
}

/** An L1 with the contracts, four operators and three rollups, before genesisTime. */
export async function startNetwork(slotsInAnEpoch?: number): Promise<TestNetwork> {
  const anvil = await startAnvil(slotsInAnEpoch);
  const signer = signerFor(anvil, DEPLOYER_KEY);
  const genesisTime = (await newestTimestamp(anvil)) + 1_000n;
  const deployment = await deployContracts({
    signer,
    epochSeconds: EPOCH_SECONDS,
    genesisTime,
    assetsPerWeight: UNIT,
    withdrawalDelaySeconds: 600n,
  });
  for (const [rollupId, stack] of [
    [901n, "op"],
    [902n, "evm"],
    [903n, "unheard-of"],
  ] as const) {
    const rollup = { rollupId, stack, attestationInterval: 1n, thresholdBps: 6667 };
    const { registry } = deployment;
    expectOk(await addRollup({ signer, registry, rollup: { ...rollup, verification: 1 } }));
  }
  const operators: { operator: Hex; weight: bigint }[] = [];
  for (const [index, weight] of WEIGHTS.entries()) {
    operators.push({ operator: await join({ anvil, ...deployment }, index + 1, weight), weight });
  }
  operators.sort((left, right) => (left.operator < right.operator ? -1 : 1));
  return { ...deployment, anvil, signer, genesisTime, operators };
}

/** Stakes for, funds and registers the operator whose account and key are made from `number`. */
export async function join(
  network: Deployment & { readonly anvil: Anvil },
  number: number,
  weight: bigint,
): Promise<Hex> {
  const { anvil, asset, registry, vault } = network;
  const secret = number.toString(16).padStart(64, "0");
  const signer = signerFor(anvil, `0x${secret}`);
  const operator = lowerAddress(signer);
  await anvil.rpc("anvil_setBalance", [operator, "0x56bc75e2d63100000"]);
  const assets = weight * UNIT;
  expectOk(await mintLocalAsset({ signer, asset, account: operator, assets }));
  expectOk(await depositStake({ signer, vault, asset, operator, assets }));
  const possession = possessionOf({ operator, registry, secret: `0x${secret}`, nonce: 0n });
  expectOk(await registerOperator({ signer, registry, ...possession }));
  return operator;
}

/** A key and a proof that its owner has it, as the registry takes them. */
export function possessionOf(request: {
  readonly operator: Hex;
  readonly registry: Hex;
  readonly secret: Hex;
  readonly nonce: bigint;
}): { readonly publicKeyPoint: Hex; readonly proof: Hex } {
  const { operator, registry, secret, nonce } = request;
  const bls = createPortableBls();
  const secretKey = fromHex(secret);
  const publicKey = bls.publicKeyOf(secretKey);
  const publicKeyPoint = publicKey && bls.publicKeyToPoint(publicKey);
  if (publicKeyPoint === null) throw new Error("no key");
  const domain = { chainId: CHAIN_ID, verifyingContract: registry };
  const digest = keyRegistrationDigest(domain, { operator, publicKeyPoint, nonce });
  const signature = proveKeyPossession({ secretKey, digest });
  const proof = signature && bls.signatureToPoint(signature);
  if (proof === null) throw new Error("no proof");
  return { publicKeyPoint, proof };
}

export function signerFor(anvil: Anvil, privateKey: string): Wallet {
  return createL1Signer({ rpcUrl: anvil.url, chainId: CHAIN_ID, privateKey, timeoutMs: 5_000 });
}

export function lowerAddress(wallet: Wallet): Hex {
  const address = wallet.address.toLowerCase();
  if (!isHex(address, 20)) throw new Error("not an address");
  return address;
}

export async function newestTimestamp(anvil: Anvil): Promise<bigint> {
  const block = await anvil.rpc("eth_getBlockByNumber", ["latest", false]);
  return BigInt((block as { timestamp: string }).timestamp);
}

function expectOk(result: TransactionResult): void {
  if (!result.ok) throw new Error(`${result.code}: ${result.error}`);
}

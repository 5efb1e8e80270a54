import { type Hex, isHex } from "@mach/core";
import { ContractFactory, type InterfaceAbi, type Signer } from "ethers";
import { LOCAL_TOKEN_ABI, LOCAL_TOKEN_BYTECODE } from "./abi/local-token.ts";
import { REGISTRY_ABI, REGISTRY_BYTECODE } from "./abi/registry.ts";
import { STAKE_VAULT_ABI, STAKE_VAULT_BYTECODE } from "./abi/stake-vault.ts";
import { SettlementError } from "./errors.ts";

export interface DeployOptions {
  /** Deploys, and owns the registry. */
  readonly signer: Signer;
  readonly epochSeconds: bigint;
  /** In seconds, after the registry's deployment. */
  readonly genesisTime: bigint;
  /** How many base units of the asset make one unit of weight. */
  readonly assetsPerWeight: bigint;
  readonly withdrawalDelaySeconds: bigint;
  /** The ERC-20 to stake. Where it is left out, a worthless one for a local network is deployed. */
  readonly asset?: Hex;
  /**
   * The contract that may slash the vault's stake. Where it is left out nobody may: the asset, which
   * never calls a vault, is named in its place.
   */
  readonly slasher?: Hex;
}

export interface Deployment {
  readonly registry: Hex;
  readonly vault: Hex;
  readonly asset: Hex;
}

/** Deploys the asset (or takes a given one), the vault and the registry. Throws SettlementError. */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { signer, epochSeconds, genesisTime, assetsPerWeight, withdrawalDelaySeconds } = options;
  if (withdrawalDelaySeconds <= 2n * epochSeconds) {
    throw new SettlementError(
      "unsafe-parameters",
      "Stake that left would still sign: make withdrawalDelaySeconds more than two epochs.",
    );
  }
  const asset = options.asset ?? (await deploy(signer, LOCAL_TOKEN_ABI, LOCAL_TOKEN_BYTECODE, []));
  const vault = await deploy(signer, STAKE_VAULT_ABI, STAKE_VAULT_BYTECODE, [
    asset,
    assetsPerWeight,
    withdrawalDelaySeconds,
    options.slasher ?? asset,
  ]);
  const registry = await deploy(signer, REGISTRY_ABI, REGISTRY_BYTECODE, [
    await signer.getAddress(),
    vault,
    genesisTime,
    epochSeconds,
  ]);
  return { registry, vault, asset };
}

async function deploy(
  signer: Signer,
  abi: InterfaceAbi,
  bytecode: Hex,
  args: readonly unknown[],
): Promise<Hex> {
  try {
    const contract = await new ContractFactory(abi, bytecode, signer).deploy(...args);
    await contract.waitForDeployment();
    const address = (await contract.getAddress()).toLowerCase();
    if (isHex(address, 20)) return address;
  } catch (cause) {
    throw new SettlementError(
      "deployment-failed",
      "Check the RPC, the account's balance, and that genesisTime is in the future.",
      { cause },
    );
  }
  throw new SettlementError("deployment-failed", "The RPC gave no address.");
}

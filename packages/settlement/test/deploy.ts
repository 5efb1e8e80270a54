import { type Hex, isHex } from "@mach/core";
import { ContractFactory, type Signer } from "ethers";
import { mined } from "./anvil.ts";
import { creationCode } from "./creation-code.ts";

export interface DeployOptions {
  /** Deploys, and owns the registry. */
  readonly signer: Signer;
  readonly epochSeconds: bigint;
  /** In seconds, after the registry's deployment. */
  readonly genesisTime: bigint;
  /** How many base units of the asset make one unit of weight. */
  readonly assetsPerWeight: bigint;
  readonly withdrawalDelaySeconds: bigint;
}

export interface Deployment {
  readonly registry: Hex;
  readonly vault: Hex;
  readonly asset: Hex;
}

/** A registry that weighs by one vault and that the signer owns; contracts/script/ makes real ones. */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { signer, epochSeconds, genesisTime, assetsPerWeight, withdrawalDelaySeconds } = options;
  const asset = await deploy(signer, "LocalToken", []);
  // The token slashes nobody.
  const vaultTypes = ["address", "uint256", "uint256", "address"];
  const vault = await deploy(signer, "StakeVault", [
    vaultTypes,
    [asset, assetsPerWeight, withdrawalDelaySeconds, asset],
  ]);
  const registryTypes = ["address", "address", "uint64", "uint64"];
  const registry = await deploy(signer, "Registry", [
    registryTypes,
    [await signer.getAddress(), vault, genesisTime, epochSeconds],
  ]);
  return { registry, vault, asset };
}

async function deploy(
  signer: Signer,
  contract: string,
  args: readonly [types: readonly string[], values: readonly unknown[]] | readonly [],
): Promise<Hex> {
  const [types = [], values = []] = args;
  const abi = [`constructor(${types.join(", ")})`];
  const factory = new ContractFactory(abi, creationCode(contract), signer);
  const deployed = await factory.deploy(...values);
  await mined(deployed.deploymentTransaction());
  const address = (await deployed.getAddress()).toLowerCase();
  if (!isHex(address, 20)) throw new Error(`${contract} has no address`);
  return address;
}

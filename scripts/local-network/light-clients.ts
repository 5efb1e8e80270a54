import { setTimeout as sleep } from "node:timers/promises";
import { type Hex, isHex, ZERO_HASH } from "@mach/core";
import { REGISTRY_ABI } from "@mach/settlement";
import { Contract } from "ethers";
import { deployerAccount, signerOf } from "./accounts.ts";
import type { DeployedNetwork } from "./deployment.ts";
import { LocalNetworkError } from "./errors.ts";
import { type Forge, runScript } from "./forge-script.ts";
import { exampleParameters, lightClientParameters } from "./parameters.ts";

/** A light client of the network on a rollup's own chain, and the example payments there. */
export interface DeployedLightClient {
  /** The rollup on whose chain it stands. */
  readonly rollupId: bigint;
  readonly timelock: Hex;
  readonly lightClient: Hex;
  /** The epoch whose set it trusted first, as L1 has finalised it. */
  readonly epoch: bigint;
  readonly operatorSetHash: Hex;
  /** Where payments begin that the other rollup pays out. */
  readonly paymentSource: Hex;
  /** Pays out what began on the rollup `paymentsFrom`. */
  readonly fastPayments: Hex;
  readonly paymentsFrom: bigint;
}

export interface LightClientsOptions {
  readonly l1: { readonly rpcUrl: string; readonly chainId: bigint };
  readonly network: DeployedNetwork;
  readonly epochSeconds: bigint;
  readonly rollups: readonly {
    readonly rollupId: bigint;
    readonly rpcUrl: string;
    readonly runsContracts: boolean;
    readonly verification: 1 | 2;
  }[];
  readonly signal: AbortSignal;
}

/** The first epoch of all: its set is fixed soonest. */
const EPOCH = 0n;
const FUND_WEI = 100n * 10n ** 18n;
const POLL_MS = 250;
const FIX_TIMEOUT_MS = 120_000;

/**
 * Deploys a light client on each rollup's chain that runs contracts, as soon as L1 has finalised the first operator set,
 * which it trusts. Each follows the other rollups, whose payments an example consumer pays out.
 */
export async function deployLightClients(
  forge: Forge,
  options: LightClientsOptions,
): Promise<readonly DeployedLightClient[]> {
  const operatorSetHash = await finalizedSetHash(options);
  const deployed: DeployedLightClient[] = [];
  // One after the other: forge keeps one cache for all of its runs.
  for (const { rollupId, runsContracts } of options.rollups) {
    // A light client follows another rollup than its own.
    if (!runsContracts || options.rollups.length < 2) continue;
    deployed.push(await deployOn(rollupId, { forge, options, operatorSetHash }));
  }
  return deployed;
}

async function deployOn(
  rollupId: bigint,
  context: {
    readonly forge: Forge;
    readonly options: LightClientsOptions;
    readonly operatorSetHash: Hex;
  },
): Promise<DeployedLightClient> {
  const { forge, options, operatorSetHash } = context;
  const { network, epochSeconds, l1, rollups } = options;
  const rpcUrl = rollups.find((rollup) => rollup.rollupId === rollupId)?.rpcUrl ?? "";
  const others = rollups.filter((rollup) => rollup.rollupId !== rollupId);
  const paymentsFrom = others[0]?.rollupId ?? 0n;
  const chain = { rpcUrl, deployer: deployerAccount().address };
  const { genesisTime, registry } = network;
  const own = await runScript(forge, {
    ...chain,
    script: "DeployLightClient",
    parameters: lightClientParameters({
      chainId: rollupId,
      l1ChainId: l1.chainId,
      registry,
      genesisTime,
      epochSeconds,
      epoch: EPOCH,
      operatorSetHash,
      rollups: others,
    }),
  });
  const { timelock, lightClient } = own;
  if (timelock === undefined || lightClient === undefined) throw unsaid("DeployLightClient");
  const examples = { chainId: rollupId, genesisTime, lightClient, paymentsFrom, fundWei: FUND_WEI };
  const { paymentSource, fastPayments } = await runScript(forge, {
    ...chain,
    script: "DeployExamples",
    parameters: exampleParameters(examples),
  });
  if (paymentSource === undefined || fastPayments === undefined) throw unsaid("DeployExamples");
  const trusted = { epoch: EPOCH, operatorSetHash };
  return {
    ...{ rollupId, timelock, lightClient, ...trusted },
    ...{ paymentSource, fastPayments, paymentsFrom },
  };
}

/** Waits for what the network's own nodes do: they fix the epoch, and L1 finalises it. */
async function finalizedSetHash(options: LightClientsOptions): Promise<Hex> {
  const { network, l1, signal } = options;
  const signer = signerOf(deployerAccount(), l1);
  const read = new Contract(network.registry, REGISTRY_ABI, signer).getFunction("operatorSetHash");
  const deadline = Date.now() + FIX_TIMEOUT_MS;
  try {
    while (Date.now() < deadline) {
      // Rejects also where the finalised block is from before the deployment: then it is asked again.
      const hash: unknown = await read
        .staticCall(EPOCH, { blockTag: "finalized" })
        .catch(() => null);
      if (typeof hash === "string" && isHex(hash, 32) && hash !== ZERO_HASH) return hash;
      await sleep(POLL_MS, undefined, { signal });
    }
  } finally {
    signer.provider?.destroy();
  }
  throw new LocalNetworkError("start-failed", `epoch ${EPOCH} was not fixed on the L1 in time`);
}

function unsaid(script: string): LocalNetworkError {
  return new LocalNetworkError("start-failed", `${script} did not say what it deployed`);
}

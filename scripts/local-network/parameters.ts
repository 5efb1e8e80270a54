import type { Hex } from "@mach/core";
import { deployerAccount, governorAccount } from "./accounts.ts";

/** The local network's column of the table in docs/protocol.md; in seconds. */
export const ACCEPTANCE_WINDOW_SECONDS = 60n;
const CHALLENGE_WINDOW_SECONDS = 30n;
const EVIDENCE_WINDOW_SECONDS = 300n;
const WITHDRAWAL_DELAY_SECONDS = 600n;
/** Longer than an exit, as everywhere. */
const TIMELOCK_DELAY_SECONDS = 660n;

/** How many base units of the asset make one unit of weight. */
export const ASSETS_PER_WEIGHT: bigint = 10n ** 18n;
/** The threshold of every rollup. */
export const THRESHOLD_BPS = 6667;

/** Fractions of a stake, in units of 1e-18. */
const HALF = String(5n * 10n ** 17n);
const ALL = String(10n ** 18n);

const NOBODY: Hex = `0x${"00".repeat(20)}`;
const MAX_WEIGHT = 2n ** 64n;

export interface NetworkToDeploy {
  readonly chainId: bigint;
  readonly genesisTime: bigint;
  readonly epochSeconds: bigint;
  readonly rollups: readonly {
    readonly rollupId: bigint;
    readonly stack: string;
    readonly attestationInterval: bigint;
    readonly verification: 1 | 2;
  }[];
}

/** What DeployNetwork.s.sol takes. */
export function networkParameters(network: NetworkToDeploy): Readonly<Record<string, unknown>> {
  const { chainId, genesisTime, epochSeconds, rollups } = network;
  return {
    // Another genesis is another network: its timelock is not one that has been handed over.
    ...planFor(chainId, genesisTime),
    ...powers(),
    genesisTime: String(genesisTime),
    epochSeconds: String(epochSeconds),
    acceptanceWindowSeconds: String(ACCEPTANCE_WINDOW_SECONDS),
    challengeWindowSeconds: String(CHALLENGE_WINDOW_SECONDS),
    evidenceWindowSeconds: String(EVIDENCE_WINDOW_SECONDS),
    withdrawalDelaySeconds: String(WITHDRAWAL_DELAY_SECONDS),
    asset: NOBODY,
    assetsPerWeight: String(ASSETS_PER_WEIGHT),
    multiplierBps: "10000",
    maxWeight: String(MAX_WEIGHT),
    minimumWeight: "1",
    slashing: {
      doubleAttestation: HALF,
      attestationAgainstCertificate: HALF,
      conflictingCertificates: ALL,
      falseSetUpdate: ALL,
      settlementLie: ALL,
      destination: governorAccount().address,
      reporterShareBps: "500",
    },
    rollups: rollups.map(({ rollupId, stack, attestationInterval, verification }) => ({
      rollupId: String(rollupId),
      stack,
      attestationInterval: String(attestationInterval),
      thresholdBps: String(THRESHOLD_BPS),
      verification: String(verification),
      settlement: NOBODY,
      settlementSeconds: "0",
    })),
  };
}

export interface LightClientToDeploy {
  /** Of the chain on which it stands. */
  readonly chainId: bigint;
  readonly l1ChainId: bigint;
  readonly registry: Hex;
  readonly genesisTime: bigint;
  readonly epochSeconds: bigint;
  readonly epoch: bigint;
  readonly operatorSetHash: Hex;
  readonly rollups: readonly { readonly rollupId: bigint; readonly verification: 1 | 2 }[];
}

/** What DeployLightClient.s.sol takes. */
export function lightClientParameters(
  client: LightClientToDeploy,
): Readonly<Record<string, unknown>> {
  return {
    ...planFor(client.chainId, client.genesisTime),
    ...powers(),
    l1ChainId: String(client.l1ChainId),
    registry: client.registry,
    genesisTime: String(client.genesisTime),
    epochSeconds: String(client.epochSeconds),
    acceptanceWindowSeconds: String(ACCEPTANCE_WINDOW_SECONDS),
    epoch: String(client.epoch),
    operatorSetHash: client.operatorSetHash,
    rollups: client.rollups.map(({ rollupId, verification }) => ({
      rollupId: String(rollupId),
      thresholdBps: String(THRESHOLD_BPS),
      leastVerification: String(verification),
    })),
  };
}

export interface ExamplesToDeploy {
  readonly chainId: bigint;
  readonly genesisTime: bigint;
  readonly lightClient: Hex;
  /** The rollup whose payments are paid out here. */
  readonly paymentsFrom: bigint;
  readonly fundWei: bigint;
}

/** What DeployExamples.s.sol takes. */
export function exampleParameters(examples: ExamplesToDeploy): Readonly<Record<string, unknown>> {
  return {
    ...planFor(examples.chainId, examples.genesisTime),
    lightClient: examples.lightClient,
    paymentsFrom: String(examples.paymentsFrom),
    fundWei: String(examples.fundWei),
  };
}

function planFor(chainId: bigint, genesisTime: bigint): Readonly<Record<string, unknown>> {
  return {
    chainId: String(chainId),
    salt: `0x${genesisTime.toString(16).padStart(64, "0")}`,
    deployer: deployerAccount().address,
  };
}

/** The governor schedules, and anyone executes what is due. */
function powers(): Readonly<Record<string, unknown>> {
  return {
    governors: [governorAccount().address],
    executors: [NOBODY],
    timelockDelaySeconds: String(TIMELOCK_DELAY_SECONDS),
  };
}

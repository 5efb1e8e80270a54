import { type Domain, type EpochSchedule, epochStart, type Hex, isHex } from "@mach/core";
import { SdkError } from "./errors.ts";

/** A network as its consumer knows it: from its documentation, never from an endpoint. */
export interface MachNetwork {
  /** The L1's chain id. */
  readonly chainId: bigint;
  /** The registry's address on the L1, lower case. */
  readonly registry: Hex;
  /** Seconds. */
  readonly genesisTime: bigint;
  /** Seconds. */
  readonly epochSeconds: bigint;
  /**
   * For how many seconds after its epoch a set still counts: the protocol's acceptanceWindow, one
   * epoch if not given. Longer than the stake stays slashable, and old keys can forge for nothing.
   */
  readonly acceptanceWindowSeconds?: bigint;
}

/** A network that has been checked, in the protocol's terms. */
export interface CheckedNetwork {
  readonly domain: Domain;
  readonly schedule: EpochSchedule;
  readonly acceptanceWindowSeconds: bigint;
}

/** Checks a network's fields; throws for one that is out of range. */
export function checkNetwork(network: MachNetwork): CheckedNetwork {
  const { chainId, registry, genesisTime, epochSeconds } = network;
  const acceptanceWindowSeconds = network.acceptanceWindowSeconds ?? epochSeconds;
  const positive = { chainId, genesisTime, epochSeconds };
  for (const [name, value] of Object.entries(positive)) {
    if (typeof value !== "bigint" || value <= 0n) throw badNetwork(name, "a bigint above 0");
  }
  if (typeof acceptanceWindowSeconds !== "bigint" || acceptanceWindowSeconds < 0n) {
    throw badNetwork("acceptanceWindowSeconds", "a bigint from 0");
  }
  if (typeof registry !== "string" || !isHex(registry, 20)) {
    throw badNetwork("registry", "an address in lower case");
  }
  return {
    domain: { chainId, verifyingContract: registry },
    schedule: { genesisTime, epochSeconds },
    acceptanceWindowSeconds,
  };
}

/** Whether an epoch's set no longer makes anything valid that was not accepted before. */
export function isStaleEpoch(network: CheckedNetwork, epoch: bigint, nowMs: number): boolean {
  const lastSecond = epochStart(network.schedule, epoch + 1n) + network.acceptanceWindowSeconds;
  return BigInt(Math.floor(nowMs / 1000)) > lastSecond;
}

function badNetwork(field: string, range: string): SdkError {
  return new SdkError("bad-option", `network.${field} must be ${range}`);
}

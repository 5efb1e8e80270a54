import type { Hex } from "@mach/core";
import { Contract, isError, type Provider } from "ethers";
import { EIGEN_LAYER_SOURCE_ABI } from "./abi/eigen-layer-source.ts";
import { REGISTRY_ABI } from "./abi/registry.ts";
import { WEIGHTED_SOURCES_ABI } from "./abi/weighted-sources.ts";
import { isNoAnswer, toAddress } from "./contract-answers.ts";
import { errorName } from "./transaction.ts";

/** A source without a history of its own, of which a snapshot would not know every weight. */
export interface StaleSource {
  readonly source: Hex;
  /** All that are registered, in ascending order; of one of them at least it would not know. */
  readonly operators: readonly Hex[];
  /** When a poke is recent enough for the snapshot at last, in seconds. */
  readonly pokeableFrom: bigint;
}

/** A registry holds no more. */
const MAX_OPERATORS = 256;
/** Questions under way to one endpoint. */
const MAX_IN_FLIGHT = 16;

/**
 * Finds the sources that have to be poked before a snapshot, at `timestamp`: without it the epoch
 * could never be fixed. Rejects where the L1 cannot be asked.
 */
export function createStaleWeightFinder(
  provider: Provider,
  registryAddress: Hex,
): (timestamp: bigint) => Promise<readonly StaleSource[]> {
  const registry = new Contract(registryAddress, REGISTRY_ABI, provider);
  /** What a source is never changes: null for one with a history of its own. */
  const staleness = new Map<Hex, bigint | null>();

  async function maxStalenessOf(source: Hex): Promise<bigint | null> {
    const known = staleness.get(source);
    if (known !== undefined) return known;
    const contract = new Contract(source, EIGEN_LAYER_SOURCE_ABI, provider);
    let maxStaleness: bigint | null = null;
    try {
      const horizon = (await ask(contract, "horizon")) as unknown[];
      maxStaleness = typeof horizon[1] === "bigint" ? horizon[1] : null;
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
    }
    staleness.set(source, maxStaleness);
    return maxStaleness;
  }

  async function readOperators(): Promise<readonly Hex[]> {
    const list = await ask(registry, "operators", `0x${"00".repeat(20)}`, MAX_OPERATORS);
    return (list as unknown[]).map(toAddress);
  }

  return async (timestamp) => {
    const found: StaleSource[] = [];
    for (const source of await readSources(registry, provider)) {
      const maxStaleness = await maxStalenessOf(source);
      if (maxStaleness === null) continue;
      const operators = await readOperators();
      const contract = new Contract(source, EIGEN_LAYER_SOURCE_ABI, provider);
      if (!(await hasStale(contract, operators, timestamp))) continue;
      found.push({ source, operators, pokeableFrom: timestamp - 1n - maxStaleness });
    }
    return found;
  };
}

/** The sources that count now, of which there are a few. Rejects where the L1 cannot be asked. */
export async function readSources(registry: Contract, provider: Provider): Promise<readonly Hex[]> {
  const source = toAddress(await ask(registry, "weightSource"));
  const weighted = new Contract(source, WEIGHTED_SOURCES_ABI, provider);
  const block = await provider.getBlock("latest");
  if (block === null) throw new RangeError("the L1 has no block");
  try {
    const list = (await ask(weighted, "sourcesAt", BigInt(block.timestamp) + 1n)) as unknown[][];
    return list
      .filter(([, multiplierBps]) => multiplierBps !== 0n)
      .map(([each]) => toAddress(each));
  } catch (error) {
    // A single source weighs by itself, and knows no list.
    if (isNoAnswer(error)) return [source];
    throw error;
  }
}

async function hasStale(
  source: Contract,
  operators: readonly Hex[],
  timestamp: bigint,
): Promise<boolean> {
  for (let from = 0; from < operators.length; from += MAX_IN_FLIGHT) {
    const batch = operators.slice(from, from + MAX_IN_FLIGHT);
    const answers = await Promise.all(batch.map((each) => isStale(source, each, timestamp)));
    if (answers.includes(true)) return true;
  }
  return false;
}

/** By the source's own answer about the time to come: it reverts where it would not know. */
async function isStale(source: Contract, operator: Hex, timestamp: bigint): Promise<boolean> {
  try {
    await ask(source, "weightAt", operator, timestamp);
    return false;
  } catch (error) {
    if (!isError(error, "CALL_EXCEPTION")) throw error;
    if (errorName(error.data, source.interface) === "StaleWeight") return true;
    throw error;
  }
}

function ask(contract: Contract, view: string, ...args: readonly unknown[]): Promise<unknown> {
  return contract.getFunction(view).staticCall(...args);
}

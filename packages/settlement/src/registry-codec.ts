import {
  concatHex,
  type EpochSchedule,
  type Hex,
  isHex,
  isThresholdBps,
  type RollupParameters,
  STACKS,
  type Stack,
} from "@mach/core";
import { decodeBytes32String, encodeBytes32String, Interface } from "ethers";
import { REGISTRY_ABI } from "./abi/registry.ts";
import { toArray, toBigInt, toHexOf } from "./contract-answers.ts";

/** A rollup of a stack that this version cannot check. */
export interface UnsupportedRollup {
  readonly rollupId: bigint;
  /** The stack's name, or its 32 bytes in hex where they are no name. */
  readonly stack: string;
}

/** One line of the registry's list of an epoch's operators. */
export interface SnapshotEntry {
  readonly operator: Hex;
  /** The key as the 128-byte G1 point of EIP-2537. */
  readonly publicKeyPoint: Hex;
  readonly weight: bigint;
}

type RegistryView =
  | "genesisTime"
  | "epochSeconds"
  | "operatorSetHash"
  | "operatorsAt"
  | "rollupsAt";

const REGISTRY: Interface = new Interface(REGISTRY_ABI);

/** The calldata of one of the registry's views. */
export function encodeCall(view: RegistryView, ...args: readonly bigint[]): string {
  return REGISTRY.encodeFunctionData(view, args);
}

/** The schedule from the answers of genesisTime and epochSeconds, or null. */
export function decodeSchedule(genesisTime: Hex, epochSeconds: Hex): EpochSchedule | null {
  const genesis = decode("genesisTime", genesisTime, ([value]) => toBigInt(value));
  const seconds = decode("epochSeconds", epochSeconds, ([value]) => toBigInt(value));
  if (genesis === null || seconds === null || seconds === 0n) return null;
  return { genesisTime: genesis, epochSeconds: seconds };
}

/** The answer of operatorSetHash, or null. */
export function decodeHash(data: Hex): Hex | null {
  return decode("operatorSetHash", data, ([value]) => toHexOf(value, 32));
}

/** The answer of operatorsAt, or null. */
export function decodeSnapshot(data: Hex): readonly SnapshotEntry[] | null {
  return decode("operatorsAt", data, ([addresses, keys, weights]) => {
    const [operators, points, all] = [toArray(addresses), toArray(keys), toArray(weights)];
    if (operators.length !== points.length || operators.length !== all.length) throw unexpected();
    return operators.map((operator, index) => ({
      operator: toHexOf(operator, 20),
      publicKeyPoint: concatHex(...toArray(points[index]).map((word) => toHexOf(word, 32))),
      weight: toBigInt(all[index]),
    }));
  });
}

/** The answer of rollupsAt, the rollups of unknown stacks apart, or null. */
export function decodeRollups(data: Hex): {
  readonly rollups: readonly RollupParameters[];
  readonly unsupportedRollups: readonly UnsupportedRollup[];
} | null {
  return decode("rollupsAt", data, ([list]) => {
    const rollups: RollupParameters[] = [];
    const unsupportedRollups: UnsupportedRollup[] = [];
    for (const entry of toArray(list)) {
      const [id, stackBytes, interval, threshold, level] = toArray(entry);
      const rollupId = toBigInt(id);
      const stack = stackName(toHexOf(stackBytes, 32));
      const attestationInterval = toBigInt(interval);
      const thresholdBps = Number(toBigInt(threshold));
      const verification = toVerification(toBigInt(level));
      if (attestationInterval === 0n || !isThresholdBps(thresholdBps)) throw unexpected();
      if (isStack(stack)) {
        rollups.push({ rollupId, stack, attestationInterval, thresholdBps, verification });
      } else {
        unsupportedRollups.push({ rollupId, stack });
      }
    }
    return { rollups, unsupportedRollups };
  });
}

/** A stack's name as the registry keeps it: ASCII, padded with zeros to 32 bytes. */
export function encodeStack(stack: string): Hex {
  const encoded = encodeBytes32String(stack);
  if (!isHex(encoded, 32)) throw unexpected();
  return encoded;
}

function decode<T>(
  view: RegistryView,
  data: Hex,
  read: (values: readonly unknown[]) => T,
): T | null {
  try {
    return read(REGISTRY.decodeFunctionResult(view, data).toArray());
  } catch {
    // Bytes that are no answer of this function; ethers throws on access as well as on decoding.
    return null;
  }
}

function stackName(bytes: Hex): string {
  try {
    const name = decodeBytes32String(bytes);
    return /^[\x21-\x7e]+$/.test(name) && encodeBytes32String(name) === bytes ? name : bytes;
  } catch {
    // Not UTF-8, or no zero at the end: shown as it is.
    return bytes;
  }
}

function isStack(name: string): name is Stack {
  return STACKS.some((stack) => stack === name);
}

function toVerification(level: bigint): 1 | 2 {
  if (level === 1n) return 1;
  if (level === 2n) return 2;
  throw unexpected();
}

function unexpected(): RangeError {
  return new RangeError("not an answer of the registry");
}

import { type Hex, isHex } from "@mach/core";
import { Contract, EventLog, isError, type Provider } from "ethers";
import { REGISTRY_ABI } from "./abi/registry.ts";
import { SLASHER_ABI } from "./abi/slasher.ts";
import { STAKE_VAULT_ABI } from "./abi/stake-vault.ts";
import { errorName } from "./transaction.ts";

/** An exit from a vault that has begun and was not paid. */
export interface Exit {
  readonly exitId: bigint;
  readonly staker: Hex;
  readonly operator: Hex;
  /** What the slashes so far have left of it, in base units. */
  readonly assets: bigint;
  /** Seconds. */
  readonly releaseTime: bigint;
}

/** A key that an operator has registered. */
export interface RegisteredKey {
  /** The G1 point of EIP-2537, 128 bytes. */
  readonly publicKeyPoint: Hex;
  /** How many it had registered before. */
  readonly nonce: bigint;
  /** Of its block, in seconds. */
  readonly registeredAt: bigint;
}

/** An account with more has other tools. */
const MAX_LISTED = 256;

/** One exit; null for one that never was, or was paid. Rejects where the L1 cannot be asked. */
export async function readExit(
  provider: Provider,
  vault: Hex,
  exitId: bigint,
): Promise<Exit | null> {
  const contract = new Contract(vault, STAKE_VAULT_ABI, provider);
  try {
    const answer: unknown = await contract.getFunction("withdrawal").staticCall(exitId);
    const [staker, operator, assets, releaseTime] = toArray(answer);
    return {
      ...{ exitId, staker: toAddress(staker), operator: toAddress(operator) },
      ...{ assets: toBigInt(assets), releaseTime: toBigInt(releaseTime) },
    };
  } catch (error) {
    const isRevert = isError(error, "CALL_EXCEPTION");
    if (isRevert && errorName(error.data, contract.interface) === "UnknownWithdrawal") return null;
    throw error;
  }
}

/**
 * An account's exits that wait in a vault, oldest first; null where the endpoint does not list
 * past events so far back, which many providers do not. Never rejects.
 */
export async function listExits(
  provider: Provider,
  vault: Hex,
  staker: Hex,
): Promise<readonly Exit[] | null> {
  const contract = new Contract(vault, STAKE_VAULT_ABI, provider);
  try {
    const filter = contract.filters["WithdrawalRequested"]?.(null, staker);
    const logs = filter === undefined ? [] : await contract.queryFilter(filter);
    const exits: Exit[] = [];
    for (const log of logs.slice(-MAX_LISTED)) {
      if (!(log instanceof EventLog)) return null;
      const exit = await readExit(provider, vault, toBigInt(toArray(log.args)[0]));
      if (exit !== null) exits.push(exit);
    }
    return exits;
  } catch {
    // Nothing is known, and nothing is made up.
    return null;
  }
}

/**
 * How many convictions of an operator have not been collected from a vault yet: they take their part
 * of what stands behind it, exits that wait included. Null as for `listExits`.
 */
export async function countOpenConvictions(
  provider: Provider,
  vault: Hex,
  operator: Hex,
): Promise<number | null> {
  try {
    const slashed = new Contract(vault, STAKE_VAULT_ABI, provider);
    const slasher = toAddress(await slashed.getFunction("slasher").staticCall());
    const contract = new Contract(slasher, SLASHER_ABI, provider);
    const filter = contract.filters["OperatorConvicted"]?.(null, operator);
    const logs = filter === undefined ? [] : await contract.queryFilter(filter);
    // One conviction may be reported again, by dearer evidence: it is one all the same.
    const ids = new Set(logs.slice(-MAX_LISTED).map(({ topics }) => topics[1]));
    let open = 0;
    for (const id of ids) {
      const isCollected: unknown = await contract.getFunction("isCollected").staticCall(id, vault);
      if (isCollected === false) open++;
    }
    return open;
  } catch {
    // As above.
    return null;
  }
}

/** The keys that an operator has registered, oldest first; null as for `listExits`. */
export async function listKeys(
  provider: Provider,
  registry: Hex,
  operator: Hex,
): Promise<readonly RegisteredKey[] | null> {
  const contract = new Contract(registry, REGISTRY_ABI, provider);
  try {
    const filter = contract.filters["KeyRegistered"]?.(operator);
    const logs = filter === undefined ? [] : await contract.queryFilter(filter);
    const keys: RegisteredKey[] = [];
    for (const log of logs.slice(-MAX_LISTED)) {
      const [, publicKeyPoint, nonce] = log instanceof EventLog ? toArray(log.args) : [];
      const block = await provider.getBlock(log.blockNumber);
      if (typeof publicKeyPoint !== "string" || !isHex(publicKeyPoint, 128) || block === null) {
        return null;
      }
      const registeredAt = BigInt(block.timestamp);
      keys.push({ publicKeyPoint, nonce: toBigInt(nonce), registeredAt });
    }
    return keys;
  } catch {
    // As above.
    return null;
  }
}

function toArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new RangeError("not a list");
  return Array.from({ length: value.length }, (_, index): unknown => value[index]);
}

function toBigInt(value: unknown): bigint {
  if (typeof value !== "bigint") throw new RangeError("not a number");
  return value;
}

function toAddress(value: unknown): Hex {
  const lower = typeof value === "string" ? value.toLowerCase() : "";
  if (!isHex(lower, 20)) throw new RangeError("not an address");
  return lower;
}

import type { Hex } from "@mach/core";
import { Contract, EventLog, isError, type Provider } from "ethers";
import { REGISTRY_ABI } from "./abi/registry.ts";
import { SLASHER_ABI } from "./abi/slasher.ts";
import { STAKE_VAULT_ABI } from "./abi/stake-vault.ts";
import { toAddress, toArray, toBigInt, toHexOf } from "./contract-answers.ts";
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
    const exits: Exit[] = [];
    for (const log of await listEvents(contract, "WithdrawalRequested", null, staker)) {
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
    const logs = await listEvents(contract, "OperatorConvicted", null, operator);
    // One conviction may be reported again, by dearer evidence: it is one all the same.
    const ids = new Set(logs.map(({ topics }) => topics[1]));
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
    const keys: RegisteredKey[] = [];
    for (const log of await listEvents(contract, "KeyRegistered", operator)) {
      const [, point, nonce] = toArray(log.args);
      const publicKeyPoint = toHexOf(point, 128);
      const block = await provider.getBlock(log.blockNumber);
      if (block === null) return null;
      const registeredAt = BigInt(block.timestamp);
      keys.push({ publicKeyPoint, nonce: toBigInt(nonce), registeredAt });
    }
    return keys;
  } catch {
    // As above.
    return null;
  }
}

/** The newest of a contract's events, oldest first. Rejects where the endpoint does not list them. */
async function listEvents(
  contract: Contract,
  event: string,
  ...topics: readonly (Hex | null)[]
): Promise<readonly EventLog[]> {
  const logs = await contract.queryFilter(contract.getEvent(event)(...topics));
  return logs.slice(-MAX_LISTED).map((log) => {
    if (log instanceof EventLog) return log;
    throw new RangeError(`not the contract's ${event}`);
  });
}

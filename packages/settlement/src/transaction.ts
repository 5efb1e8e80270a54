import { setTimeout as sleep } from "node:timers/promises";
import { type Hex, isHex } from "@mach/core";
import {
  type BaseContract,
  type ContractTransactionResponse,
  type Interface,
  isError,
  type Overrides,
  type TransactionReceipt,
  type TransactionResponse,
} from "ethers";
import { SettlementError } from "./errors.ts";

export type TransactionFailureCode =
  /** The contract refused: `error` is the name of its custom error, null where it gave none. */
  | "reverted"
  /** The account cannot pay for the gas. */
  | "insufficient-funds"
  /** What signs for the account, elsewhere, refused or could not be reached: nothing was sent. */
  | "signer-refused"
  /** Not in a block in time. It may still get into one. */
  | "timed-out"
  /** The RPC is down, or refused for another reason. */
  | "l1-unavailable";

export interface TransactionFailure {
  readonly ok: false;
  readonly code: TransactionFailureCode;
  /** The name of the contract's error, or what the signer said; null where neither said anything. */
  readonly error: string | null;
}

export type TransactionResult =
  | { readonly ok: true; readonly transactionHash: Hex; readonly blockNumber: bigint }
  | TransactionFailure;

export interface ContractCall {
  readonly contract: BaseContract;
  readonly method: string;
  readonly args: readonly unknown[];
  /** How long to wait for the block, in milliseconds. */
  readonly timeoutMs: number;
  readonly overrides?: Overrides;
}

/** State that grows between the estimate and the block may cost a little more. */
const GAS_LIMIT_PERCENT = 125n;
const FIRST_LOOK_MS = 25;
const SLOWEST_LOOK_MS = 1_000;
/** Of a selector in hex, with its 0x. */
const SELECTOR_LENGTH = 10;
/** EIP-7825: no transaction with a greater limit is valid. */
const MAX_GAS_LIMIT = 2n ** 24n;

/** Sends one transaction and waits until it is in a block. Never rejects. */
export async function transact(call: ContractCall): Promise<TransactionResult> {
  const { contract, method, args, timeoutMs, overrides } = call;
  try {
    const send = contract.getFunction(method);
    const gas = await send.estimateGas(...args, overrides ?? {});
    const response: ContractTransactionResponse = await send.send(...args, {
      ...overrides,
      gasLimit: gasLimitFor(gas),
    });
    const receipt = await untilMined(response, timeoutMs);
    if (receipt === null || !isHex(receipt.hash, 32)) return failure("timed-out");
    if (receipt.status === 0) return failure("reverted");
    return {
      ok: true,
      transactionHash: receipt.hash,
      blockNumber: BigInt(receipt.blockNumber),
    };
  } catch (error) {
    return transactionFailure(error, contract.interface);
  }
}

/**
 * The receipt of a transaction once it is in a block, null where it is in none in time. Looks for
 * itself: ethers' own `wait` looks again only at the next block, and where that transaction was
 * all that made the chain go on there is none. Rejects where the RPC cannot be asked.
 */
export async function untilMined(
  { provider, hash }: TransactionResponse,
  timeoutMs: number,
): Promise<TransactionReceipt | null> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(2 * pauseMs, SLOWEST_LOOK_MS)) {
    const receipt = await provider.getTransactionReceipt(hash);
    if (receipt !== null || performance.now() + pauseMs > deadline) return receipt;
    await sleep(pauseMs);
  }
}

/** What a transaction would cost, where it can be told. Never rejects. */
export async function estimate(
  call: Omit<ContractCall, "timeoutMs">,
): Promise<{ readonly ok: true; readonly gas: bigint } | TransactionFailure> {
  const { contract, method, args, overrides } = call;
  try {
    const gas = await contract.getFunction(method).estimateGas(...args, overrides ?? {});
    return { ok: true, gas };
  } catch (error) {
    return transactionFailure(error, contract.interface);
  }
}

/** What an error thrown by ethers means; `contract` names the custom errors. */
export function transactionFailure(error: unknown, contract: Interface): TransactionFailure {
  if (error instanceof SettlementError && error.code === "signer-refused") {
    return failure("signer-refused", error.message);
  }
  if (isError(error, "CALL_EXCEPTION")) {
    return failure("reverted", errorName(error.data, contract));
  }
  if (isError(error, "INSUFFICIENT_FUNDS")) return failure("insufficient-funds");
  if (isError(error, "TIMEOUT")) return failure("timed-out");
  return failure("l1-unavailable");
}

/** The name of a custom error; null for a bare revert, and for one that the contract does not have. */
export function errorName(data: string | null | undefined, contract: Interface): string | null {
  if (data === null || data === undefined || data.length < SELECTOR_LENGTH) return null;
  try {
    return contract.parseError(data)?.name ?? null;
  } catch {
    // Bytes that begin like an error and are none: whoever is called chooses them.
    return null;
  }
}

/** The limit that a transaction of so much gas is sent with. */
export function gasLimitFor(gas: bigint): bigint {
  const limit = (gas * GAS_LIMIT_PERCENT) / 100n;
  return limit > MAX_GAS_LIMIT && gas <= MAX_GAS_LIMIT ? MAX_GAS_LIMIT : limit;
}

function failure(code: TransactionFailureCode, error: string | null = null): TransactionFailure {
  return { ok: false, code, error };
}

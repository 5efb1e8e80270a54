import type { Block } from "@ethereumjs/block";
import type { EVMInterface as EVM, EVMResult } from "@ethereumjs/evm";
import { RLP } from "@ethereumjs/rlp";
import { Account, Address, bytesToBigInt } from "@ethereumjs/util";
import type { ActiveRules } from "./rules.ts";

export const DEPOSIT_TYPE = 0x7e;
const MAX_INIT_CODE_BYTES = 49_152;
const MAX_REFUND_QUOTIENT = 5n;

/** A transaction that L1 forces into a block: no signature, no fee (specs, Deposits). */
export interface Deposit {
  readonly from: Address;
  /** Null for a contract creation. */
  readonly to: Address | null;
  readonly mint: bigint;
  readonly value: bigint;
  readonly gasLimit: bigint;
  /** Since Regolith no deposit is of the system. */
  readonly isSystem: boolean;
  readonly data: Uint8Array;
}

export interface DepositResult {
  readonly gasUsed: bigint;
  readonly isSuccess: boolean;
  readonly logs: readonly [Uint8Array, Uint8Array[], Uint8Array][];
  /** The sender's nonce before; part of the receipt. */
  readonly nonce: bigint;
}

/** Reads `0x7e || rlp([sourceHash, from, to, mint, value, gas, isSystemTx, data])`. */
export function decodeDeposit(bytes: Uint8Array): Deposit | null {
  try {
    const items = RLP.decode(bytes.subarray(1));
    if (!Array.isArray(items) || items.length !== 8) return null;
    if (!items.every((item) => item instanceof Uint8Array)) return null;
    const [source, from, to, mint, value, gas, isSystem, data] = items as Uint8Array[];
    if (source?.length !== 32 || from?.length !== 20 || to === undefined) return null;
    if (mint === undefined || value === undefined || gas === undefined) return null;
    if (data === undefined || isSystem === undefined || isSystem.length > 1) return null;
    if ((to.length !== 0 && to.length !== 20) || mint.length > 32 || value.length > 32) return null;
    if (gas.length > 8) return null;
    return {
      from: new Address(from),
      to: to.length === 0 ? null : new Address(to),
      mint: bytesToBigInt(mint),
      value: bytesToBigInt(value),
      gasLimit: bytesToBigInt(gas),
      isSystem: isSystem.length === 1,
      data,
    };
  } catch {
    // Whatever the bytes are, they are no deposit.
    return null;
  }
}

/**
 * Executes a deposit. It is part of the block even when it fails: what it minted stays, the nonce
 * rises, and one that could not begin uses all of its gas.
 */
export async function runDeposit(
  evm: EVM,
  deposit: Deposit,
  { block, rules }: { readonly block: Block; readonly rules: ActiveRules },
): Promise<DepositResult> {
  const { stateManager: state, journal } = evm;
  const { from, gasLimit } = deposit;
  await journal.cleanup();
  const sender = (await state.getAccount(from)) ?? new Account();
  const { nonce } = sender;
  sender.balance += deposit.mint;
  await journal.putAccount(from, sender);
  const { intrinsic, floor } = intrinsicGas(deposit, rules);
  const cannotBegin =
    gasLimit < intrinsic ||
    gasLimit < floor ||
    sender.balance < deposit.value ||
    (deposit.to === null && deposit.data.length > MAX_INIT_CODE_BYTES);
  if (cannotBegin) {
    sender.nonce += 1n;
    await journal.putAccount(from, sender);
    await endTransaction(evm);
    return { gasUsed: gasLimit, isSuccess: false, logs: [], nonce };
  }
  warm(evm, deposit, block);
  const result = await evm.runCall({
    block,
    caller: from,
    ...(deposit.to === null ? {} : { to: deposit.to }),
    gasLimit: gasLimit - intrinsic,
    gasPrice: 0n,
    value: deposit.value,
    data: deposit.data,
  });
  const spent = intrinsic + result.execResult.executionGasUsed;
  const refunded = spent - refundOf(result, spent);
  await removeSelfDestructed(evm, result);
  await endTransaction(evm);
  return {
    gasUsed: refunded > floor ? refunded : floor,
    isSuccess: result.execResult.exceptionError === undefined,
    logs: result.execResult.logs ?? [],
    nonce,
  };
}

/** What the library does around each of its own transactions (EIP-158, EIP-2929, EIP-2200). */
async function endTransaction({ journal, stateManager }: EVM): Promise<void> {
  await journal.cleanup();
  stateManager.originalStorageCache.clear();
}

function warm(evm: EVM, { from, to }: Deposit, block: Block): void {
  for (const [address] of evm.precompiles) evm.journal.addAlwaysWarmAddress(address);
  evm.journal.addAlwaysWarmAddress(from.toString());
  if (to !== null) evm.journal.addAlwaysWarmAddress(to.toString());
  evm.journal.addAlwaysWarmAddress(block.header.coinbase.toString());
}

function refundOf({ execResult }: EVMResult, spent: bigint): bigint {
  const refund = execResult.gasRefund ?? 0n;
  const most = spent / MAX_REFUND_QUOTIENT;
  return refund < most ? refund : most;
}

/** EIP-6780: only a contract that the same transaction has created goes. */
async function removeSelfDestructed(evm: EVM, { execResult }: EVMResult): Promise<void> {
  for (const [address] of execResult.selfdestruct ?? []) {
    if (!execResult.createdAddresses?.has(address)) continue;
    const bytes = Buffer.from(address.slice(2), "hex");
    await evm.journal.deleteAccount(new Address(Uint8Array.from(bytes)));
  }
}

/** Yellow Paper section 6.2 with EIP-2028, EIP-3860 and, from Isthmus, the floor of EIP-7623. */
function intrinsicGas(
  { to, data }: Deposit,
  { hasRequests: isPrague }: ActiveRules,
): { readonly intrinsic: bigint; readonly floor: bigint } {
  let zeros = 0;
  for (const byte of data) if (byte === 0) zeros++;
  const others = data.length - zeros;
  const creation = to === null ? 32_000 + 2 * Math.ceil(data.length / 32) : 0;
  const floor = isPrague ? 21_000 + 10 * (zeros + 4 * others) : 0;
  return { intrinsic: BigInt(21_000 + 4 * zeros + 16 * others + creation), floor: BigInt(floor) };
}

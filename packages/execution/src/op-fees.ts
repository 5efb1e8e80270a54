import type { StateManagerInterface } from "@ethereumjs/common";
import { type Address, bytesToBigInt, createAddressFromString } from "@ethereumjs/util";
import { fastLzLength } from "./fast-lz.ts";
import { isFrom, type OpFork } from "./rules.ts";

/** L1Block, the contract that the first deposit of each block writes L1's fees into. */
const L1_BLOCK: Address = createAddressFromString("0x4200000000000000000000000000000000000015");

export const BASE_FEE_VAULT: Address = createAddressFromString(
  "0x4200000000000000000000000000000000000019",
);
export const L1_FEE_VAULT: Address = createAddressFromString(
  "0x420000000000000000000000000000000000001a",
);
export const OPERATOR_FEE_VAULT: Address = createAddressFromString(
  "0x420000000000000000000000000000000000001b",
);

const MILLION = 1_000_000n;
const MIN_TRANSACTION_SIZE = 100n * MILLION;
const INTERCEPT = 42_585_600n;
const FAST_LZ_COEFFICIENT = 836_500n;

/** What a chain charges for its use of L1, as L1Block has it after the attributes deposit. */
export interface L1Fees {
  readonly baseFee: bigint;
  readonly blobBaseFee: bigint;
  readonly baseFeeScalar: bigint;
  readonly blobBaseFeeScalar: bigint;
  readonly operatorFeeScalar: bigint;
  readonly operatorFeeConstant: bigint;
}

/** Reads the fees from the slots of L1Block (specs, Ecotone and Isthmus, "L1 attributes"). */
export async function readL1Fees(state: StateManagerInterface, opFork: OpFork): Promise<L1Fees> {
  const scalars = await readWord(state, 3);
  const operator = isFrom(opFork, "isthmus") ? await readWord(state, 8) : new Uint8Array(32);
  return {
    baseFee: bytesToBigInt(await readWord(state, 1)),
    blobBaseFee: bytesToBigInt(await readWord(state, 7)),
    baseFeeScalar: bytesToBigInt(scalars.subarray(16, 20)),
    blobBaseFeeScalar: bytesToBigInt(scalars.subarray(20, 24)),
    operatorFeeScalar: bytesToBigInt(operator.subarray(20, 24)),
    operatorFeeConstant: bytesToBigInt(operator.subarray(24, 32)),
  };
}

/**
 * What a signed transaction pays for its data on L1, in wei. Fjord estimates the compressed size
 * (specs, Fjord, "L1-Cost fees"), Ecotone counts calldata gas (specs, Ecotone, "L1-Cost fees").
 */
export function l1Fee(fees: L1Fees, transaction: Uint8Array, opFork: OpFork): bigint {
  const price = 16n * fees.baseFeeScalar * fees.baseFee + fees.blobBaseFeeScalar * fees.blobBaseFee;
  if (!isFrom(opFork, "fjord")) return (calldataGas(transaction) * price) / (16n * MILLION);
  const size = FAST_LZ_COEFFICIENT * BigInt(fastLzLength(transaction)) - INTERCEPT;
  return ((size > MIN_TRANSACTION_SIZE ? size : MIN_TRANSACTION_SIZE) * price) / MILLION ** 2n;
}

/** What a transaction pays the chain's operator for some gas, in wei (specs, Isthmus). */
export function operatorFee(fees: L1Fees, gas: bigint, opFork: OpFork): bigint {
  if (!isFrom(opFork, "isthmus")) return 0n;
  return (gas * fees.operatorFeeScalar) / MILLION + fees.operatorFeeConstant;
}

function calldataGas(transaction: Uint8Array): bigint {
  let gas = 0;
  for (const byte of transaction) gas += byte === 0 ? 4 : 16;
  return BigInt(gas);
}

async function readWord(state: StateManagerInterface, slot: number): Promise<Uint8Array> {
  const key = new Uint8Array(32);
  key[31] = slot;
  const value = await state.getStorage(L1_BLOCK, key);
  const word = new Uint8Array(32);
  word.set(value, 32 - value.length);
  return word;
}

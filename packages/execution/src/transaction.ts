import type { Block } from "@ethereumjs/block";
import type { StateManagerInterface } from "@ethereumjs/common";
import { RLP } from "@ethereumjs/rlp";
import { Capability, createTxFromRLP, isBlob4844Tx, type TypedTransaction } from "@ethereumjs/tx";
import { Account, type Address, bigIntToUnpaddedBytes, equalsBytes } from "@ethereumjs/util";
import { Bloom, runTx, type VM } from "@ethereumjs/vm";
import { DEPOSIT_TYPE, decodeDeposit, runDeposit } from "./deposit.ts";
import {
  BASE_FEE_VAULT,
  L1_FEE_VAULT,
  l1Fee,
  OPERATOR_FEE_VAULT,
  operatorFee,
  readL1Fees,
} from "./op-fees.ts";
import type { ActiveRules } from "./rules.ts";

type Logs = readonly (readonly [Uint8Array, Uint8Array[], Uint8Array])[];

/** What a transaction leaves in its block. */
export interface TransactionResult {
  readonly gasUsed: bigint;
  readonly blobGasUsed: bigint;
  readonly logs: Logs;
  readonly bloom: Uint8Array;
  /** As the receipts trie has it. */
  readonly receipt: Uint8Array;
}

/** A block that is being executed. */
export interface BlockRun {
  readonly vm: VM;
  readonly evm: VM["evm"];
  readonly state: StateManagerInterface;
  readonly rules: ActiveRules;
  readonly block: Block;
}

/** A transaction that no block may hold; the reason is for a person. */
export class InvalidTransactionError extends Error {
  override readonly name = "InvalidTransactionError";
}

const DELEGATION_PREFIX = Uint8Array.of(0xef, 0x01, 0x00);
const MAX_NONCE = 2n ** 64n - 1n;

/** Executes one transaction of a block. Throws an InvalidTransactionError. */
export async function runTransaction(
  run: BlockRun,
  bytes: Uint8Array,
  gasUsedBefore: bigint,
): Promise<TransactionResult> {
  const isDeposit = run.rules.opFork !== null && bytes[0] === DEPOSIT_TYPE;
  return isDeposit
    ? await runDepositTransaction(run, bytes, gasUsedBefore)
    : await runSigned(run, bytes, gasUsedBefore);
}

async function runDepositTransaction(
  { evm, rules, block }: BlockRun,
  bytes: Uint8Array,
  gasUsedBefore: bigint,
): Promise<TransactionResult> {
  const deposit = decodeDeposit(bytes);
  if (deposit === null) throw new InvalidTransactionError("no deposit");
  // No derivation makes one since Regolith, and clients differ in what they would do.
  if (deposit.isSystem) throw new Error("a deposit of the system");
  if (gasUsedBefore + deposit.gasLimit > block.header.gasLimit) {
    throw new InvalidTransactionError("the block has no gas left for it");
  }
  const result = await runDeposit(evm, deposit, { block, rules });
  const { gasUsed, logs, isSuccess, nonce } = result;
  const bloom = bloomOf(logs, rules);
  const receipt = encodeReceipt(DEPOSIT_TYPE, [
    isSuccess ? Uint8Array.of(1) : new Uint8Array(),
    bigIntToUnpaddedBytes(gasUsedBefore + gasUsed),
    bloom,
    logs as never,
    bigIntToUnpaddedBytes(nonce),
    Uint8Array.of(1),
  ]);
  return { gasUsed, blobGasUsed: 0n, logs, bloom, receipt };
}

async function runSigned(
  run: BlockRun,
  bytes: Uint8Array,
  gasUsedBefore: bigint,
): Promise<TransactionResult> {
  const { vm, block, rules, state } = run;
  const tx = decodeSigned(bytes, rules);
  const { opFork } = rules;
  const fees = opFork === null ? null : await readL1Fees(state, opFork);
  const charges = opFork === null || fees === null ? null : { fees, opFork };
  const l1 = charges === null ? 0n : l1Fee(charges.fees, bytes, charges.opFork);
  const reserved = charges === null ? 0n : operatorFee(charges.fees, tx.gasLimit, charges.opFork);
  await checkSigned(run, tx, { gasUsedBefore, extra: l1 + reserved });
  await credit(state, tx.getSenderAddress(), -(l1 + reserved));
  const result = await runTx(vm, {
    tx,
    block,
    blockGasUsed: gasUsedBefore,
    skipHardForkValidation: true,
  });
  const gasUsed = result.totalGasSpent;
  if (charges !== null) {
    const fee = operatorFee(charges.fees, gasUsed, charges.opFork);
    await credit(state, tx.getSenderAddress(), reserved - fee);
    await credit(state, BASE_FEE_VAULT, gasUsed * (block.header.baseFeePerGas ?? 0n));
    await credit(state, L1_FEE_VAULT, l1);
    await credit(state, OPERATOR_FEE_VAULT, fee);
  }
  const logs = result.execResult.logs ?? [];
  const bloom = result.bloom.bitvector;
  const isSuccess = result.execResult.exceptionError === undefined;
  const receipt = encodeReceipt(tx.type, [
    isSuccess ? Uint8Array.of(1) : new Uint8Array(),
    bigIntToUnpaddedBytes(gasUsedBefore + gasUsed),
    bloom,
    logs as never,
  ]);
  return { gasUsed, blobGasUsed: result.blobGasUsed ?? 0n, logs, bloom, receipt };
}

function decodeSigned(bytes: Uint8Array, { common, opFork }: ActiveRules): TypedTransaction {
  let tx: TypedTransaction;
  try {
    tx = createTxFromRLP(bytes, { common });
    tx.getSenderAddress();
  } catch (error) {
    throw new InvalidTransactionError("it cannot be decoded, or nobody signed it", {
      cause: error,
    });
  }
  if (opFork !== null && isBlob4844Tx(tx)) {
    throw new InvalidTransactionError("the OP Stack has no blob transactions");
  }
  return tx;
}

/**
 * All that makes a transaction invalid, before the library sees it: whatever the library throws is
 * then a failure of this program and says nothing about the block.
 */
async function checkSigned(
  { state, block, rules }: BlockRun,
  tx: TypedTransaction,
  { gasUsedBefore, extra }: { readonly gasUsedBefore: bigint; readonly extra: bigint },
): Promise<void> {
  const baseFee = block.header.baseFeePerGas ?? 0n;
  const isFeeMarket = tx.supports(Capability.EIP1559FeeMarket);
  const fee = "maxFeePerGas" in tx ? tx.maxFeePerGas : tx.gasPrice;
  const tip = "maxPriorityFeePerGas" in tx ? tx.maxPriorityFeePerGas : fee;
  refuseIf(gasUsedBefore + tx.gasLimit > block.header.gasLimit, "the block has no gas left for it");
  refuseIf(fee < baseFee, "it pays less than the base fee");
  refuseIf(isFeeMarket && tip > fee, "its tip is above its fee");
  refuseIf(tx.gasLimit < tx.getIntrinsicGas(), "its gas is below the intrinsic gas");
  if (rules.common.isActivatedEIP(7623)) {
    refuseIf(tx.gasLimit < floorGas(tx.data), "its gas is below the floor of its data");
  }
  const sender = tx.getSenderAddress();
  const account = (await state.getAccount(sender)) ?? new Account();
  refuseIf(account.nonce !== tx.nonce, "its nonce is not the sender's");
  refuseIf(tx.nonce === MAX_NONCE, "the sender has no nonce left");
  let cost = tx.gasLimit * fee + tx.value + extra;
  if (isBlob4844Tx(tx)) {
    refuseIf(tx.maxFeePerBlobGas < block.header.getBlobGasPrice(), "it pays too little for blobs");
    const blobGas = rules.common.param("blobGasPerBlob") * BigInt(tx.numBlobs());
    cost += blobGas * tx.maxFeePerBlobGas;
  }
  refuseIf(account.balance < cost, "the sender cannot pay for it");
  if (!account.isContract()) return;
  const code = await state.getCode(sender);
  const isDelegated =
    rules.common.isActivatedEIP(7702) && equalsBytes(code.subarray(0, 3), DELEGATION_PREFIX);
  refuseIf(!isDelegated, "the sender is a contract");
}

function refuseIf(isWrong: boolean, reason: string): void {
  if (isWrong) throw new InvalidTransactionError(reason);
}

/** EIP-7623. */
function floorGas(data: Uint8Array): bigint {
  let tokens = 0;
  for (const byte of data) tokens += byte === 0 ? 1 : 4;
  return BigInt(21_000 + 10 * tokens);
}

/** Nothing is no change: it must not touch an account that would then be removed as empty. */
async function credit(
  state: StateManagerInterface,
  address: Address,
  amount: bigint,
): Promise<void> {
  if (amount === 0n) return;
  const account = (await state.getAccount(address)) ?? new Account();
  account.balance += amount;
  await state.putAccount(address, account);
}

function bloomOf(logs: Logs, { common }: ActiveRules): Uint8Array {
  const bloom = new Bloom(undefined, common);
  for (const [address, topics] of logs) {
    bloom.add(address);
    for (const topic of topics) bloom.add(topic);
  }
  return bloom.bitvector;
}

function encodeReceipt(type: number, fields: Parameters<typeof RLP.encode>[0]): Uint8Array {
  const encoded = RLP.encode(fields);
  return type === 0 ? encoded : Uint8Array.of(type, ...encoded);
}

import { createHash } from "node:crypto";
import type { Block } from "@ethereumjs/block";
import type { StateManagerInterface } from "@ethereumjs/common";
import type { EVMInterface as EVM, Log } from "@ethereumjs/evm";
import { Account, type Address, bigIntToBytes, createAddressFromString } from "@ethereumjs/util";
import { fromHex, type Hex, toHex } from "@mach/core";
import type { WitnessState } from "./witness-state.ts";

const BEACON_ROOTS = createAddressFromString("0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
const HISTORY = createAddressFromString("0x0000F90827F1C53a10cb7A02335B175320002935");
const SYSTEM = createAddressFromString("0xfffffffffffffffffffffffffffffffffffffffe");
const WITHDRAWAL_REQUESTS = createAddressFromString("0x00000961Ef480Eb55e80D19ad83579A64c007002");
const CONSOLIDATION_REQUESTS = createAddressFromString(
  "0x0000BBdDc7CE488642fb579F8B00f3a590007251",
);
const RING_LENGTH = 8191n;
const SYSTEM_GAS = 30_000_000n;

/** sha256 of nothing: the requests hash of a block without requests (EIP-7685). */
export const EMPTY_REQUESTS_HASH: Hex = toHex(createHash("sha256").digest());

/** EIP-4788: the root of the parent beacon block, by timestamp. */
export async function storeBeaconRoot(
  state: StateManagerInterface,
  timestamp: bigint,
  root: Hex,
): Promise<void> {
  if (!(await hasCode(state, BEACON_ROOTS))) return;
  const index = timestamp % RING_LENGTH;
  await state.putStorage(BEACON_ROOTS, word(index), bigIntToBytes(timestamp));
  await state.putStorage(BEACON_ROOTS, word(index + RING_LENGTH), fromHex(root));
}

/** EIP-2935: the parent's hash, by number. */
export async function storeParentHash(
  state: StateManagerInterface,
  number: bigint,
  parentHash: Hex,
): Promise<void> {
  if (!(await hasCode(state, HISTORY))) return;
  await state.putStorage(HISTORY, word((number - 1n) % RING_LENGTH), fromHex(parentHash));
}

/**
 * The hash of the requests that a block makes to the consensus layer (EIP-7685): withdrawals
 * (EIP-7002) and consolidations (EIP-7251). Null where a deposit (EIP-6110) was made: its log is
 * of a contract that only the beacon chain's L1 has.
 */
export async function requestsHash(
  evm: EVM,
  state: WitnessState,
  { block, logs }: { readonly block: Block; readonly logs: readonly Log[] },
): Promise<Hex | null> {
  if (logs.some(([address]) => toHex(address) === DEPOSIT_CONTRACT)) return null;
  const outer = createHash("sha256");
  for (const [type, contract] of [
    [1, WITHDRAWAL_REQUESTS],
    [2, CONSOLIDATION_REQUESTS],
  ] as const) {
    const data = await callAsSystem(evm, state, { block, to: contract });
    if (data.length === 0) continue;
    outer.update(createHash("sha256").update(Uint8Array.of(type)).update(data).digest());
  }
  return toHex(outer.digest());
}

const DEPOSIT_CONTRACT: Hex = "0x00000000219ab540356cbb839cbe05303d7705fa";

async function callAsSystem(
  evm: EVM,
  state: WitnessState,
  { block, to }: { readonly block: Block; readonly to: Address },
): Promise<Uint8Array> {
  if (!(await hasCode(state, to))) return new Uint8Array();
  // The caller is nobody's account, and a full node does not read it: no witness has to have it.
  await state.putAccount(SYSTEM, new Account());
  const { execResult } = await evm.runCall({
    block,
    caller: SYSTEM,
    to,
    gasLimit: SYSTEM_GAS,
    gasPrice: 0n,
    skipNonceIncrement: true,
  });
  evm.journal.cleanJournal();
  state.originalStorageCache.clear();
  state.forget(SYSTEM);
  return execResult.exceptionError === undefined ? execResult.returnValue : new Uint8Array();
}

async function hasCode(state: StateManagerInterface, address: Address): Promise<boolean> {
  const account = await state.getAccount(address);
  return account?.isContract() ?? false;
}

function word(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  const short = bigIntToBytes(value);
  bytes.set(short, 32 - short.length);
  return bytes;
}

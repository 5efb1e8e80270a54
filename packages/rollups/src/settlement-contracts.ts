import { type Hex, type Stack, uintWord } from "@mach/core";
import {
  callData,
  readView,
  type SettlementContracts,
  wordToAddress,
  wordToUint,
} from "./settlement.ts";
import type { NodeCall, NodeFailure } from "./stack.ts";

/** Where the contracts that settle a rollup are looked up. */
export interface SettlementPlace {
  readonly stack: Stack;
  readonly rollupId: bigint;
  /** The registry, and the epoch of which its entry counts. */
  readonly registry: Hex;
  readonly epoch: bigint;
  /**
   * The contract to ask where the registry names no adapter: op AnchorStateRegistry, orbit Rollup,
   * cdk RollupManager, zk diamond proxy. Null for none.
   */
  readonly configured: Hex | null;
  /** The hash of the L1-finalised block whose state decides. */
  readonly stateAt: Hex;
}

export type SettlementContractsAnswer =
  /** Null where L1 cannot read how the rollup settles, or nobody has said from what. */
  | { readonly ok: true; readonly contracts: SettlementContracts | null }
  | NodeFailure
  /** The contract is another chain's: what it says is nothing about this rollup. */
  | { readonly ok: false; readonly code: "wrong-chain" };

type AddressAnswer = { readonly ok: true; readonly address: Hex | null } | NodeFailure;

/** How nodes number a call that the contract itself refused. */
const REVERTED = 3;

/**
 * The L1 contracts that settle a rollup: what the registry's settlement adapter names, else the
 * configured one. Each has to say itself that it is of this chain, so that a mistaken address is
 * never taken for a contradiction.
 */
export async function readSettlementContracts(
  l1: NodeCall,
  place: SettlementPlace,
): Promise<SettlementContractsAnswer> {
  const { stack, configured } = place;
  if (stack === "evm") return { ok: true, contracts: null };
  const adapter = await readAdapter(l1, place);
  if (!adapter.ok) return adapter;
  const named = adapter.address === null ? null : await readNamed(l1, place, adapter.address);
  if (named?.ok === false) return named;
  const contract = named?.address ?? configured;
  if (contract === null) return { ok: true, contracts: null };
  switch (stack) {
    case "op":
      return readOp(l1, place, contract);
    case "orbit":
      return readOrbit(l1, place, contract);
    case "cdk":
      return readCdk(l1, place, contract);
    case "zk":
      return readZk(l1, place, contract);
  }
}

/** The settlement adapter of the registry's entry, or null where there is none. */
async function readAdapter(l1: NodeCall, place: SettlementPlace): Promise<AddressAnswer> {
  const { registry, rollupId, epoch } = place;
  const args = [uintWord(rollupId), uintWord(epoch)];
  const data = callData("rollupAt(uint64,uint64)", ...args);
  const entry = await readView(l1, place, { to: registry, data });
  if (!entry.ok) return entry.number === REVERTED ? { ok: true, address: null } : entry;
  const adapter = wordToAddress(entry.words[5]);
  if (entry.words.length !== 6 || adapter === null) return { ok: false, code: "malformed" };
  return { ok: true, address: BigInt(adapter) === 0n ? null : adapter };
}

/** What the adapter of a stack asks. */
async function readNamed(
  l1: NodeCall,
  place: SettlementPlace,
  adapter: Hex,
): Promise<AddressAnswer> {
  if (place.stack === "op") return readAddress(l1, place, [adapter, "anchorStateRegistry()"]);
  if (place.stack === "orbit") return readAddress(l1, place, [adapter, "rollup()"]);
  return { ok: true, address: null };
}

/** Each game names its chain: it is there that another's is told apart. */
async function readOp(
  l1: NodeCall,
  place: SettlementPlace,
  anchorStateRegistry: Hex,
): Promise<SettlementContractsAnswer> {
  const factory = await readAddress(l1, place, [anchorStateRegistry, "disputeGameFactory()"]);
  if (!factory.ok) return factory;
  if (factory.address === null) return { ok: false, code: "malformed" };
  const disputeGameFactory = factory.address;
  const { rollupId } = place;
  const contracts = { stack: "op", rollupId, disputeGameFactory, anchorStateRegistry } as const;
  return { ok: true, contracts };
}

async function readOrbit(
  l1: NodeCall,
  place: SettlementPlace,
  rollup: Hex,
): Promise<SettlementContractsAnswer> {
  const chain = await readUint(l1, place, { to: rollup, data: callData("chainId()") });
  if (!chain.ok) return chain;
  if (chain.value !== place.rollupId) return { ok: false, code: "wrong-chain" };
  return { ok: true, contracts: { stack: "orbit", rollup } };
}

async function readCdk(
  l1: NodeCall,
  place: SettlementPlace,
  rollupManager: Hex,
): Promise<SettlementContractsAnswer> {
  const data = callData("chainIDToRollupID(uint64)", uintWord(place.rollupId));
  const index = await readUint(l1, place, { to: rollupManager, data });
  if (!index.ok) return index;
  // Its rollups are counted from one.
  if (index.value === 0n) return { ok: false, code: "wrong-chain" };
  return { ok: true, contracts: { stack: "cdk", rollupManager, rollupIndex: index.value } };
}

async function readZk(
  l1: NodeCall,
  place: SettlementPlace,
  diamond: Hex,
): Promise<SettlementContractsAnswer> {
  const chain = await readUint(l1, place, { to: diamond, data: callData("getChainId()") });
  if (!chain.ok) return chain;
  if (chain.value !== place.rollupId) return { ok: false, code: "wrong-chain" };
  return { ok: true, contracts: { stack: "zk", diamond } };
}

async function readAddress(
  l1: NodeCall,
  at: SettlementPlace,
  [to, view]: readonly [Hex, string],
): Promise<AddressAnswer> {
  const answer = await readView(l1, at, { to, data: callData(view) });
  if (!answer.ok) return answer;
  const address = wordToAddress(answer.words[0]);
  if (answer.words.length !== 1 || address === null || BigInt(address) === 0n) {
    return { ok: false, code: "malformed" };
  }
  return { ok: true, address };
}

async function readUint(
  l1: NodeCall,
  at: SettlementPlace,
  call: { readonly to: Hex; readonly data: Hex },
): Promise<{ readonly ok: true; readonly value: bigint } | NodeFailure> {
  const answer = await readView(l1, at, call);
  if (!answer.ok) return answer;
  const value = wordToUint(answer.words[0]);
  if (answer.words.length !== 1 || value === null) return { ok: false, code: "malformed" };
  return { ok: true, value };
}

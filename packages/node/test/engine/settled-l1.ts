import { addressWord, concatHex, type Hex, keccak256Text, uintWord, ZERO_HASH } from "@mach/core";
import type { L1CallAnswer, L1View } from "@mach/settlement";

/** The registry and what settles rollup 7 on this L1. */
export const REGISTRY: Hex = `0x${"0e".repeat(20)}`;
export const CONTRACT: Hex = `0x${"c0".repeat(20)}`;
const [ADAPTER, FACTORY]: readonly Hex[] = [`0x${"ad".repeat(20)}`, `0x${"fa".repeat(20)}`];

/** One event that L1 has finalised. */
interface SettledEvent {
  readonly address: Hex;
  readonly l1BlockNumber: number;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

/** An L1 whose finalised state settles one rollup; what it says can change. */
export interface SettledL1 {
  readonly view: Pick<L1View, "pinFinalized">;
  readonly events: SettledEvent[];
  /** Answers of calls, by the function's signature. */
  readonly answers: Map<string, Hex>;
  finalized: bigint;
  /** What every source fails with, or null. */
  failure: "refused" | "unavailable" | null;
  /** How many times logs were asked for. */
  reads: number;
}

/** An L1 with the registry's adapter for op and orbit, and every contract of rollup 7. */
export function createSettledL1(): SettledL1 {
  const numbers = [7, 0, 1, 6_667, 1].map((each) => uintWord(each));
  const l1: SettledL1 = {
    events: [],
    answers: new Map([
      ["rollupAt(uint64,uint64)", concatHex(...numbers, addressWord(ADAPTER ?? "0x"))],
      ["anchorStateRegistry()", addressWord(CONTRACT)],
      ["disputeGameFactory()", addressWord(FACTORY ?? "0x")],
      ["isGameClaimValid(address)", uintWord(1)],
      ["l2ChainId()", uintWord(7)],
      ["rollup()", addressWord(CONTRACT)],
      ["chainId()", uintWord(7)],
      ["getChainId()", uintWord(7)],
      ["chainIDToRollupID(uint64)", uintWord(3)],
    ]),
    finalized: 100n,
    failure: null,
    reads: 0,
    view: { pinFinalized: async () => pin() },
  };

  function pin(): Awaited<ReturnType<L1View["pinFinalized"]>> {
    const block = { number: l1.finalized, hash: ZERO_HASH, timestamp: 1_000n };
    const call = async (): Promise<never> => Promise.reject(new Error("not asked for"));
    return {
      ok: true,
      l1: {
        block,
        call,
        async read(read) {
          const value = await read(async (method, params) => answer(method, params));
          const unavailable = { ok: false, code: "l1-unavailable", answered: 0, required: 1 };
          return value === null ? (unavailable as never) : { ok: true, value };
        },
      },
    };
  }

  function answer(method: string, params: readonly unknown[]): L1CallAnswer {
    if (l1.failure !== null) return { ok: false, code: l1.failure };
    if (method === "eth_getLogs") {
      l1.reads += 1;
      return { ok: true, value: logs(params[0] as LogFilter) };
    }
    const [{ data }] = params as readonly [{ data: Hex }];
    const [, value] =
      [...l1.answers].find(([view]) => data.startsWith(keccak256Text(view).slice(0, 10))) ?? [];
    return value === undefined ? { ok: false, code: "refused", number: 3 } : { ok: true, value };
  }

  function logs({ address, fromBlock, toBlock }: LogFilter): readonly object[] {
    return l1.events.flatMap(({ l1BlockNumber, ...event }, at) => {
      const isAsked =
        event.address === address &&
        l1BlockNumber >= Number(fromBlock) &&
        l1BlockNumber <= Number(toBlock);
      const place = { blockNumber: hexOf(l1BlockNumber), logIndex: hexOf(at) };
      return isAsked ? [{ ...event, ...place, transactionHash: keccak256Text(`${at}`) }] : [];
    });
  }
  return l1;
}

interface LogFilter {
  readonly address: Hex;
  readonly fromBlock: Hex;
  readonly toBlock: Hex;
}

function hexOf(value: number): Hex {
  return `0x${value.toString(16)}`;
}

/** BoLD has confirmed a block. */
export function assertionConfirmed(
  at: number,
  block: { readonly blockHash: Hex; readonly sendRoot: Hex },
): SettledEvent {
  const topics = [keccak256Text("AssertionConfirmed(bytes32,bytes32,bytes32)"), ZERO_HASH];
  const data = concatHex(block.blockHash, block.sendRoot);
  return { address: CONTRACT, l1BlockNumber: at, topics, data };
}

/** The RollupManager has verified a batch. */
export function batchVerified(at: number, batch: bigint, stateRoot: Hex): SettledEvent {
  const event = "VerifyBatchesTrustedAggregator(uint32,uint64,bytes32,bytes32,address)";
  const topics = [keccak256Text(event), uintWord(3), ZERO_HASH];
  const data = concatHex(uintWord(batch), stateRoot, ZERO_HASH);
  return { address: CONTRACT, l1BlockNumber: at, topics, data };
}

/** The diamond proxy has executed a batch. */
export function batchExecuted(at: number, batch: bigint, root: Hex): SettledEvent {
  const event = keccak256Text("BlockExecution(uint256,bytes32,bytes32)");
  const topics = [event, uintWord(batch), root, ZERO_HASH];
  return { address: CONTRACT, l1BlockNumber: at, topics, data: "0x" };
}

/** A dispute game was made about a root; `l2BlockNumber()` is its height. */
export function gameCreated(at: number, rootClaim: Hex): SettledEvent {
  const event = keccak256Text("DisputeGameCreated(address,uint32,bytes32)");
  const topics = [event, addressWord(`0x${"9a".repeat(20)}`), ZERO_HASH, rootClaim];
  return { address: FACTORY ?? "0x", l1BlockNumber: at, topics, data: "0x" };
}

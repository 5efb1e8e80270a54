import { concatHex, type Hex, keccak256 } from "@mach/core";
import { refuseTailFrom, toCheckedBlock } from "./checked-header.ts";
import { checkHeader, type Header } from "./header.ts";
import { isObject, parseHash, parseQuantity, toQuantity } from "./rpc-values.ts";
import {
  eventTopic,
  readLogs,
  type SettledAnswer,
  type SettledRoot,
  type SettlementQuery,
} from "./settlement.ts";
import type { BlockCheck, BlockFailure, NodeCall, StackAdapter } from "./stack.ts";

/**
 * Arbitrum Nitro and its Orbit chains. The heads are the block tags: `safe` is posted to L1 and
 * `finalized` is posted in a finalised L1 block, which says nothing of validation.
 */
export const orbitStack: StackAdapter = {
  stack: "orbit",
  followsBlocks: true,
  checkBlock: checkOrbitBlock,
  completion: null,
  readHead: null,
  readSettled: readConfirmedAssertions,
};

/** What a Nitro header carries in its fields of other names. */
export interface OrbitInfo {
  /** The root of the tree of messages to L1. */
  readonly sendRoot: Hex;
  readonly sendCount: bigint;
  readonly l1BlockNumber: bigint;
  readonly arbosVersion: bigint;
  readonly collectTips: boolean;
  readonly delayedMessagesRead: bigint;
}

/**
 * Decodes extraData, mixHash and nonce as Nitro's `HeaderInfo` has them: mixHash holds sendCount,
 * the L1 block and the ArbOS version, 8 bytes each, and in bit 0 of byte 25 whether tips are
 * collected. Null for a block that carries none, such as the genesis.
 */
export function orbitInfo(header: Header): OrbitInfo | null {
  const { extraData, mixHash, difficulty, baseFeePerGas, nonce } = header;
  if (extraData.length !== 66 || difficulty !== 1n || baseFeePerGas === null) return null;
  const uint64At = (byte: number): bigint =>
    BigInt(`0x${mixHash.slice(2 + 2 * byte, 18 + 2 * byte)}`);
  return {
    sendRoot: extraData,
    sendCount: uint64At(0),
    l1BlockNumber: uint64At(8),
    arbosVersion: uint64At(16),
    collectTips: (Number(`0x${mixHash.slice(52, 54)}`) & 1) === 1,
    delayedMessagesRead: BigInt(nonce),
  };
}

/** keccak256(blockHash || sendRoot): the pair that the rollup contract confirms. */
export function orbitOutputRoot(parts: { readonly blockHash: Hex; readonly sendRoot: Hex }): Hex {
  return keccak256(concatHex(parts.blockHash, parts.sendRoot));
}

function checkOrbitBlock(rawBlock: unknown): BlockCheck {
  const checked = checkHeader(rawBlock);
  if (!checked.ok) return checked;
  const { header, blockHash } = checked;
  const tail = refuseTailFrom(checked, "withdrawalsRoot");
  if (tail !== null) return tail;
  const info = orbitInfo(header);
  if (info === null) {
    // The genesis carries no send root, and what L1 confirms for it was never a block's output.
    if (header.number !== 0n) return refuseLayout(header);
    const roots = { outputRoot: null, unverifiable: "no-claim" } as const;
    return { ok: true, block: toCheckedBlock(checked, roots) };
  }
  const repeated = checkRepeated(rawBlock, info);
  if (repeated !== null) return repeated;
  const outputRoot = orbitOutputRoot({ blockHash, sendRoot: info.sendRoot });
  return { ok: true, block: toCheckedBlock(checked, { outputRoot, unverifiable: null }) };
}

/** Names what keeps a header above the genesis from being Nitro's. */
function refuseLayout(header: Header): BlockFailure {
  const { difficulty, baseFeePerGas, extraData } = header;
  if (baseFeePerGas === null) return { ok: false, code: "malformed", field: "baseFeePerGas" };
  if (extraData.length !== 66) return { ok: false, code: "malformed", field: "extraData" };
  const [expected, got] = [toQuantity(1n), toQuantity(difficulty)];
  return { ok: false, code: "invalid-field", field: "difficulty", expected, got };
}

/** The node repeats some of it outside of the hash: it must not contradict the header. */
function checkRepeated(rawBlock: unknown, info: OrbitInfo): BlockFailure | null {
  if (!isObject(rawBlock)) return null;
  const { sendRoot } = info;
  for (const [field, expected] of [
    ["sendRoot", sendRoot],
    ["sendCount", info.sendCount],
    ["l1BlockNumber", info.l1BlockNumber],
  ] as const) {
    const raw = rawBlock[field];
    if (raw === undefined || raw === null) continue;
    const got = typeof expected === "bigint" ? parseQuantity(raw) : parseHash(raw);
    if (got === null) return { ok: false, code: "malformed", field };
    if (got === expected) continue;
    return {
      ok: false,
      code: "invalid-field",
      field,
      expected: typeof expected === "bigint" ? toQuantity(expected) : expected,
      got: typeof got === "bigint" ? toQuantity(got) : got,
    };
  }
  return null;
}

const ASSERTION_CONFIRMED = eventTopic("AssertionConfirmed(bytes32,bytes32,bytes32)");

/** BoLD: each confirmed assertion names the block hash and the send root that it ends with. */
async function readConfirmedAssertions(
  l1: NodeCall,
  query: SettlementQuery,
): Promise<SettledAnswer> {
  const { contracts } = query;
  if (contracts.stack !== "orbit") throw new RangeError("the contracts are of another stack");
  const address = contracts.rollup;
  const read = await readLogs(l1, query, { address, events: [ASSERTION_CONFIRMED] });
  if (!read.ok) return read;
  const roots: SettledRoot[] = [];
  for (const { topics, words, l1BlockNumber, transactionHash } of read.logs) {
    const [blockHash, sendRoot] = words;
    if (topics.length !== 2 || words.length !== 2 || !blockHash || !sendRoot) {
      return { ok: false, code: "malformed" };
    }
    roots.push({
      standing: "confirmed",
      subject: { by: "hash", blockHash },
      root: orbitOutputRoot({ blockHash, sendRoot }),
      l1BlockNumber,
      transactionHash,
    });
  }
  return { ok: true, roots, revertedTo: null, undecided: 0 };
}

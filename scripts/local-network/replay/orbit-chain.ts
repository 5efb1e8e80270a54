import type { Hex } from "@mach/core";
import { createBlockHistory, ethScript } from "./block-history.ts";
import { readRecorded, sealHeader, standIn, standInTransactions } from "./header.ts";
import { quantity, type RawBlock, type ReplayedChain } from "./script.ts";

interface OrbitBlock extends RawBlock {
  readonly mixHash: Hex;
  readonly nonce: Hex;
  readonly sendRoot: Hex;
  readonly sendCount: Hex;
  readonly l1BlockNumber: Hex;
}

/** Which of the blocks above the recorded one change what they carry. */
const SEND_EVERY = 4n;
const L1_BLOCK_EVERY = 12n;
const DELAYED_MESSAGE_EVERY = 6n;
/** How far posted, and posted in finalised L1, are behind. */
const LAG = { safe: 8n, finalized: 16n } as const;

/** A Nitro chain that goes on above a recorded block of Arbitrum One. */
export function createOrbitChain(chainId: bigint): ReplayedChain {
  const recorded = readRecorded<{ header: OrbitBlock }[]>("orbit/headers.json").at(-1)?.header;
  if (recorded === undefined) throw new Error("no recorded block");
  const first = BigInt(recorded.number);
  const history = createBlockHistory(recorded);
  let newest = recorded;
  return {
    script: ethScript(history, {
      chainId,
      heightOf: (tag) => {
        if (tag !== "safe" && tag !== "finalized") return null;
        const height = history.newestHeight - LAG[tag];
        return height > first ? height : first;
      },
    }),
    advance(timestamp) {
      newest = nextBlock(newest, { chainId, timestamp });
      history.push(newest);
      return newest;
    },
  };
}

function nextBlock(
  parent: OrbitBlock,
  { chainId, timestamp }: { readonly chainId: bigint; readonly timestamp: bigint },
): OrbitBlock {
  const height = BigInt(parent.number) + 1n;
  const every = (blocks: bigint): bigint => (height % blocks === 0n ? 1n : 0n);
  const sends = every(SEND_EVERY);
  const sendCount = BigInt(parent.sendCount) + sends;
  const sendRoot = sends === 0n ? parent.sendRoot : standIn("sends", chainId, sendCount);
  const l1BlockNumber = BigInt(parent.l1BlockNumber) + every(L1_BLOCK_EVERY);
  const nonce = BigInt(parent.nonce) + every(DELAYED_MESSAGE_EVERY);
  const fields = {
    ...parent,
    number: quantity(height),
    parentHash: parent.hash,
    timestamp: quantity(timestamp),
    transactions: standInTransactions(chainId, height),
    stateRoot: standIn("state", chainId, height),
    transactionsRoot: standIn("transactions", chainId, height),
    receiptsRoot: standIn("receipts", chainId, height),
    extraData: sendRoot,
    // The ArbOS version and what follows stay as they were recorded.
    mixHash: `0x${bytes8(sendCount)}${bytes8(l1BlockNumber)}${parent.mixHash.slice(34)}`,
    nonce: `0x${bytes8(nonce)}`,
    sendRoot,
    sendCount: quantity(sendCount),
    l1BlockNumber: quantity(l1BlockNumber),
  };
  return sealHeader(fields) as OrbitBlock;
}

function bytes8(value: bigint): string {
  return value.toString(16).padStart(16, "0");
}

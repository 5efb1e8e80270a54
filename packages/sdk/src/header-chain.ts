import { type ChainLink, type Hex, linksOf } from "@mach/core";

/** A block asked for, by its hash or its height. */
export type BlockId = Hex | bigint;

export type HeaderChainFailure =
  /** The headers end before the block that was asked for, or are not there. */
  | "truncated-header-chain"
  /** A header is none, or does not hash to what the one above it names. */
  | "broken-header-chain";

export type HeaderChainResult =
  | {
      readonly ok: true;
      readonly blockNumber: bigint;
      readonly blockHash: Hex;
      /** Every block from the certified one down to the one asked for, with its height. */
      readonly blocks: readonly { readonly blockNumber: bigint; readonly blockHash: Hex }[];
    }
  | { readonly ok: false; readonly code: HeaderChainFailure };

/**
 * Walks from a certified block down through the preimages of its ancestors' hashes. A height is
 * the certified one less the steps taken, so that no field of a header has to be believed.
 */
export function checkHeaderChain(
  certified: { readonly blockNumber: bigint; readonly blockHash: Hex },
  headers: readonly Hex[] | null,
  asked: BlockId,
): HeaderChainResult {
  if (headers === null) return { ok: false, code: "truncated-header-chain" };
  const blocks = [{ blockNumber: certified.blockNumber, blockHash: certified.blockHash }];
  let { blockNumber, blockHash } = certified;
  for (const link of linksOf(headers)) {
    if (!isNext(link, blockHash) || blockNumber === 0n) {
      return { ok: false, code: "broken-header-chain" };
    }
    blockNumber -= 1n;
    blockHash = link.parentHash;
    blocks.push({ blockNumber, blockHash });
  }
  if (blocks.length !== headers.length + 1) return { ok: false, code: "broken-header-chain" };
  const isAsked = typeof asked === "bigint" ? blockNumber === asked : blockHash === asked;
  if (!isAsked) return { ok: false, code: "truncated-header-chain" };
  return { ok: true, blockNumber, blockHash, blocks };
}

function isNext(link: ChainLink, expected: Hex): boolean {
  return link.blockHash === expected;
}

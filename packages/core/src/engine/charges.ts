import { toCertificate, type VerifiedCertificate } from "../certificate.ts";
import type { Evidence } from "../evidence.ts";
import type { Hex } from "../hex.ts";
import { signersInBoth } from "./convictions.ts";
import type { Emit } from "./effects.ts";
import type { EngineState, RollupState, VerifiedBlock } from "./state.ts";

/** The most headers of a charge: about a megabyte of them. */
const MAX_HEADERS = 1_024;
/** Pairs of one contradiction that are charged: each convicts more than a third of a weight. */
const MAX_CHARGES = 8;

/**
 * Charges the operators that are in two certificates of different branches at different heights
 * (protocol section 3, `conflicting-certificates`). `off` are certificates that are not of the
 * followed branch. Each is held against the nearest ones of that branch, because one in between
 * would excuse whoever signed both.
 */
export function chargeBranches(
  state: EngineState,
  rollup: RollupState,
  off: readonly VerifiedCertificate[],
  emit: Emit,
): void {
  const on = [...rollup.certified.values()]
    .map(({ certificate }) => certificate)
    .filter(({ claim }) => rollup.blocks.get(claim.blockNumber)?.blockHash === claim.blockHash)
    .sort((a, b) => (a.claim.blockNumber < b.claim.blockNumber ? -1 : 1));
  let left = MAX_CHARGES;
  for (const each of off) {
    const { blockNumber } = each.claim;
    const above = on.find(({ claim }) => claim.blockNumber > blockNumber);
    const below = on.findLast(({ claim }) => claim.blockNumber < blockNumber);
    for (const charge of [
      above === undefined ? null : chargeOf(state, rollup, { lower: each, higher: above }),
      below === undefined ? null : chargeOf(state, rollup, { lower: below, higher: each }),
    ]) {
      if (charge === null || left === 0) continue;
      left -= 1;
      emit({ type: "store-evidence", evidence: charge });
    }
  }
}

interface Pair {
  readonly lower: VerifiedCertificate;
  readonly higher: VerifiedCertificate;
}

/** The charge of a pair; null where it is none, is excused, or cannot be shown from what is kept. */
function chargeOf(state: EngineState, rollup: RollupState, pair: Pair): Evidence | null {
  const { lower, higher } = pair;
  if (isSettledAgainst(rollup, lower)) return null;
  const headers = headersBetween(rollup, pair);
  const operators = headers === null ? [] : signersInBoth(state, lower, higher);
  if (headers === null || operators.length === 0) return null;
  return {
    kind: "conflicting-certificates",
    rollupId: rollup.rollupId,
    operators,
    lower: toCertificate(lower),
    higher: toCertificate(higher),
    headers,
  };
}

/**
 * The headers from the higher certificate's block down to just above the lower one's height. Null
 * where the lower block is among its ancestors, or a certificate that releases stands between.
 */
function headersBetween(rollup: RollupState, { lower, higher }: Pair): readonly Hex[] | null {
  const headers: Hex[] = [];
  let { blockNumber, blockHash } = higher.claim;
  while (blockNumber > lower.claim.blockNumber) {
    const block = blockOf(rollup, { blockNumber, blockHash });
    if (block === null || headers.length === MAX_HEADERS) return null;
    headers.push(block.headerRlp);
    blockNumber -= 1n;
    blockHash = block.parentHash;
    const between = rollup.certified.get(blockNumber)?.certificate.claim;
    const isExcuse =
      between?.blockHash === blockHash &&
      between.epoch >= lower.claim.epoch &&
      between.epoch <= higher.claim.epoch;
    if (isExcuse) return null;
  }
  return blockHash === lower.claim.blockHash ? null : headers;
}

function blockOf(
  { blocks, dropped }: RollupState,
  at: { readonly blockNumber: bigint; readonly blockHash: Hex },
): VerifiedBlock | null {
  const followed = blocks.get(at.blockNumber);
  if (followed?.blockHash === at.blockHash) return followed;
  return dropped.get(at.blockHash)?.block ?? null;
}

/** Whether L1 has finalised another branch: whoever signed that one was free to. */
function isSettledAgainst({ finalized, blocks }: RollupState, lower: VerifiedCertificate): boolean {
  if (finalized === null || finalized.blockNumber < lower.claim.blockNumber) return false;
  if (blocks.get(finalized.blockNumber)?.blockHash !== finalized.blockHash) return false;
  return blocks.get(lower.claim.blockNumber)?.blockHash !== lower.claim.blockHash;
}

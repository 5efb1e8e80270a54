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
 * Charges the operators that are in two certificates at different heights, one of the followed
 * branch and one that is off it (protocol section 3, `conflicting-certificates`). Each is held
 * against the nearest ones, because one in between would excuse whoever signed both. Where a
 * certificate is named, only its own pairs are looked at: the others have been before.
 */
export function chargeBranches(
  state: EngineState,
  rollup: RollupState,
  asked: { readonly of: VerifiedCertificate | null },
  emit: Emit,
): void {
  const { on, off } = sortByBranch(rollup);
  let left = MAX_CHARGES;
  for (const each of off) {
    const { blockNumber } = each.claim;
    const above = on.find(({ claim }) => claim.blockNumber > blockNumber);
    const below = on.findLast(({ claim }) => claim.blockNumber < blockNumber);
    const pairs: Pair[] = [];
    if (above !== undefined) pairs.push({ lower: each, higher: above });
    if (below !== undefined) pairs.push({ lower: below, higher: each });
    for (const pair of pairs) {
      const isAsked = asked.of === null || Object.values(pair).includes(asked.of);
      const charge = isAsked && left > 0 ? chargeOf(state, rollup, pair) : null;
      if (charge === null) continue;
      left -= 1;
      emit({ type: "store-evidence", evidence: charge });
    }
  }
}

/** The certificates of the followed branch, lowest first, and those that are known to be off it. */
function sortByBranch({ certified, blocks, dropped }: RollupState): {
  readonly on: readonly VerifiedCertificate[];
  readonly off: readonly VerifiedCertificate[];
} {
  const on: VerifiedCertificate[] = [];
  const off: VerifiedCertificate[] = [];
  for (const { certificate } of certified.values()) {
    const { blockNumber, blockHash } = certificate.claim;
    const own = blocks.get(blockNumber)?.blockHash;
    if (own === blockHash) on.push(certificate);
    else if (own !== undefined || dropped.has(blockHash)) off.push(certificate);
  }
  on.sort((a, b) => (a.claim.blockNumber < b.claim.blockNumber ? -1 : 1));
  return { on, off };
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

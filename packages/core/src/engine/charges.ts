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
 * branch and one that is off it (protocol section 3, `conflicting-certificates`), once L1 has
 * settled the lower height: until then it may still free whoever left that branch, and this node
 * may be the last to hear of it. Looks at what has been settled since the last time.
 */
export function chargeSettled(state: EngineState, rollup: RollupState, emit: Emit): void {
  const { finalized, blocks, charged } = rollup;
  if (finalized === null || finalized.blockNumber <= charged) return;
  // What lies below is known only on the branch that L1 has finalised.
  if (blocks.get(finalized.blockNumber)?.blockHash !== finalized.blockHash) return;
  rollup.charged = finalized.blockNumber;
  if (rollup.dropped.size === 0 && rollup.contradictions.length === 0) return;
  charge(state, rollup, ({ lower }) => lower.claim.blockNumber > charged, emit);
}

/** As `chargeSettled`, for a certificate that comes when the lower height has been settled. */
export function chargeSignersOf(
  state: EngineState,
  rollup: RollupState,
  certificate: VerifiedCertificate,
  emit: Emit,
): void {
  charge(state, rollup, (pair) => Object.values(pair).includes(certificate), emit);
}

/**
 * Holds each certificate that is off the followed branch against the nearest ones on it, because
 * one in between would excuse whoever signed both.
 */
function charge(
  state: EngineState,
  rollup: RollupState,
  isAsked: (pair: Pair) => boolean,
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
      const evidence = left > 0 && isAsked(pair) ? chargeOf(state, rollup, pair) : null;
      if (evidence === null) continue;
      left -= 1;
      emit({ type: "store-evidence", evidence });
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

/** The charge of a pair; null where it is none, may be excused, or cannot be shown from what is kept. */
function chargeOf(state: EngineState, rollup: RollupState, pair: Pair): Evidence | null {
  const { lower, higher } = pair;
  if (!isSettled(rollup, lower)) return null;
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

/** Whether L1 has settled the height for this block: where it is another's, the signers were free. */
function isSettled({ charged, blocks }: RollupState, { claim }: VerifiedCertificate): boolean {
  if (claim.blockNumber > charged) return false;
  return blocks.get(claim.blockNumber)?.blockHash === claim.blockHash;
}

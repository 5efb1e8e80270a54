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
 * Charges the operators that are in two certificates at different heights, the lower one of the
 * followed branch and the higher one off it (protocol section 3, `conflicting-certificates`), once
 * L1 has settled the lower height: until then it may still free whoever left that branch, and this
 * node may be the last to hear of it. Looks at what has been settled since the last time.
 */
export function chargeSettled(state: EngineState, rollup: RollupState, emit: Emit): void {
  const { finalized, blocks, charged } = rollup;
  if (finalized === null || finalized.blockNumber <= charged) return;
  // What lies below is known only on the branch that L1 has finalised.
  if (blocks.get(finalized.blockNumber)?.blockHash !== finalized.blockHash) return;
  rollup.charged = finalized.blockNumber;
  charge(state, rollup, ({ lower }) => lower.claim.blockNumber > charged, emit);
}

/** As `chargeSettled`, for a certificate that comes when the lower height has been settled. */
export function chargeSignersOf(
  state: EngineState,
  rollup: RollupState,
  certificate: VerifiedCertificate,
  emit: Emit,
): void {
  const isOfPair = ({ lower, higher }: Pair): boolean =>
    lower === certificate || higher === certificate;
  charge(state, rollup, isOfPair, emit);
}

/**
 * Holds each certificate of a left branch against the nearest one below it on the followed branch,
 * because one in between would excuse whoever signed both. One above it is never the pair's other
 * half: L1 does not settle a height for a block that is off the branch.
 */
function charge(
  state: EngineState,
  rollup: RollupState,
  isAsked: (pair: Pair) => boolean,
  emit: Emit,
): void {
  const { certified, dropped } = rollup;
  // A charge is shown by the headers of the branch that was left: as a rule there is none.
  if (dropped.size === 0) return;
  let left = MAX_CHARGES;
  for (const { certificate: higher } of certified.values()) {
    if (!dropped.has(higher.claim.blockHash)) continue;
    const lower = nearestBelow(rollup, higher.claim.blockNumber);
    const isDue = left > 0 && lower !== null && isAsked({ lower, higher });
    const evidence = isDue ? chargeOf(state, rollup, { lower, higher }) : null;
    if (evidence === null) continue;
    left -= 1;
    emit({ type: "store-evidence", evidence });
  }
}

/** The highest certificate of the followed branch below a height. */
function nearestBelow(
  { certified, blocks }: RollupState,
  height: bigint,
): VerifiedCertificate | null {
  let nearest: VerifiedCertificate | null = null;
  for (const { certificate } of certified.values()) {
    const { blockNumber, blockHash } = certificate.claim;
    if (blockNumber >= height || blocks.get(blockNumber)?.blockHash !== blockHash) continue;
    if (nearest === null || nearest.claim.blockNumber < blockNumber) nearest = certificate;
  }
  return nearest;
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

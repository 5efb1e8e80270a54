import type { Emit } from "./effects.ts";
import type { CertifiedHeight, Contradiction, RollupState } from "./state.ts";

/** How many contradictions of one rollup are kept in memory; all are in the store. */
const MAX_CONTRADICTIONS = 64;

/** Records a contradiction once: it is stored, and fast-final service falls back below it. */
export function addContradiction(
  rollup: RollupState,
  contradiction: Contradiction,
  emit: Emit,
): boolean {
  const known = contradictedIds(rollup);
  if (contradiction.certificateIds.every((id) => known.has(id))) return false;
  restoreContradiction(rollup, contradiction);
  emit({ type: "store-contradiction", rollupId: rollup.rollupId, contradiction });
  return true;
}

/** Takes a contradiction from the store. */
export function restoreContradiction(rollup: RollupState, contradiction: Contradiction): void {
  rollup.contradictions.push(contradiction);
  if (rollup.contradictions.length > MAX_CONTRADICTIONS) rollup.contradictions.shift();
  rollup.newest = newestServed(rollup);
}

/** The certificates that are contradicted, for ever. */
export function contradictedIds(rollup: RollupState): ReadonlySet<string> {
  return new Set(rollup.contradictions.flatMap((each) => each.certificateIds));
}

/**
 * The contradiction that stops fast finality now: one whose highest certificate the L1-finalised
 * height has not passed. Null where there is none.
 */
export function openContradiction(rollup: RollupState): Contradiction | null {
  const finalized = rollup.finalized?.blockNumber ?? null;
  let open: Contradiction | null = null;
  for (const each of rollup.contradictions) {
    if (finalized !== null && finalized > each.throughBlockNumber) continue;
    if (open === null || each.fromBlockNumber < open.fromBlockNumber) open = each;
  }
  return open;
}

/** The highest certificate that may be served as fast-final. */
export function newestServed(rollup: RollupState): CertifiedHeight | null {
  const contradicted = contradictedIds(rollup);
  const from = openContradiction(rollup)?.fromBlockNumber ?? null;
  let newest: CertifiedHeight | null = null;
  for (const [blockNumber, held] of rollup.certified) {
    if (from !== null && blockNumber >= from) continue;
    if (contradicted.has(held.certificate.certificateId)) continue;
    if (newest === null || newest.certificate.claim.blockNumber < blockNumber) newest = held;
  }
  return newest;
}

/**
 * Holds the certificates against the L1-finalised chain: one for another block at a finalised
 * height is contradicted, and so is all above it that is not on the followed branch.
 */
export function checkAgainstFinalized(rollup: RollupState, emit: Emit): void {
  const { finalized } = rollup;
  if (finalized === null) return;
  const contradicted = contradictedIds(rollup);
  let from: bigint | null = null;
  for (const [blockNumber, { certificate }] of rollup.certified) {
    if (blockNumber > finalized.blockNumber) continue;
    if (contradicted.has(certificate.certificateId)) continue;
    const hash = finalizedHashAt(rollup, blockNumber);
    if (hash === null || hash === certificate.claim.blockHash) continue;
    if (from === null || blockNumber < from) from = blockNumber;
  }
  if (from === null) return;
  const against = [...rollup.certified.entries()].filter(
    ([blockNumber, { certificate }]) =>
      blockNumber >= from &&
      rollup.blocks.get(blockNumber)?.blockHash !== certificate.claim.blockHash,
  );
  const throughBlockNumber = against.reduce((max, [each]) => (each > max ? each : max), from);
  addContradiction(
    rollup,
    {
      fromBlockNumber: from,
      throughBlockNumber,
      certificateIds: against.map(([, { certificate }]) => certificate.certificateId),
    },
    emit,
  );
}

/**
 * Holds the certificates against each other along the followed branch, whose blocks link: one that
 * is off it conflicts with every one on it at or above its height, because neither block is then
 * the other's ancestor. All of them above the fork are contradicted.
 */
export function checkBranches(rollup: RollupState, emit: Emit): void {
  const contradicted = contradictedIds(rollup);
  let lowestOff: bigint | null = null;
  let highestOn: bigint | null = null;
  for (const [blockNumber, { certificate }] of rollup.certified) {
    const own = rollup.blocks.get(blockNumber);
    if (own === undefined || contradicted.has(certificate.certificateId)) continue;
    if (own.blockHash === certificate.claim.blockHash) {
      if (highestOn === null || blockNumber > highestOn) highestOn = blockNumber;
    } else if (lowestOff === null || blockNumber < lowestOff) {
      lowestOff = blockNumber;
    }
  }
  if (lowestOff === null || highestOn === null || highestOn < lowestOff) return;
  const { forkedAt } = rollup;
  const from = forkedAt !== null && forkedAt < lowestOff ? forkedAt + 1n : lowestOff;
  const conflicting = [...rollup.certified.entries()].filter(
    ([blockNumber]) => blockNumber >= from,
  );
  addContradiction(
    rollup,
    {
      fromBlockNumber: from,
      throughBlockNumber: conflicting.reduce((max, [each]) => (each > max ? each : max), from),
      certificateIds: conflicting.map(([, { certificate }]) => certificate.certificateId),
    },
    emit,
  );
}

/** The finalised chain's hash at a height, where the kept blocks lead up to the finalised one. */
function finalizedHashAt(rollup: RollupState, blockNumber: bigint): string | null {
  const { finalized } = rollup;
  if (finalized === null) return null;
  if (blockNumber === finalized.blockNumber) return finalized.blockHash;
  // The followed branch is linked block by block: it is the finalised chain up to that block.
  if (rollup.blocks.get(finalized.blockNumber)?.blockHash !== finalized.blockHash) return null;
  return rollup.blocks.get(blockNumber)?.blockHash ?? null;
}

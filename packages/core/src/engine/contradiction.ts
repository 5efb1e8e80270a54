import type { VerifiedCertificate } from "../certificate.ts";
import type { Emit } from "./effects.ts";
import type {
  CertifiedHeight,
  ContradictedClaim,
  Contradiction,
  RollupState,
  UnsettledClaim,
} from "./state.ts";

/** How many open contradictions are kept apart; more become one that spans them all. */
const MAX_OPEN = 64;
/** How many claims of one height are recorded: two prove the breach. */
const MAX_CLAIMS_PER_HEIGHT = 8;

/** Records a contradiction once: it is stored, and fast-final service falls back below it. */
export function addContradiction(
  rollup: RollupState,
  contradiction: Contradiction,
  emit: Emit,
): void {
  const isNew = contradiction.claims.some((each) => !rollup.contradicted.has(each.digest));
  if (!isNew) return;
  restoreContradiction(rollup, contradiction);
  emit({ type: "store-contradiction", rollupId: rollup.rollupId, contradiction });
}

/** Takes a contradiction from the store. */
export function restoreContradiction(rollup: RollupState, contradiction: Contradiction): void {
  for (const { blockNumber, digest } of contradiction.claims) {
    rollup.contradicted.set(digest, blockNumber);
  }
  const open = [...rollup.contradictions, contradiction].filter((each) => isOpen(rollup, each));
  rollup.contradictions = open.length > MAX_OPEN ? [mergeAll(open)] : open;
  rollup.newest = newestServed(rollup);
}

/** Whether a height has as many contradicted claims as are recorded. */
export function isFullyContradicted(rollup: RollupState, blockNumber: bigint): boolean {
  let count = 0;
  for (const height of rollup.contradicted.values()) if (height === blockNumber) count += 1;
  return count >= MAX_CLAIMS_PER_HEIGHT;
}

/**
 * The contradiction that stops fast finality now: one whose highest certificate the L1-finalised
 * height has not passed, the lowest of them. Null where there is none.
 */
export function openContradiction(rollup: RollupState): Contradiction | null {
  let lowest: Contradiction | null = null;
  for (const each of rollup.contradictions) {
    if (!isOpen(rollup, each)) continue;
    if (lowest === null || each.fromBlockNumber < lowest.fromBlockNumber) lowest = each;
  }
  return lowest;
}

/** The highest certificate that may be served as fast-final, of those that are accepted. */
export function newestServed(
  rollup: RollupState,
  accepts: AcceptCertificate = acceptAny,
): CertifiedHeight | null {
  const from = openContradiction(rollup)?.fromBlockNumber ?? null;
  let newest: CertifiedHeight | null = null;
  for (const [blockNumber, held] of rollup.certified) {
    if (from !== null && blockNumber >= from) continue;
    if (rollup.contradicted.has(held.digest)) continue;
    if (newest !== null && newest.certificate.claim.blockNumber >= blockNumber) continue;
    if (accepts(held.certificate)) newest = held;
  }
  return newest;
}

/** Which certificates count for a reader: more than the threshold may be asked for. */
export type AcceptCertificate = (certificate: VerifiedCertificate) => boolean;

export function acceptAny(): boolean {
  return true;
}

/**
 * Holds every certificate that L1 has not settled against the L1-finalised head. One that it
 * shows to be of another chain is contradicted, and with it each that cannot be shown to be on
 * the finalised one: what is unknown then is not final. Without any, all up to the head are settled.
 */
export function checkAgainstFinalized(rollup: RollupState, emit: Emit): void {
  const { finalized, unsettled, contradicted } = rollup;
  if (finalized === null) return;
  const onBranch = rollup.blocks.get(finalized.blockNumber)?.blockHash;
  const isOnBranch = onBranch === finalized.blockHash;
  const against: ContradictedClaim[] = [];
  let isAnyWrong = false;
  for (const [blockNumber, claim] of unsettled) {
    if (contradicted.has(claim.digest)) continue;
    const isHead = blockNumber === finalized.blockNumber;
    const isProven = isHead
      ? claim.blockHash === finalized.blockHash
      : isOnBranch && rollup.blocks.get(blockNumber)?.blockHash === claim.blockHash;
    if (isProven) continue;
    isAnyWrong ||= isHead || isOffFinalized(rollup, { blockNumber, claim, isOnBranch });
    against.push({ blockNumber, digest: claim.digest });
  }
  if (isAnyWrong) {
    addContradiction(rollup, spanning(against), emit);
    return;
  }
  const certified = unsettled.get(finalized.blockNumber)?.blockHash;
  if (!isOnBranch && certified !== finalized.blockHash) return;
  for (const blockNumber of unsettled.keys()) {
    if (blockNumber <= finalized.blockNumber) unsettled.delete(blockNumber);
  }
}

/** Whether the kept blocks show that a certified block is not of the L1-finalised chain. */
function isOffFinalized(
  rollup: RollupState,
  at: {
    readonly blockNumber: bigint;
    readonly claim: UnsettledClaim;
    readonly isOnBranch: boolean;
  },
): boolean {
  const { finalized, blocks, dropped } = rollup;
  const { blockNumber, claim, isOnBranch } = at;
  if (finalized === null) return false;
  const own = blocks.get(blockNumber)?.blockHash;
  if (isOnBranch) {
    // The followed branch is the finalised chain up to the head: it links block by block.
    if (blockNumber < finalized.blockNumber) return own !== undefined && own !== claim.blockHash;
    const fork = dropped.get(claim.blockHash)?.ancestor;
    return fork !== undefined && fork < finalized.blockNumber;
  }
  // L1 has another block than the followed branch: what is above it on that branch is off too.
  const isBranchOff = blocks.has(finalized.blockNumber);
  return isBranchOff && blockNumber > finalized.blockNumber && own === claim.blockHash;
}

/**
 * Holds the certificates against each other along the followed branch, whose blocks link: one that
 * is off it conflicts with every one on it above the fork, because neither block is then the
 * other's ancestor. All of them above the fork are contradicted.
 */
export function checkBranches(rollup: RollupState, emit: Emit): void {
  const { certified, blocks, contradicted, dropped } = rollup;
  let highestOn: bigint | null = null;
  for (const [blockNumber, { certificate, digest }] of certified) {
    if (contradicted.has(digest)) continue;
    if (blocks.get(blockNumber)?.blockHash !== certificate.claim.blockHash) continue;
    if (highestOn === null || blockNumber > highestOn) highestOn = blockNumber;
  }
  if (highestOn === null) return;
  let from: bigint | null = null;
  for (const [blockNumber, { certificate, digest }] of certified) {
    const own = blocks.get(blockNumber)?.blockHash;
    const { blockHash } = certificate.claim;
    if (own === undefined || own === blockHash || contradicted.has(digest)) continue;
    // Of a branch that was never followed it is known only that it is off by that height.
    const aboveFork = (dropped.get(blockHash)?.ancestor ?? blockNumber - 1n) + 1n;
    if (highestOn >= aboveFork && (from === null || aboveFork < from)) from = aboveFork;
  }
  if (from === null) return;
  const lowest = from;
  const against = [...certified]
    .filter(([blockNumber]) => blockNumber >= lowest)
    .map(([blockNumber, { digest }]) => ({ blockNumber, digest }));
  addContradiction(rollup, { ...spanning(against), fromBlockNumber: lowest }, emit);
}

/** Drops what is closed, and claims that memory holds no certificate for any more. */
export function pruneContradictions(rollup: RollupState, lowestKept: bigint): void {
  for (const [digest, blockNumber] of rollup.contradicted) {
    if (blockNumber < lowestKept) rollup.contradicted.delete(digest);
  }
  if (rollup.contradictions.some((each) => !isOpen(rollup, each))) {
    rollup.contradictions = rollup.contradictions.filter((each) => isOpen(rollup, each));
  }
}

function isOpen(rollup: RollupState, contradiction: Contradiction): boolean {
  const { finalized } = rollup;
  return finalized === null || finalized.blockNumber <= contradiction.throughBlockNumber;
}

function spanning(claims: readonly ContradictedClaim[]): Contradiction {
  const heights = claims.map((each) => each.blockNumber);
  return {
    fromBlockNumber: heights.reduce((min, each) => (each < min ? each : min)),
    throughBlockNumber: heights.reduce((max, each) => (each > max ? each : max)),
    claims,
  };
}

function mergeAll(open: readonly Contradiction[]): Contradiction {
  const from = open.map((each) => each.fromBlockNumber);
  const through = open.map((each) => each.throughBlockNumber);
  return {
    fromBlockNumber: from.reduce((min, each) => (each < min ? each : min)),
    throughBlockNumber: through.reduce((max, each) => (each > max ? each : max)),
    claims: [],
  };
}

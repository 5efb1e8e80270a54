import { claimDigest, type Hex, isSameClaim, type VerifiedCertificate } from "@mach/core";

/** Two valid certificates that cannot both be true. Which one lies, nobody here can say. */
export interface Contradiction {
  readonly rollupId: bigint;
  /** The lower one; at one height the one with the smaller digest. */
  readonly first: VerifiedCertificate;
  readonly second: VerifiedCertificate;
}

/** What this client has verified of each rollup, and has to be consistent with. */
export interface CertificateMemory {
  /** Keeps a valid certificate, and gives the contradiction that the rollup is in, if any. */
  accept(certificate: VerifiedCertificate): Contradiction | null;
  /** Compares blocks that a certificate covers with what other certificates say of them. */
  checkCovered(
    certificate: VerifiedCertificate,
    blocks: readonly { readonly blockNumber: bigint; readonly blockHash: Hex }[],
  ): Contradiction | null;
  contradictionOf(rollupId: bigint): Contradiction | null;
  /** Whether a certificate was accepted before: it outlives its set's validity. */
  has(certificate: VerifiedCertificate): boolean;
  /** The highest kept certificate of a rollup that meets a demand. */
  newest(
    rollupId: bigint,
    isMet: (certificate: VerifiedCertificate) => boolean,
  ): VerifiedCertificate | null;
  /** Heights at or below this one are for ever contradicted; what is above counts again. */
  resume(rollupId: bigint, l1FinalizedBlockNumber: bigint): boolean;
  isBelowFloor(certificate: VerifiedCertificate): boolean;
}

interface CoveredBlock {
  readonly blockHash: Hex;
  readonly by: VerifiedCertificate;
}

interface RollupMemory {
  readonly byHeight: Map<bigint, VerifiedCertificate>;
  /** Ancestors of certified blocks, as far as their headers were checked. */
  readonly covered: Map<bigint, CoveredBlock>;
  contradiction: Contradiction | null;
  /** The highest height that a contradiction ever touched; -1 where none did. */
  floor: bigint;
}

/** Remembers so many certificates of each rollup, the newest ones. */
export function createCertificateMemory(options: {
  readonly maxCertificates: number;
}): CertificateMemory {
  const rollups = new Map<bigint, RollupMemory>();

  function memoryOf(rollupId: bigint): RollupMemory {
    const known = rollups.get(rollupId);
    if (known !== undefined) return known;
    const fresh: RollupMemory = {
      byHeight: new Map(),
      covered: new Map(),
      contradiction: null,
      floor: -1n,
    };
    rollups.set(rollupId, fresh);
    return fresh;
  }

  return {
    accept(certificate) {
      const { claim } = certificate;
      const memory = memoryOf(claim.rollupId);
      const known = memory.byHeight.get(claim.blockNumber);
      if (known !== undefined && !isSameClaim(known.claim, claim)) {
        return contradict(memory, [known, certificate]);
      }
      const covered = memory.covered.get(claim.blockNumber);
      if (covered !== undefined && covered.blockHash !== claim.blockHash) {
        return contradict(memory, [covered.by, certificate]);
      }
      if (known === undefined || certificate.signedWeight > known.signedWeight) {
        memory.byHeight.set(claim.blockNumber, certificate);
      }
      forgetLowest(memory.byHeight, options.maxCertificates);
      return memory.contradiction;
    },

    checkCovered(certificate, blocks) {
      const memory = memoryOf(certificate.claim.rollupId);
      for (const { blockNumber, blockHash } of blocks) {
        const known = memory.byHeight.get(blockNumber);
        if (known !== undefined && known.claim.blockHash !== blockHash) {
          return contradict(memory, [known, certificate]);
        }
        const covered = memory.covered.get(blockNumber);
        if (covered !== undefined && covered.blockHash !== blockHash) {
          return contradict(memory, [covered.by, certificate]);
        }
        memory.covered.set(blockNumber, { blockHash, by: certificate });
      }
      forgetLowest(memory.covered, options.maxCertificates);
      return memory.contradiction;
    },

    contradictionOf: (rollupId) => rollups.get(rollupId)?.contradiction ?? null,

    has(certificate) {
      const { rollupId, blockNumber } = certificate.claim;
      const known = rollups.get(rollupId)?.byHeight.get(blockNumber);
      return known !== undefined && isSameClaim(known.claim, certificate.claim);
    },

    newest(rollupId, isMet) {
      let newest: VerifiedCertificate | null = null;
      for (const each of rollups.get(rollupId)?.byHeight.values() ?? []) {
        const isHigher = newest === null || each.claim.blockNumber > newest.claim.blockNumber;
        if (isHigher && isMet(each)) newest = each;
      }
      return newest;
    },

    resume(rollupId, l1FinalizedBlockNumber) {
      const memory = memoryOf(rollupId);
      if (memory.contradiction === null) return true;
      if (l1FinalizedBlockNumber <= memory.floor) return false;
      memory.contradiction = null;
      memory.byHeight.clear();
      memory.covered.clear();
      return true;
    },

    isBelowFloor(certificate) {
      const { rollupId, blockNumber } = certificate.claim;
      return blockNumber <= (rollups.get(rollupId)?.floor ?? -1n);
    },
  };
}

function contradict(
  memory: RollupMemory,
  pair: readonly [VerifiedCertificate, VerifiedCertificate],
): Contradiction {
  const [first, second] = pair.toSorted(compareCertificates) as [
    VerifiedCertificate,
    VerifiedCertificate,
  ];
  const { rollupId, blockNumber } = second.claim;
  memory.contradiction ??= { rollupId, first, second };
  if (blockNumber > memory.floor) memory.floor = blockNumber;
  return memory.contradiction;
}

function compareCertificates(left: VerifiedCertificate, right: VerifiedCertificate): number {
  const [low, high] = [left.claim.blockNumber, right.claim.blockNumber];
  if (low !== high) return low < high ? -1 : 1;
  return claimDigest(left.domain, left.claim) < claimDigest(right.domain, right.claim) ? -1 : 1;
}

function forgetLowest(byHeight: Map<bigint, unknown>, most: number): void {
  if (byHeight.size <= most) return;
  const heights = [...byHeight.keys()].sort((left, right) => (left < right ? -1 : 1));
  for (const height of heights.slice(0, byHeight.size - most)) byHeight.delete(height);
}

import type { Bls } from "./bls.ts";
import {
  type Certificate,
  toCertificate,
  type VerifiedCertificate,
  verifyCertificate,
} from "./certificate.ts";
import { type Claim, isSameClaim } from "./claim.ts";
import type { Domain } from "./domain.ts";
import type { ChainLink } from "./header-link.ts";
import type { Hex } from "./hex.ts";
import { isConsistentOperatorSet, type OperatorSet } from "./operator-set.ts";

/** A block of a rollup that L1 has finalised; the timestamp in seconds. */
export interface FinalisedBlock {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly timestamp: bigint;
}

/** What let a claim leave the branch of the one before it (protocol section 3, rule 2), whole. */
export type Release =
  | { readonly kind: "certificate"; readonly certificate: Certificate }
  | { readonly kind: "l1-finalised-block"; readonly block: FinalisedBlock };

/** A release whose certificate was found valid. */
export type VerifiedRelease =
  | { readonly kind: "certificate"; readonly certificate: VerifiedCertificate }
  | Extract<Release, { kind: "l1-finalised-block" }>;

/**
 * A release with what its certificate is checked under: the set that L1 fixed for its epoch, and
 * the rollup's threshold in it. Whoever hands it over vouches for what only L1 can say.
 */
export type ReleaseEvidence =
  | {
      readonly kind: "certificate";
      readonly certificate: Certificate;
      readonly operatorSet: OperatorSet;
      readonly thresholdBps: number;
    }
  | Extract<Release, { kind: "l1-finalised-block" }>;

/** What is asked of the lock. */
export interface LockQuestion {
  /** The last claim signed on the rollup, as the record has it; null before the first. */
  readonly last: Claim | null;
  readonly claim: Claim;
  /** The claim's block and its ancestors, newest first; read as far down as it takes. */
  readonly ancestry: Iterable<ChainLink>;
  /** What may let the claim leave the last one's branch; null where there is nothing. */
  readonly release: VerifiedRelease | null;
}

/** Why a claim may be signed. */
export type LockGround =
  /** Nothing was signed on the rollup before. */
  | "first-claim"
  /** It is byte for byte the last claim. */
  | "same-claim"
  /** Its block descends from the last claim's. */
  | "descent"
  /** The release was needed, and it holds: it has to be kept with the claim. */
  | "release";

export type LockRefusal =
  /** A height at or below the last one signed, and not the very claim that was signed there. */
  | "height-not-above-last"
  /** An epoch below the last one signed on the rollup. */
  | "epoch-below-last"
  /** Neither shown to descend from the last claim, nor released from its branch. */
  | "fork-locked";

export type LockDecision =
  | { readonly ok: true; readonly ground: LockGround }
  | { readonly ok: false; readonly code: LockRefusal };

/**
 * Whether an honest operator may sign a claim after the last one (protocol section 3, rules 1 and
 * 2), from headers, a verified certificate or an L1-finalised block: nobody's word is taken.
 * Throws a RangeError for claims of two rollups.
 */
export function checkForkLock(question: LockQuestion): LockDecision {
  const { last, claim, ancestry, release } = question;
  if (last === null) return { ok: true, ground: "first-claim" };
  if (last.rollupId !== claim.rollupId) throw new RangeError("the lock is one rollup's");
  if (isSameClaim(last, claim)) return { ok: true, ground: "same-claim" };
  if (claim.blockNumber <= last.blockNumber) return { ok: false, code: "height-not-above-last" };
  if (claim.epoch < last.epoch) return { ok: false, code: "epoch-below-last" };
  if (isAncestor(last, claim, ancestry)) return { ok: true, ground: "descent" };
  const isReleased =
    release !== null && isBetween(release, last, claim) && isOnBranch(release, claim, ancestry);
  return isReleased ? { ok: true, ground: "release" } : { ok: false, code: "fork-locked" };
}

/**
 * Checks the certificate of a release under the set that came with it; null where it does not
 * hold, or is of another network.
 */
export function verifyRelease(
  bls: Pick<Bls, "verifyAggregate" | "publicKeyToPoint" | "aggregatePublicKeys">,
  evidence: ReleaseEvidence,
  domain: Domain,
): VerifiedRelease | null {
  if (evidence.kind === "l1-finalised-block") return evidence;
  const { kind, certificate, operatorSet, thresholdBps } = evidence;
  if (!isConsistentOperatorSet(bls, operatorSet)) return null;
  const result = verifyCertificate(bls, certificate, { operatorSet, thresholdBps, domain });
  return result.ok ? { kind, certificate: result.certificate } : null;
}

/** The release as it is recorded: without what was found in its verification. */
export function toRelease(release: VerifiedRelease): Release {
  if (release.kind === "l1-finalised-block") {
    const { blockNumber, blockHash, timestamp } = release.block;
    return { kind: release.kind, block: { blockNumber, blockHash, timestamp } };
  }
  const { certificate } = release;
  return { kind: release.kind, certificate: toCertificate(certificate) };
}

/** Whether a release is of the heights, and a certificate of the epochs, that the rule asks for. */
function isBetween(release: VerifiedRelease, last: Claim, claim: Claim): boolean {
  if (release.kind === "l1-finalised-block") {
    return release.block.blockNumber >= last.blockNumber;
  }
  const certified = release.certificate.claim;
  return (
    certified.rollupId === claim.rollupId &&
    certified.blockNumber >= last.blockNumber &&
    certified.blockNumber < claim.blockNumber &&
    certified.epoch >= last.epoch &&
    certified.epoch <= claim.epoch
  );
}

function isOnBranch(
  release: VerifiedRelease,
  claim: Claim,
  ancestry: Iterable<ChainLink>,
): boolean {
  const block = release.kind === "certificate" ? release.certificate.claim : release.block;
  return isAncestor(block, claim, ancestry);
}

/** Whether the ancestry leads from the claim's block down to this one, or it is the same block. */
function isAncestor(
  ancestor: { readonly blockNumber: bigint; readonly blockHash: Hex },
  claim: Claim,
  ancestry: Iterable<ChainLink>,
): boolean {
  let { blockNumber, blockHash } = claim;
  if (blockNumber > ancestor.blockNumber) {
    for (const link of ancestry) {
      if (link.blockHash !== blockHash) return false;
      blockHash = link.parentHash;
      blockNumber -= 1n;
      if (blockNumber === ancestor.blockNumber) break;
    }
  }
  return blockNumber === ancestor.blockNumber && blockHash === ancestor.blockHash;
}

import type { VerifiedAttestation } from "../attestation.ts";
import { sumWeight, type VerifiedCertificate } from "../certificate.ts";
import { epochAt } from "../epoch.ts";
import type { Hex } from "../hex.ts";
import { requiredWeight } from "../quorum.ts";
import { isAttestedHeight } from "../rollup.ts";
import { isSplit } from "./bound-operators.ts";
import {
  type AcceptCertificate,
  acceptAny,
  newestServed,
  openContradiction,
} from "./contradiction.ts";
import {
  type CertifiedHeight,
  type EngineState,
  type Head,
  parametersOf,
  type RollupState,
  type VerifiedBlock,
} from "./state.ts";

/** The ladder of a rollup block's status, lowest first; `contradicted` stands beside it. */
export type BlockStatus =
  | "unknown"
  | "observed"
  | "attested"
  | "fast-final"
  | "safe"
  | "finalized"
  | "contradicted";

/** Why the newest observed height is not fast-final. */
export type FinalityReason = {
  readonly code: /** Certificates contradict each other or L1: served again once L1 has passed them. */
    | "contradicted"
    /** No block of the rollup has been verified here yet. */
    | "no-block"
    /** The epoch's operator set is not known here: never fixed, or L1 is out of reach. */
    | "unknown-operator-set"
    /** The rollup is not registered in this epoch. */
    | "unknown-rollup"
    /** A reorg has bound too much weight to a branch that was left: L1 finality decides. */
    | "split"
    /** Less weight has signed than the threshold asks for. */
    | "below-threshold";
  /** The height that the weights are of; null where there is none. */
  readonly blockNumber: bigint | null;
  readonly presentWeight: bigint;
  readonly requiredWeight: bigint;
};

/** The heads of a rollup as this node knows them, and the rule behind the fast-final one. */
export interface FinalityView {
  readonly rollupId: bigint;
  readonly observed: Head | null;
  readonly observedAtMs: number | null;
  readonly fastFinal: Head | null;
  readonly safe: Head | null;
  readonly finalized: Head | null;
  readonly certified: CertifiedHeight | null;
  readonly reason: FinalityReason | null;
  /** Weights at the newest attested height that had its time. */
  readonly participation: { readonly signed: bigint; readonly total: bigint };
}

/** One block's status, with the certificate that covers it and the headers that lead there. */
export interface BlockView {
  readonly status: BlockStatus;
  readonly block: VerifiedBlock | null;
  readonly presentWeight: bigint;
  readonly certificate: VerifiedCertificate | null;
  /** RLP headers from the certified block down to the block's child, newest first. */
  readonly headers: readonly Hex[];
}

/**
 * The heads of a rollup at `now`; null for a rollup that this node does not follow. The fast-final
 * one is the newest whose own certificate is accepted.
 */
export function finalityOf(
  state: EngineState,
  rollupId: bigint,
  now: number,
  accepts?: AcceptCertificate,
): FinalityView | null {
  const rollup = state.rollups.get(rollupId);
  if (rollup === undefined) return null;
  const certified = accepts === undefined ? rollup.newest : newestServed(rollup, accepts);
  const participation = participationOf(state, rollup, now);
  return {
    rollupId,
    observed: rollup.tip === null ? null : headOf(rollup.tip),
    observedAtMs: rollup.tipObservedAtMs,
    fastFinal: certified === null ? null : headOf(certified.certificate.claim),
    safe: rollup.safe,
    finalized: rollup.finalized,
    certified,
    reason: reasonOf(state, rollup, participation),
    participation: { signed: participation.signed, total: participation.total },
  };
}

/**
 * The status of one block, by number on the followed branch, or by hash. Of the certificates that
 * cover it only those that are accepted count.
 */
export function blockOf(
  state: EngineState,
  rollupId: bigint,
  key: { readonly blockNumber: bigint } | { readonly blockHash: Hex },
  accepts: AcceptCertificate = acceptAny,
): BlockView | null {
  const rollup = state.rollups.get(rollupId);
  if (rollup === undefined) return null;
  const blockNumber =
    "blockNumber" in key ? key.blockNumber : rollup.numberByHash.get(key.blockHash);
  const block = blockNumber === undefined ? undefined : rollup.blocks.get(blockNumber);
  if (block === undefined) return offBranch(rollup, key, accepts);
  const presentWeight = presentWeightAt(rollup, block);
  const base = { block, presentWeight, certificate: null, headers: [] };
  const cover = coverOf(rollup, block, accepts);
  const covered = cover === null ? base : { ...base, ...cover };
  if (isUnder(rollup, block, rollup.finalized)) return { ...covered, status: "finalized" };
  const own = certifiedFor(rollup, block);
  if (own !== null && rollup.contradicted.has(own.digest)) {
    return { ...base, status: "contradicted", certificate: own.certificate };
  }
  if (isUnder(rollup, block, rollup.safe)) return { ...covered, status: "safe" };
  if (cover !== null) return { ...covered, status: "fast-final" };
  return { ...base, status: presentWeight > 0n ? "attested" : "observed" };
}

/** Attributed attestations of heights that have no certificate yet, from a height upwards. */
export function openAttestations(
  state: EngineState,
  request: { readonly rollupId: bigint; readonly from: bigint; readonly limit: number },
): readonly VerifiedAttestation[] {
  const rollup = state.rollups.get(request.rollupId);
  if (rollup === undefined) return [];
  const found: VerifiedAttestation[] = [];
  const numbers = [...rollup.heights.keys()].filter((each) => each >= request.from);
  for (const blockNumber of numbers.sort((a, b) => (a < b ? -1 : 1))) {
    if (rollup.certified.has(blockNumber)) continue;
    const height = rollup.heights.get(blockNumber);
    const pools = [...(height?.pools.values() ?? [])];
    // The claim that this node would make comes first: a page must not end before it.
    pools.sort(
      (a, b) => Number(b.digest === height?.ownDigest) - Number(a.digest === height?.ownDigest),
    );
    for (const pool of pools) found.push(...pool.verified.values());
    if (found.length >= request.limit) break;
  }
  return found.slice(0, request.limit);
}

function headOf(from: {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly timestamp: bigint;
}): Head {
  const { blockNumber, blockHash, timestamp } = from;
  return { blockNumber, blockHash, timestamp };
}

/** A block that is not on the followed branch: known only where a certificate names it. */
function offBranch(
  rollup: RollupState,
  key: { readonly blockNumber: bigint } | { readonly blockHash: Hex },
  accepts: AcceptCertificate,
): BlockView {
  const unknown: BlockView = {
    status: "unknown",
    block: null,
    presentWeight: 0n,
    certificate: null,
    headers: [],
  };
  const served = newestServed(rollup)?.certificate.claim.blockNumber ?? -1n;
  for (const [blockNumber, { certificate, digest }] of rollup.certified) {
    const isAsked =
      "blockHash" in key
        ? certificate.claim.blockHash === key.blockHash
        : blockNumber === key.blockNumber;
    if (!isAsked) continue;
    if (rollup.contradicted.has(digest)) {
      return { ...unknown, status: "contradicted", certificate };
    }
    const isServed = blockNumber <= served && accepts(certificate);
    if (isServed) return { ...unknown, status: "fast-final", certificate };
  }
  return unknown;
}

/**
 * The lowest served certificate that is accepted, at or above a block of the followed branch, and
 * the way to it.
 */
function coverOf(
  rollup: RollupState,
  block: VerifiedBlock,
  accepts: AcceptCertificate,
): { readonly certificate: VerifiedCertificate; readonly headers: readonly Hex[] } | null {
  const newest = rollup.newest?.certificate.claim.blockNumber;
  if (newest === undefined) return null;
  const headers: Hex[] = [];
  for (let at = block.blockNumber; at <= newest; at += 1n) {
    const onBranch = rollup.blocks.get(at);
    if (onBranch === undefined) return null;
    if (at > block.blockNumber) headers.push(onBranch.headerRlp);
    const held = rollup.certified.get(at);
    if (held === undefined) continue;
    const { certificate, digest } = held;
    if (certificate.claim.blockHash !== onBranch.blockHash) return null;
    if (rollup.contradicted.has(digest) || !accepts(certificate)) continue;
    return { certificate, headers: headers.reverse() };
  }
  return null;
}

function isUnder(rollup: RollupState, block: VerifiedBlock, head: Head | null): boolean {
  if (head === null || block.blockNumber > head.blockNumber) return false;
  return rollup.blocks.get(head.blockNumber)?.blockHash === head.blockHash;
}

/** The weight behind a block itself, attributed or certified. */
function presentWeightAt(rollup: RollupState, block: VerifiedBlock): bigint {
  const certified = certifiedFor(rollup, block);
  if (certified !== null) return certified.certificate.signedWeight;
  const height = rollup.heights.get(block.blockNumber);
  if (height === undefined || height.ownDigest === null) return 0n;
  return sumWeight([...(height.pools.get(height.ownDigest)?.verified.values() ?? [])]);
}

function certifiedFor(rollup: RollupState, block: VerifiedBlock): CertifiedHeight | null {
  const held = rollup.certified.get(block.blockNumber);
  return held?.certificate.claim.blockHash === block.blockHash ? held : null;
}

interface Participation {
  readonly signed: bigint;
  readonly total: bigint;
  readonly required: bigint;
  /** The height that was looked at, and whether its epoch's set and rollup are known. */
  readonly blockNumber: bigint | null;
  readonly code: "unknown-operator-set" | "unknown-rollup" | null;
  readonly isSplit: boolean;
}

/** The weights at the newest attested height that is older than the grace time. */
function participationOf(state: EngineState, rollup: RollupState, now: number): Participation {
  const none = {
    signed: 0n,
    total: 0n,
    required: 0n,
    blockNumber: null,
    code: null,
    isSplit: false,
  };
  for (const block of [...rollup.blocks.values()].reverse()) {
    const observedAtMs = rollup.heights.get(block.blockNumber)?.observedAtMs ?? 0;
    const isCertified = rollup.certified.has(block.blockNumber);
    if (!isCertified && observedAtMs + state.options.graceMs > now) continue;
    const epoch = epochAt(state.options.schedule, block.timestamp);
    const { blockNumber } = block;
    if (epoch === null) return { ...none, blockNumber, code: "unknown-operator-set" };
    const set = state.epochs.get(epoch)?.operatorSet;
    if (set === undefined) return { ...none, blockNumber, code: "unknown-operator-set" };
    const parameters = parametersOf(state, { rollupId: rollup.rollupId, epoch });
    if (parameters === undefined) return { ...none, blockNumber, code: "unknown-rollup" };
    if (block.isWithinBatch || !isAttestedHeight(parameters, blockNumber)) continue;
    const required = requiredWeight(set.totalWeight, parameters.thresholdBps);
    return {
      signed: presentWeightAt(rollup, block),
      total: set.totalWeight,
      required,
      blockNumber,
      code: null,
      isSplit: isSplit(state, rollup.rollupId, { epoch, requiredWeight: required }),
    };
  }
  return none;
}

function reasonOf(
  state: EngineState,
  rollup: RollupState,
  participation: Participation,
): FinalityReason | null {
  const weights = {
    blockNumber: participation.blockNumber,
    presentWeight: participation.signed,
    requiredWeight: participation.required,
  };
  if (openContradiction(rollup) !== null) return { code: "contradicted", ...weights };
  if (rollup.tip === null) return { code: "no-block", ...weights };
  if (participation.code !== null) return { code: participation.code, ...weights };
  const newest = rollup.newest?.certificate.claim.blockNumber ?? -1n;
  const { blockNumber } = participation;
  // Nothing has had its time yet: no certificate at all is still worth its reason.
  if (blockNumber === null) {
    const isPending = rollup.newest !== null;
    return isPending ? null : { code: setCode(state), ...weights };
  }
  if (newest >= blockNumber) return null;
  return { code: participation.isSplit ? "split" : "below-threshold", ...weights };
}

function setCode(state: EngineState): "unknown-operator-set" | "below-threshold" {
  return state.epochs.size === 0 ? "unknown-operator-set" : "below-threshold";
}

import { toCertificate } from "../certificate.ts";
import { type Claim, isSameClaim } from "../claim.ts";
import { epochAt } from "../epoch.ts";
import { checkForkLock, type ReleaseEvidence, type VerifiedRelease } from "../fork-lock.ts";
import type { Hex } from "../hex.ts";
import type { AbstainReason, Emit } from "./effects.ts";
import { claimOf, type OwnClaim } from "./own-claim.ts";
import { type EngineState, MAX_EPOCHS, type RollupState, type VerifiedBlock } from "./state.ts";

/**
 * Asks the signer for the next claim in the order of the heights, up to the newest block. One at a
 * time: what the last one was decides whether the next one may be signed.
 */
export function proposeClaims(state: EngineState, rollup: RollupState, emit: Emit): void {
  const { operator, openHeights } = state.options;
  const { tip } = rollup;
  if (operator === null || tip === null || rollup.signing !== null) return;
  const branch = surveyBranch(rollup, tip);
  let isLocked = false;
  for (let at = firstOpen(rollup, tip, openHeights); at <= tip.blockNumber; at += 1n) {
    const block = rollup.blocks.get(at);
    if (block === undefined) continue;
    const own = proposalOf(state, rollup, { block, operator });
    // The set may be fixed in a moment: what follows waits with it, in order.
    if (!own.ok && own.reason === "unknown-operator-set" && mayBeFixed(state, block)) break;
    const evidence = own.ok ? evidenceFor(rollup, branch, own.claim) : null;
    if (own.ok && evidence !== null) {
      propose(rollup, own.claim, evidence, emit);
      return;
    }
    const reason = own.ok ? lockReason(rollup, own.claim) : own.reason;
    isLocked ||= reason === "fork-locked";
    // What is locked is looked at again, and what lies above it has to come after it.
    if (!isLocked) rollup.passed = at;
    abstain(rollup, { at, reason }, emit);
  }
  if (isLocked) lock(rollup, tip, emit);
}

/** Takes the signer's answer, and asks for the next claim. */
export function onSignerAnswered(state: EngineState, claim: Claim, emit: Emit): void {
  const rollup = state.rollups.get(claim.rollupId);
  if (rollup === undefined || rollup.signing === null) return;
  if (!isSameClaim(rollup.signing, claim)) return;
  rollup.signing = null;
  proposeClaims(state, rollup, emit);
}

/**
 * Takes the signer's refusal. Where its record is ahead of what was known here, because another
 * node of the operator has signed too, what is to be signed is looked at anew from there.
 */
export function onSignRefused(
  state: EngineState,
  refused: { readonly claim: Claim; readonly code: string; readonly last: Claim | null },
  emit: Emit,
): void {
  const { claim, code, last } = refused;
  const rollup = state.rollups.get(claim.rollupId);
  if (rollup === undefined) return;
  const known = rollup.lastSigned?.blockNumber ?? -1n;
  if (last !== null && last.blockNumber > known) {
    rollup.lastSigned = last;
    if (rollup.passed !== null && rollup.passed > last.blockNumber) {
      rollup.passed = last.blockNumber;
    }
  }
  // It waits for a block that L1 has finalised, which has to be linked to what is signed then.
  if (code === "waiting-for-finality") rollup.lock = code;
  onSignerAnswered(state, claim, emit);
}

/** A release with the set that the engine knows from L1 for its certificate's epoch, if it does. */
export function releaseEvidence(
  state: EngineState,
  release: VerifiedRelease,
): ReleaseEvidence | null {
  if (release.kind === "l1-finalised-block") return release;
  const { kind, certificate } = release;
  const operatorSet = state.epochs.get(certificate.claim.epoch)?.operatorSet;
  if (operatorSet === undefined) return null;
  const { thresholdBps } = certificate;
  return { kind, certificate: toCertificate(certificate), operatorSet, thresholdBps };
}

/** Where the followed branch stands to the last claim signed. */
interface Branch {
  /** Whether it holds the last claim's block. */
  readonly isLast: boolean;
  /** What it holds that may release from another branch, highest first. */
  readonly releases: readonly VerifiedRelease[];
}

interface Evidence {
  readonly ancestry: readonly Hex[];
  readonly release: VerifiedRelease | null;
}

/** Follows the links of the kept blocks down to the last claim's height. */
function surveyBranch(rollup: RollupState, tip: VerifiedBlock): Branch {
  const { blocks, certified, finalized, lastSigned: last } = rollup;
  const lowest = last?.blockNumber ?? finalized?.blockNumber ?? tip.blockNumber;
  const releases: VerifiedRelease[] = [];
  let { blockNumber, blockHash } = tip;
  while (blockNumber >= lowest) {
    const isLast = last !== null && last.blockNumber === blockNumber;
    if (isLast && last.blockHash === blockHash) return { isLast, releases };
    if (finalized?.blockNumber === blockNumber && finalized.blockHash === blockHash) {
      releases.push({ kind: "l1-finalised-block", block: finalized });
    }
    const certificate = certified.get(blockNumber)?.certificate;
    const isOfBranch = certificate?.claim.blockHash === blockHash;
    if (isOfBranch && last !== null && certificate.claim.epoch >= last.epoch) {
      releases.push({ kind: "certificate", certificate });
    }
    const block = blocks.get(blockNumber);
    if (block?.blockHash !== blockHash) break;
    blockNumber -= 1n;
    blockHash = block.parentHash;
  }
  return { isLast: false, releases };
}

/** What shows the signer that it may sign a claim; null where nothing does yet. */
function evidenceFor(rollup: RollupState, branch: Branch, claim: Claim): Evidence | null {
  const { lastSigned: last } = rollup;
  const release = branch.isLast ? null : releaseFor(branch, claim);
  const lowest = release === null ? last?.blockNumber : heightOf(release);
  const ancestry: VerifiedBlock[] = [];
  for (let at = claim.blockNumber; lowest !== undefined && at > lowest; at -= 1n) {
    const block = rollup.blocks.get(at);
    if (block === undefined) break;
    ancestry.push(block);
  }
  const decision = checkForkLock({ last, claim, ancestry, release });
  if (!decision.ok) return null;
  return { ancestry: ancestry.map(({ headerRlp }) => headerRlp), release };
}

/** The highest release that a claim can have: the one with the shortest way to it. */
function releaseFor({ releases }: Branch, claim: Claim): VerifiedRelease | null {
  const isUsable = (release: VerifiedRelease): boolean => {
    if (release.kind === "l1-finalised-block") {
      return release.block.blockNumber <= claim.blockNumber;
    }
    const certified = release.certificate.claim;
    return certified.blockNumber < claim.blockNumber && certified.epoch <= claim.epoch;
  };
  return releases.find(isUsable) ?? null;
}

function heightOf(release: VerifiedRelease): bigint {
  return release.kind === "certificate"
    ? release.certificate.claim.blockNumber
    : release.block.blockNumber;
}

/** Why a claim that is this node's own is not signed; null for one at a height that is behind. */
function lockReason({ lastSigned: last }: RollupState, claim: Claim): AbstainReason | null {
  if (last === null || claim.blockNumber <= last.blockNumber) return null;
  return claim.epoch < last.epoch ? "epoch-below-last" : "fork-locked";
}

function propose(rollup: RollupState, claim: Claim, evidence: Evidence, emit: Emit): void {
  const { lastSigned: last, lock: before } = rollup;
  rollup.passed = claim.blockNumber;
  rollup.signing = claim;
  // The signer alone knows what a record that was lost still waits for.
  if (last !== null && claim.blockNumber > last.blockNumber) rollup.lock = null;
  if (before === "fork-locked" && rollup.lock === null) {
    const { release } = evidence;
    emit({ type: "report", report: { code: "fork-released", claim, release } });
  }
  emit({ type: "sign", claim, ...evidence });
}

function lock(rollup: RollupState, tip: VerifiedBlock, emit: Emit): void {
  const { lastSigned: last, lock: before } = rollup;
  if (before === "fork-locked" || last === null) return;
  rollup.lock = "fork-locked";
  const { blockNumber } = tip;
  emit({ type: "report", report: { code: "fork-locked", blockNumber, last } });
}

function abstain(
  rollup: RollupState,
  block: { readonly at: bigint; readonly reason: AbstainReason | "not-attested" | null },
  emit: Emit,
): void {
  const { at: blockNumber, reason } = block;
  if (reason === null || reason === "not-attested") return;
  if (rollup.reported !== null && blockNumber <= rollup.reported) return;
  rollup.reported = blockNumber;
  const { rollupId } = rollup;
  emit({ type: "report", report: { code: "abstained", rollupId, blockNumber, reason } });
}

/** The lowest height that is open, and neither dealt with nor below the last claim. */
function firstOpen(rollup: RollupState, tip: VerifiedBlock, openHeights: number): bigint {
  const { passed, lastSigned: last } = rollup;
  const lowestOpen = tip.blockNumber - BigInt(openHeights) + 1n;
  const from = passed === null ? lowestOpen : passed + 1n;
  const lowest = from > lowestOpen ? from : lowestOpen;
  return last !== null && last.blockNumber > lowest ? last.blockNumber : lowest;
}

/** The claim to sign about a block: the node's own, unless there is a reason to abstain. */
function proposalOf(
  state: EngineState,
  rollup: RollupState,
  signing: { readonly block: VerifiedBlock; readonly operator: Hex },
): OwnClaim {
  const { block, operator } = signing;
  const own = claimOf(state, rollup, block);
  if (!own.ok) return own;
  const certified = rollup.certified.get(block.blockNumber);
  if (certified !== undefined && certified.certificate.claim.blockHash !== block.blockHash) {
    return { ok: false, reason: "certificate-disagrees" };
  }
  const isMember = state.epochs.get(own.claim.epoch)?.byOperator.has(operator) ?? false;
  return isMember ? own : { ok: false, reason: "not-in-set" };
}

/**
 * Whether an epoch's set may still come: until L1 is known to have fixed none for it, or it lies
 * further back than sets are kept.
 */
function mayBeFixed(state: EngineState, block: VerifiedBlock): boolean {
  const epoch = epochAt(state.options.schedule, block.timestamp);
  if (epoch === null || state.absentEpochs.has(epoch)) return false;
  return [...state.epochs.keys()].every((known) => known < epoch + BigInt(MAX_EPOCHS));
}

import { type AdmittedAttestation, asAdmitted, type WireAttestation } from "../attestation.ts";
import { bitfieldIndices } from "../bitfield.ts";
import { type Claim, claimDigest, isSameClaim } from "../claim.ts";
import { epochAt } from "../epoch.ts";
import type { Hex } from "../hex.ts";
import { isAttestedHeight } from "../rollup.ts";
import type { EngineState, EpochState, RollupState } from "./state.ts";

export type AdmissionFailure =
  /** Not a rollup that this node follows. No blame. */
  | "unknown-rollup"
  /** The claim's epoch is not its timestamp's. The sender is to blame. */
  | "epoch-mismatch"
  /** The epoch's set is not known here, or not yet. No blame. */
  | "unknown-operator-set"
  /** The operator has no weight in that epoch. The sender is to blame: sets are L1's. */
  | "not-an-operator"
  /** Not a height or level that the rollup attests. The sender is to blame. */
  | "not-attested"
  /** Below the open heights. No blame. */
  | "stale"
  /** Further above the newest block than heights are open. No blame. */
  | "too-far-ahead"
  /** The same attestation was counted, or the operator already stands convicted. No blame. */
  | "duplicate"
  /** The operator's share of the queue for blocks not yet verified here is full. No blame. */
  | "early-queue-full";

export type AdmissionResult =
  | { readonly ok: true; readonly attestation: AdmittedAttestation }
  | { readonly ok: false; readonly code: AdmissionFailure };

/** Whether a failure is one that an honest, up-to-date sender could not have caused. */
export function isToBlame(code: AdmissionFailure): boolean {
  return code === "epoch-mismatch" || code === "not-an-operator" || code === "not-attested";
}

const fail = (code: AdmissionFailure): AdmissionResult => ({ ok: false, code });

/** Every check of an attestation that costs no cryptography, the cheapest first. */
export function admitAttestation(
  state: EngineState,
  attestation: WireAttestation,
): AdmissionResult {
  const { claim, operator } = attestation;
  const rollup = state.rollups.get(claim.rollupId);
  if (rollup === undefined) return fail("unknown-rollup");
  const window = checkWindow(state, rollup, claim);
  if (window !== null) return fail(window);
  const illegal = checkClaim(state, claim);
  if (illegal !== null) return fail(illegal);
  const epoch = state.epochs.get(claim.epoch);
  if (epoch === undefined) return fail("unknown-operator-set");
  const index = epoch.byOperator.get(operator);
  const member = index === undefined ? undefined : epoch.operatorSet.operators[index];
  if (index === undefined || member === undefined) return fail("not-an-operator");
  // Before the digest: of what is said in its name from now on there is no end.
  if (rollup.heights.get(claim.blockNumber)?.convicted.has(operator)) return fail("duplicate");
  const digest = digestOf(state, rollup, claim);
  const repeated = checkRepeated(rollup, epoch, { claim, digest, index });
  if (repeated !== null) return fail(repeated);
  if (isEarlyFull(state, rollup, { claim, operator })) return fail("early-queue-full");
  const { publicKey, weight } = member;
  return { ok: true, attestation: asAdmitted(attestation, { digest, index, publicKey, weight }) };
}

export type ClaimFailure = Extract<
  AdmissionFailure,
  "epoch-mismatch" | "unknown-operator-set" | "not-attested"
>;

/**
 * Whether a claim is one that the rollup's operators make at all: of the epoch of its timestamp,
 * at a height and a level that the rollup attests in that epoch. Null where it is.
 */
export function checkClaim(state: EngineState, claim: Claim): ClaimFailure | null {
  if (epochAt(state.options.schedule, claim.timestamp) !== claim.epoch) return "epoch-mismatch";
  const epoch = state.epochs.get(claim.epoch);
  if (epoch === undefined) return "unknown-operator-set";
  const parameters = epoch.rollups.get(claim.rollupId);
  const isAttested =
    parameters !== undefined &&
    isAttestedHeight(parameters, claim.blockNumber) &&
    claim.verification === parameters.verification;
  return isAttested ? null : "not-attested";
}

/** The heights around the newest block that attestations are taken for; null where it is one. */
function checkWindow(
  state: EngineState,
  rollup: RollupState,
  claim: Claim,
): AdmissionFailure | null {
  const { openHeights } = state.options;
  const tip = rollup.tip?.blockNumber ?? rollup.newest?.certificate.claim.blockNumber;
  if (tip === undefined) return "too-far-ahead";
  const open = BigInt(openHeights);
  if (claim.blockNumber + open <= tip) return "stale";
  return claim.blockNumber > tip + open ? "too-far-ahead" : null;
}

/** Each operator has its share of the early queue, so that none can fill it for the others. */
function isEarlyFull(
  state: EngineState,
  rollup: RollupState,
  vote: { readonly claim: Claim; readonly operator: Hex },
): boolean {
  if (vote.claim.blockNumber <= (rollup.tip?.blockNumber ?? -1n)) return false;
  const count = state.epochs.get(vote.claim.epoch)?.operatorSet.operators.length ?? 1;
  const share = Math.max(1, Math.floor(state.options.earlyAttestations / count));
  return (rollup.early.get(vote.operator) ?? 0) >= share;
}

function checkRepeated(
  rollup: RollupState,
  epoch: EpochState,
  vote: { claim: Claim; digest: Hex; index: number },
): AdmissionFailure | null {
  const height = rollup.heights.get(vote.claim.blockNumber);
  const pool = height?.pools.get(vote.digest);
  if (pool?.verified.has(vote.index)) return "duplicate";
  const certified = rollup.certified.get(vote.claim.blockNumber);
  if (certified === undefined || certified.digest !== vote.digest) return null;
  if (certified.certificate.operatorSetHash !== epoch.operatorSet.operatorSetHash) return null;
  return bitfieldIndices(certified.certificate.signers).includes(vote.index) ? "duplicate" : null;
}

/** The claim's digest; attestations of one claim share its computation. */
function digestOf(state: EngineState, rollup: RollupState, claim: Claim): Hex {
  for (const pool of rollup.heights.get(claim.blockNumber)?.pools.values() ?? []) {
    if (isSameClaim(pool.claim, claim)) return pool.digest;
  }
  return claimDigest(state.options.domain, claim);
}

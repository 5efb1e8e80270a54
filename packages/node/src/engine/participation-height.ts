import type { Lapse, LapseKind, LapseReason } from "@mach/api";
import {
  bitfieldIndices,
  type CertifiedHeight,
  type Claim,
  type EngineState,
  epochAt,
  type Hex,
  isAttestedHeight,
  isSameClaim,
  type Operator,
  type OperatorSet,
  type RollupParameters,
  requiredWeight,
  type VerifiedBlock,
} from "@mach/core";

interface HeardAttestation {
  readonly claim: Claim;
  readonly atMs: number;
}

/** What reached this node of one height while attestations were taken for it. */
export interface HeardHeight {
  /** Milliseconds; when the height was first heard of. */
  readonly openedAtMs: number;
  /** By operator: the first claim that was attributed to it. */
  readonly heard: Map<Hex, HeardAttestation>;
  /** Operators with evidence at this height. */
  readonly convicted: Set<Hex>;
  /** The code for which this node's own operator did not sign. */
  ownReason: string | null;
}

/** What became of one operator's attestation at a height. */
export type Outcome =
  | { readonly kind: "made" | "unseen" }
  | Pick<Lapse, "kind" | "reason" | "lateMs">;

/** A height that is counted: all attestations that will count for it are here. */
export interface CountedHeight {
  readonly epoch: bigint;
  readonly outcomes: readonly { readonly operator: Hex; readonly outcome: Outcome }[];
}

export interface HeightContext {
  readonly rollupId: bigint;
  /** Null where nothing was heard of the height. */
  readonly height: HeardHeight | null;
  /** Blocks from before it were never watched; milliseconds. */
  readonly startedAtMs: number;
  /** By operator: when anything of it last reached this node, on any rollup. */
  readonly lastHeardMs: ReadonlyMap<Hex, number>;
}

/**
 * What every operator of the set did at a height; null where the height is not counted: the
 * block is older than this process or not attested, the set is not known, or a contradiction
 * leaves open what was right.
 */
export function countHeight(
  state: EngineState,
  blockNumber: bigint,
  context: HeightContext,
): CountedHeight | null {
  const rollup = state.rollups.get(context.rollupId);
  const block = rollup?.blocks.get(blockNumber);
  if (rollup === undefined || block === undefined || block.isWithinBatch) return null;
  if (Number(block.timestamp) * 1_000 < context.startedAtMs) return null;
  const epoch = epochAt(state.options.schedule, block.timestamp);
  const fixed = epoch === null ? undefined : state.epochs.get(epoch);
  const parameters = fixed?.rollups.get(context.rollupId);
  if (epoch === null || fixed === undefined || parameters === undefined) return null;
  if (!isAttestedHeight(parameters, blockNumber)) return null;
  const held = rollup.certified.get(blockNumber) ?? null;
  if (held !== null && rollup.contradicted.has(held.digest)) return null;
  const { operatorSet } = fixed;
  const judge = createJudge(state, { ...context, block, held, operatorSet, parameters });
  const outcomes = operatorSet.operators.map((operator) => ({
    operator: operator.operator,
    outcome: judge(operator),
  }));
  return { epoch, outcomes };
}

interface Judged extends HeightContext {
  readonly block: VerifiedBlock;
  readonly held: CertifiedHeight | null;
  readonly operatorSet: OperatorSet;
  readonly parameters: RollupParameters;
}

function createJudge(state: EngineState, judged: Judged): (operator: Operator) => Outcome {
  const { held, height, block } = judged;
  const signers = new Set(held === null ? [] : bitfieldIndices(held.certificate.signers));
  const closedAtMs = held === null ? null : held.certifiedAtMs + state.options.improvementWindowMs;
  const isRight = (claim: Claim): boolean =>
    held === null ? isClaimOf(claim, block) : isSameClaim(claim, held.certificate.claim);
  const isWatched = held !== null && hasHeardQuorum(judged, isRight);

  const judgeHeard = ({ claim, atMs }: HeardAttestation): Outcome => {
    if (!isRight(claim)) return lapse("disagreeing", differenceOf(state, judged, claim));
    const lateMs = closedAtMs === null ? 0 : atMs - closedAtMs;
    return lateMs > 0 ? lapse("late", "after-window", lateMs) : { kind: "made" };
  };
  return ({ operator, index }) => {
    if (height?.convicted.has(operator)) return lapse("disagreeing", "double-attestation");
    if (signers.has(index)) return { kind: "made" };
    const heard = height?.heard.get(operator);
    if (heard !== undefined) return judgeHeard(heard);
    const ownReason = operator === state.options.operator ? height?.ownReason : null;
    if (typeof ownReason === "string") return lapse("missed", ownReason);
    // Too little of this height came here, or nobody can say that it came to anybody.
    if (!isWatched || height === null) return { kind: "unseen" };
    return lapse("missed", silenceOf(state, judged, { operator, openedAtMs: height.openedAtMs }));
  };
}

/**
 * Whether this node itself attributed attestations of a quorum to the certified claim: then its
 * gossip worked at that height, and what did not come was not sent.
 */
function hasHeardQuorum(
  { height, operatorSet, parameters }: Judged,
  isRight: (claim: Claim) => boolean,
): boolean {
  let weight = 0n;
  for (const operator of operatorSet.operators) {
    const heard = height?.heard.get(operator.operator);
    if (heard !== undefined && isRight(heard.claim)) weight += operator.weight;
  }
  return weight >= requiredWeight(operatorSet.totalWeight, parameters.thresholdBps);
}

function silenceOf(
  state: EngineState,
  { rollupId, lastHeardMs }: Judged,
  silent: { readonly operator: Hex; readonly openedAtMs: number },
): LapseReason {
  const { operator, openedAtMs } = silent;
  if (state.rollups.get(rollupId)?.bound.get(operator)?.isOff) return "fork-locked";
  return (lastHeardMs.get(operator) ?? -1) >= openedAtMs ? "skipped" : "silent";
}

function differenceOf(state: EngineState, judged: Judged, claim: Claim): LapseReason {
  const { rollupId, block, held } = judged;
  const right = held?.certificate.claim.blockHash ?? block.blockHash;
  if (claim.blockHash === right) return "other-root";
  return state.rollups.get(rollupId)?.dropped.has(claim.blockHash) ? "left-branch" : "other-block";
}

/** Whether a claim is the one that this node makes about a block, as far as the block tells. */
function isClaimOf(claim: Claim, block: VerifiedBlock): boolean {
  return (
    claim.blockHash === block.blockHash &&
    claim.stateRoot === block.stateRoot &&
    claim.timestamp === block.timestamp &&
    (block.outputRoot === null || claim.outputRoot === block.outputRoot)
  );
}

function lapse(kind: LapseKind, reason: string, lateMs: number | null = null): Outcome {
  return { kind, reason, lateMs };
}

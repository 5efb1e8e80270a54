import {
  type Bls,
  type CertifiedHeight,
  claimDigest,
  createEngineState,
  type Domain,
  type EngineState,
  type Hex,
  type VerifiedAttestation,
  type VerifiedSetUpdate,
} from "@mach/core";
import { verifyStored } from "../engine/certificate-check.ts";
import type { EpochRecord } from "../store/store.ts";
import type {
  PublishedHeight,
  PublishedRollup,
  PublishedView,
  RollupState,
} from "./view-documents.ts";

/** What the state is built from, all as of one moment. */
export interface ReplicaSources {
  readonly domain: Domain;
  readonly view: PublishedView;
  /** Of the view's epochs, each found to be what its hash says. */
  readonly epochs: ReadonlyMap<bigint, EpochRecord>;
  /** By rollup and height. */
  readonly heights: ReadonlyMap<bigint, ReadonlyMap<bigint, ReplicaHeight>>;
}

/** A published height with its certificate checked; null where it has none, or a wrong one. */
export interface ReplicaHeight {
  readonly published: PublishedHeight;
  readonly certified: CertifiedHeight | null;
}

/** A published certificate, checked under the set of its epoch; null where it does not hold. */
export function checkCertified(
  bls: Pick<Bls, "verifyAggregate">,
  published: NonNullable<PublishedHeight["certified"]>,
  context: { readonly domain: Domain; readonly record: EpochRecord },
): CertifiedHeight | null {
  const { certificate: given, digest } = published;
  const certificate = verifyStored(bls, given, context);
  if (certificate === null || claimDigest(context.domain, given.claim) !== digest) return null;
  return { ...published, certificate, publishAtMs: null };
}

/**
 * The engine's state as far as a view of it reads: blocks, heads, certificates and what is
 * contradicted. Nothing is ever stepped or signed from it.
 */
export function buildState(sources: ReplicaSources): EngineState {
  const { view, domain } = sources;
  const { openHeights, graceMs } = view;
  const state = createEngineState({
    domain,
    schedule: view.schedule,
    operator: null,
    rollups: view.rollups.map(({ rollupId }) => ({ rollupId, lastSigned: null })),
    openHeights,
    graceMs,
    improvementWindowMs: 0,
    earlyAttestations: 0,
    chainDepth: openHeights,
  });
  for (const [epoch, { operatorSet, rollups }] of sources.epochs) {
    state.epochs.set(epoch, {
      operatorSet,
      rollups: new Map(rollups.map((each) => [each.rollupId, each])),
      byOperator: new Map(operatorSet.operators.map(({ operator, index }) => [operator, index])),
    });
  }
  for (const epoch of view.absentEpochs) state.absentEpochs.add(epoch);
  for (const { epoch, weight } of view.updateWeights) {
    state.setUpdates.set(epoch, {
      epoch,
      signatures: weightAlone<VerifiedSetUpdate>({ signedWeight: weight }),
      undecided: new Map(),
      convicted: new Set(),
      held: null,
      isSumming: false,
      isFinal: false,
      askedAtMs: null,
      attempts: 0,
    });
  }
  for (const published of view.rollups) {
    const rollup = state.rollups.get(published.rollupId);
    const heights = sources.heights.get(published.rollupId);
    if (rollup !== undefined) fillRollup(rollup, published, heights ?? new Map());
  }
  return state;
}

function fillRollup(
  rollup: RollupState,
  published: PublishedRollup,
  heights: ReadonlyMap<bigint, ReplicaHeight>,
): void {
  // Readers take the order of insertion for that of the heights.
  const ascending = [...heights].sort(([left], [right]) => (left < right ? -1 : 1));
  for (const [blockNumber, { published: height, certified }] of ascending) {
    const { block, observedAtMs, weight } = height;
    if (certified !== null) rollup.certified.set(blockNumber, certified);
    if (block === null) continue;
    rollup.blocks.set(blockNumber, block);
    rollup.numberByHash.set(block.blockHash, blockNumber);
    rollup.heights.set(blockNumber, {
      blockNumber,
      pools: new Map([[block.blockHash, poolOf(block.blockHash, weight)]]),
      firstDigest: new Map(),
      convicted: new Set(),
      ownDigest: block.blockHash,
      observedAtMs,
    });
  }
  rollup.tip = (published.tip !== null && rollup.blocks.get(published.tip)) || null;
  rollup.tipObservedAtMs = published.tipObservedAtMs;
  rollup.safe = published.safe;
  rollup.finalized = published.finalized;
  rollup.newest = (published.newest !== null && rollup.certified.get(published.newest)) || null;
  rollup.contradictions = published.contradictions;
  for (const { digest, blockNumber } of published.contradicted) {
    rollup.contradicted.set(digest, blockNumber);
  }
  for (const { operator, ...bound } of published.off) {
    rollup.bound.set(operator, { ...bound, isOff: true });
  }
  rollup.lock = published.lock;
}

type Pool = NonNullable<
  ReturnType<NonNullable<ReturnType<RollupState["heights"]["get"]>>["pools"]["get"]>
>;

/** A pool that tells its weight: attestations are not published before there is a certificate. */
function poolOf(digest: Hex, weight: bigint): Pool {
  return {
    digest,
    verified: weightAlone<VerifiedAttestation>({ weight }),
    arrived: new Map(),
    isSumming: false,
    hasBadSum: false,
    summed: null,
  } as Partial<Pool> as Pool;
}

/** Only sums are read of what is attested and not certified: one entry stands for all of them. */
function weightAlone<T>(weight: Partial<T>): Map<number, T> {
  return new Map([[0, weight as T]]);
}

import {
  type Bls,
  type CertifiedHeight,
  type ClaimPool,
  type Contradiction,
  claimDigest,
  createEngineState,
  type Domain,
  type EngineState,
  type Hex,
  type RollupState,
  restoreContradiction,
  type VerifiedAttestation,
  type VerifiedSetUpdate,
} from "@mach/core";
import { verifyStored } from "../engine/certificate-check.ts";
import type { EpochRecord } from "../store/store.ts";
import type { PublishedHeight, PublishedRollup, PublishedView } from "./view-documents.ts";

/** What the state is built from, all as of one moment. */
export interface ReplicaSources {
  readonly domain: Domain;
  readonly view: PublishedView;
  /** Of the view's epochs, each found to be what its hash says. */
  readonly epochs: ReadonlyMap<bigint, EpochRecord>;
  /** By rollup. */
  readonly heights: ReadonlyMap<bigint, HeightMaps>;
  /** By rollup, what any node has found contradicted: it counts, whoever publishes. */
  readonly contradictions: ReadonlyMap<bigint, readonly Contradiction[]>;
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
    const maps = sources.heights.get(published.rollupId) ?? mapHeights(new Map());
    if (rollup === undefined) continue;
    const filled = fillRollup(rollup, published, maps);
    for (const each of sources.contradictions.get(published.rollupId) ?? []) {
      if (mayMatter(each, published)) restoreContradiction(filled, each);
    }
    state.rollups.set(published.rollupId, filled);
  }
  return state;
}

/** Of what L1 has passed and memory holds no more nothing has to be known here. */
function mayMatter({ throughBlockNumber }: Contradiction, published: PublishedRollup): boolean {
  const { lowest, finalized } = published;
  const isOpen = finalized === null || finalized.blockNumber <= throughBlockNumber;
  return isOpen || throughBlockNumber >= lowest;
}

/** What of a rollup's state comes from its heights. */
export type HeightMaps = Pick<RollupState, "blocks" | "numberByHash" | "heights" | "certified">;

/** The maps of a rollup's heights: to be made again when one of them changes. */
export function mapHeights(heights: ReadonlyMap<bigint, ReplicaHeight>): HeightMaps {
  const maps: HeightMaps = {
    ...{ blocks: new Map(), numberByHash: new Map(), heights: new Map(), certified: new Map() },
  };
  // Readers take the order of insertion for that of the heights.
  const ascending = [...heights].sort(([left], [right]) => (left < right ? -1 : 1));
  for (const [blockNumber, { published, certified }] of ascending) {
    const { block, observedAtMs, weight } = published;
    if (certified !== null) maps.certified.set(blockNumber, certified);
    if (block === null) continue;
    maps.blocks.set(blockNumber, block);
    maps.numberByHash.set(block.blockHash, blockNumber);
    maps.heights.set(blockNumber, {
      blockNumber,
      pools: new Map([[block.blockHash, poolOf(block.blockHash, weight)]]),
      firstDigest: new Map(),
      convicted: new Set(),
      ownDigest: block.blockHash,
      observedAtMs,
    });
  }
  return maps;
}

function fillRollup(
  rollup: RollupState,
  published: PublishedRollup,
  maps: HeightMaps,
): RollupState {
  const { tip, newest, tipObservedAtMs, safe, finalized, lock } = published;
  const { off, contradictions, contradicted } = published;
  return {
    ...rollup,
    ...{ tipObservedAtMs, safe, finalized, lock, contradictions },
    ...maps,
    tip: (tip !== null && maps.blocks.get(tip)) || null,
    newest: (newest !== null && maps.certified.get(newest)) || null,
    contradicted: new Map(contradicted.map(({ digest, blockNumber }) => [digest, blockNumber])),
    bound: new Map(off.map(({ operator, ...at }) => [operator, { ...at, isOff: true }])),
  };
}

/** A pool that tells its weight: attestations are not published before there is a certificate. */
function poolOf(digest: Hex, weight: bigint): ClaimPool {
  return {
    digest,
    verified: weightAlone<VerifiedAttestation>({ weight }),
    arrived: new Map(),
    isSumming: false,
    hasBadSum: false,
    summed: null,
  } as Partial<ClaimPool> as ClaimPool;
}

/** Only sums are read of what is attested and not certified: one entry stands for all of them. */
function weightAlone<T>(weight: Partial<T>): Map<number, T> {
  return new Map([[0, weight as T]]);
}

import type { FollowedRollup, Health } from "@mach/api";
import { type EngineState, sumWeight } from "@mach/core";
import type {
  PublishedHeight,
  PublishedRollup,
  PublishedView,
  RollupState,
} from "./view-documents.ts";

/** What the published view is made of, beside the engine's state. */
export interface ViewSources {
  readonly state: () => EngineState;
  readonly abstention: (rollupId: bigint) => string | null;
  /** Milliseconds. */
  readonly now: () => number;
}

/** What the node tells readers of itself. */
export interface NodeWords {
  readonly health: Health;
  readonly followed: readonly FollowedRollup[];
}

/** A height of a rollup that is not what was published of it. */
export interface ChangedHeight {
  readonly rollupId: bigint;
  readonly blockNumber: bigint;
  readonly height: PublishedHeight;
}

/** What has to be published for readers to see this moment. */
export interface ViewChanges {
  readonly view: PublishedView;
  readonly heights: readonly ChangedHeight[];
}

/** Follows the engine's state: what is new since the last changes that were published. */
export interface ViewTracker {
  /** Reads the state as it is now. */
  changes(words: NodeWords): ViewChanges;
  /** These are on disk in the database. */
  onPublished(changes: ViewChanges): void;
  /** Nothing is: all of it is new. */
  reset(): void;
}

const GONE: PublishedHeight = { block: null, observedAtMs: null, weight: 0n, certified: null };

/** By rollup and height, what was published last. */
type Published = Map<bigint, Map<bigint, PublishedHeight>>;

/** Tracks by the parts of a height, so that an unchanged one costs a comparison and no JSON. */
export function createViewTracker(sources: ViewSources): ViewTracker {
  let published: Published = new Map();
  return {
    changes(words) {
      const state = sources.state();
      const heights = [...state.rollups.values()].flatMap((rollup) =>
        changedHeights(rollup, published.get(rollup.rollupId) ?? new Map()),
      );
      return { view: toView(state, sources, words), heights };
    },
    onPublished({ view, heights }) {
      for (const { rollupId, blockNumber, height } of heights) {
        const known = published.get(rollupId) ?? new Map<bigint, PublishedHeight>();
        published.set(rollupId, known.set(blockNumber, height));
      }
      for (const { rollupId, lowest } of view.rollups) {
        const known = published.get(rollupId);
        for (const blockNumber of known?.keys() ?? []) {
          if (blockNumber < lowest) known?.delete(blockNumber);
        }
      }
    },
    reset() {
      published = new Map();
    },
  };
}

function changedHeights(
  rollup: RollupState,
  published: ReadonlyMap<bigint, PublishedHeight>,
): readonly ChangedHeight[] {
  const { rollupId, blocks, certified } = rollup;
  const changed: ChangedHeight[] = [];
  for (const blockNumber of new Set([...blocks.keys(), ...certified.keys()])) {
    const height = toHeight(rollup, blockNumber);
    const known = published.get(blockNumber);
    if (known === undefined || !isSameHeight(known, height)) {
      changed.push({ rollupId, blockNumber, height });
    }
  }
  const lowest = lowestOf(rollup);
  for (const [blockNumber, known] of published) {
    if (blockNumber < lowest || blocks.has(blockNumber) || certified.has(blockNumber)) continue;
    if (!isSameHeight(known, GONE)) changed.push({ rollupId, blockNumber, height: GONE });
  }
  return changed;
}

function toHeight(rollup: RollupState, blockNumber: bigint): PublishedHeight {
  const held = rollup.certified.get(blockNumber);
  const open = rollup.heights.get(blockNumber);
  const pool = open?.ownDigest && open.pools.get(open.ownDigest);
  return {
    block: rollup.blocks.get(blockNumber) ?? null,
    observedAtMs: open?.observedAtMs ?? null,
    // Under a certificate its weight is what counts, and singles only make rows change.
    weight: pool && held === undefined ? sumWeight([...pool.verified.values()]) : 0n,
    certified: held === undefined ? null : { ...held, certificate: held.certificate },
  };
}

/** The parts are the engine's own objects, which it replaces and does not change. */
function isSameHeight(left: PublishedHeight, right: PublishedHeight): boolean {
  return (
    left.block === right.block &&
    left.observedAtMs === right.observedAtMs &&
    left.weight === right.weight &&
    left.certified?.certificate === right.certified?.certificate &&
    left.certified?.openUntilMs === right.certified?.openUntilMs &&
    left.certified?.certifiedAtMs === right.certified?.certifiedAtMs &&
    left.certified?.latencyMs === right.certified?.latencyMs
  );
}

function lowestOf({ blocks, certified }: RollupState): bigint {
  let lowest: bigint | null = null;
  for (const heights of [blocks, certified]) {
    for (const blockNumber of heights.keys()) {
      if (lowest === null || blockNumber < lowest) lowest = blockNumber;
    }
  }
  return lowest ?? 0n;
}

function toView(state: EngineState, sources: ViewSources, words: NodeWords): PublishedView {
  const { options, epochs, absentEpochs, setUpdates, rollups } = state;
  return {
    atMs: sources.now(),
    schedule: options.schedule,
    openHeights: options.openHeights,
    graceMs: options.graceMs,
    epochs: [...epochs.keys()],
    absentEpochs: [...absentEpochs],
    updateWeights: [...setUpdates.values()].map(({ epoch, signatures }) => ({
      epoch,
      weight: [...signatures.values()].reduce((sum, each) => sum + each.signedWeight, 0n),
    })),
    ...words,
    rollups: [...rollups.values()].map((rollup) => toRollup(rollup, sources)),
  };
}

function toRollup(rollup: RollupState, sources: ViewSources): PublishedRollup {
  const { rollupId, tip, newest, tipObservedAtMs, safe, finalized, lock } = rollup;
  return {
    rollupId,
    tip: tip?.blockNumber ?? null,
    newest: newest?.certificate.claim.blockNumber ?? null,
    lowest: lowestOf(rollup),
    tipObservedAtMs,
    safe,
    finalized,
    lock,
    contradictions: rollup.contradictions,
    contradicted: [...rollup.contradicted].map(([digest, blockNumber]) => ({
      blockNumber,
      digest,
    })),
    off: [...rollup.bound].flatMap(([operator, { isOff, blockNumber, blockHash }]) =>
      isOff ? { operator, blockNumber, blockHash } : [],
    ),
    abstention: sources.abstention(rollupId),
  };
}

import type { FollowedRollup, Health } from "@mach/api";
import { type EngineState, type RollupState, sumWeight } from "@mach/core";
import type { PublishedHeight, PublishedRollup, PublishedView } from "./view-documents.ts";

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

/** By rollup and height, what was published last. */
type Published = Map<bigint, Map<bigint, PublishedHeight>>;

/** Every so many times all heights are looked at; else only down to where nothing changes. */
const LOOKS_PER_FULL = 4;
/** So many heights in a row that have not changed: those below have not either, for now. */
const QUIET_HEIGHTS = 64n;

/** Tracks by the parts of a height, so that an unchanged one costs a comparison and no JSON. */
export function createViewTracker(sources: ViewSources): ViewTracker {
  let published: Published = new Map();
  let looks = 0;
  return {
    changes(words) {
      const state = sources.state();
      const isFull = looks % LOOKS_PER_FULL === 0;
      looks += 1;
      const heights = [...state.rollups.values()].flatMap((rollup) => {
        const known = published.get(rollup.rollupId) ?? new Map<bigint, PublishedHeight>();
        const looked = isFull ? allHeights(rollup, known) : newestHeights(rollup, known);
        return [...looked].flatMap((blockNumber) => changeAt(rollup, known, blockNumber) ?? []);
      });
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
      looks = 0;
    },
  };
}

type Known = ReadonlyMap<bigint, PublishedHeight>;

/** Those that are there, and those that are published and have gone. */
function* allHeights(rollup: RollupState, known: Known): Generator<bigint> {
  const { blocks, certified } = rollup;
  yield* blocks.keys();
  for (const blockNumber of certified.keys()) if (!blocks.has(blockNumber)) yield blockNumber;
  const lowest = lowestOf(rollup);
  for (const blockNumber of known.keys()) {
    const isThere = blocks.has(blockNumber) || certified.has(blockNumber);
    if (blockNumber >= lowest && !isThere) yield blockNumber;
  }
}

/** From the top down: what changes elsewhere is found when all are looked at. */
function* newestHeights(rollup: RollupState, known: Known): Generator<bigint> {
  const tops = [rollup.tip?.blockNumber, rollup.newest?.certificate.claim.blockNumber];
  let top = -1n;
  for (const each of tops) if (each !== undefined && each > top) top = each;
  // What a reorg has left behind is above the newest.
  for (let above = top + 1n; known.has(above); above += 1n) top = above;
  let quiet = 0n;
  for (let at = top; at >= 0n && quiet < QUIET_HEIGHTS; at -= 1n) {
    quiet = changeAt(rollup, known, at) === null ? quiet + 1n : 0n;
    yield at;
  }
}

function changeAt(rollup: RollupState, known: Known, blockNumber: bigint): ChangedHeight | null {
  const { rollupId, blocks, certified, heights } = rollup;
  const block = blocks.get(blockNumber) ?? null;
  const held = certified.get(blockNumber) ?? null;
  const before = known.get(blockNumber);
  if (before === undefined && block === null && held === null) return null;
  const open = heights.get(blockNumber);
  const pool = open?.ownDigest && open.pools.get(open.ownDigest);
  const isCertified = held !== null && held.certificate.claim.blockHash === block?.blockHash;
  // Under its own certificate that one's weight counts, and singles would only make rows change.
  const weight = pool && !isCertified ? sumWeight([...pool.verified.values()]) : 0n;
  const observedAtMs = (block && open?.observedAtMs) ?? null;
  const height = { block, observedAtMs, weight, certified: held };
  if (before !== undefined && isSameHeight(before, height)) return null;
  return { rollupId, blockNumber, height: { ...height, certified: held && { ...held } } };
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

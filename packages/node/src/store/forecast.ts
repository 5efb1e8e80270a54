import { type EngineState, isAttestedHeight } from "@mach/core";
import type { RetentionConfig } from "../config.ts";

/** A rollup's certificates, as far as how many there will be of them is known. */
export interface CertificateRate {
  /** Of its newest blocks. */
  readonly blockSeconds: number;
  readonly attestationInterval: number;
}

export interface ForecastFacts {
  readonly retention: Pick<RetentionConfig, "certificateEpochs" | "setEpochs">;
  readonly epochSeconds: number;
  /** In the newest set. */
  readonly operators: number;
  readonly rollups: readonly CertificateRate[];
}

/**
 * What a height takes in the file: its certificate, one that it replaced, and their pages' free
 * space, measured over weeks of pruning; each byte of the bit field comes twice in its hex.
 */
const HEIGHT_BYTES = 5_500;
/** An operator in the set of an epoch. */
const OPERATOR_BYTES = 400;
/** A set without its operators, and the update into its epoch. */
const EPOCH_BYTES = 4_096;

/**
 * What the store's file comes to, bytes, when as much is kept as the configuration says: one more
 * epoch than that, because one comes in while the last goes. Evidence, contradictions and alerts
 * are not in it: they are few, or something is wrong.
 */
export function forecastBytes(facts: ForecastFacts): number {
  const { retention, epochSeconds, operators, rollups } = facts;
  const perEpoch = rollups.reduce((sum, { blockSeconds, attestationInterval }) => {
    return sum + epochSeconds / (blockSeconds * attestationInterval);
  }, 0);
  const heights = perEpoch * (retention.certificateEpochs + 1);
  const sets = (retention.setEpochs + 1) * (EPOCH_BYTES + operators * OPERATOR_BYTES);
  return Math.ceil(heights * HEIGHT_BYTES + sets);
}

/** The forecast of a node that runs; null while it has seen too few blocks of a rollup to tell. */
export function forecastOf(
  state: EngineState,
  retention: ForecastFacts["retention"],
): number | null {
  const [epoch] = [...state.epochs.keys()].sort((left, right) => (left > right ? -1 : 1));
  const newest = epoch === undefined ? undefined : state.epochs.get(epoch);
  if (newest === undefined) return null;
  const rollups: CertificateRate[] = [];
  for (const { rollupId, blocks } of state.rollups.values()) {
    const parameters = newest.rollups.get(rollupId);
    if (parameters === undefined) continue;
    const heights = [...blocks.values()].filter(
      (block) => !block.isWithinBatch && isAttestedHeight(parameters, block.blockNumber),
    );
    const rate = rateOf(heights.map(({ timestamp }) => timestamp));
    if (rate === null) return null;
    rollups.push({ blockSeconds: rate, attestationInterval: 1 });
  }
  const epochSeconds = Number(state.options.schedule.epochSeconds);
  const operators = newest.operatorSet.operators.length;
  return forecastBytes({ retention, epochSeconds, operators, rollups });
}

/** Seconds from one to the next, on average; null where there are too few, or no time between. */
function rateOf(timestamps: readonly bigint[]): number | null {
  const sorted = timestamps.toSorted((left, right) => (left < right ? -1 : 1));
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined || last === first) return null;
  return Number(last - first) / (sorted.length - 1);
}

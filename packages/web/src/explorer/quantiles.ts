import type { LatencySample } from "./live-network.ts";

/** Quantiles of some latencies, milliseconds; null of none. */
export function quantilesOf(
  samples: readonly LatencySample[],
): { readonly p50: number; readonly p95: number; readonly max: number } | null {
  const sorted = samples.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
  if (sorted.length === 0) return null;
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

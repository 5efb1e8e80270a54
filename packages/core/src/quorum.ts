/** The smallest threshold that means more than two thirds, in basis points. */
export const MIN_THRESHOLD_BPS = 6667;
export const MAX_THRESHOLD_BPS = 10_000;

/** Whether a threshold in basis points is a legal one. */
export function isThresholdBps(thresholdBps: number): boolean {
  return (
    Number.isInteger(thresholdBps) &&
    thresholdBps >= MIN_THRESHOLD_BPS &&
    thresholdBps <= MAX_THRESHOLD_BPS
  );
}

/**
 * signedWeight * 10000 >= totalWeight * thresholdBps, in integers. An empty set, an all-zero set
 * and a threshold below more than two thirds make nothing valid: unknown is never final.
 */
export function hasQuorum(weights: {
  readonly signedWeight: bigint;
  readonly totalWeight: bigint;
  readonly thresholdBps: number;
}): boolean {
  const { signedWeight, totalWeight, thresholdBps } = weights;
  if (totalWeight <= 0n || signedWeight <= 0n || !isThresholdBps(thresholdBps)) return false;
  return signedWeight * 10_000n >= totalWeight * BigInt(thresholdBps);
}

/** The least weight that reaches the threshold. */
export function requiredWeight(totalWeight: bigint, thresholdBps: number): bigint {
  return (totalWeight * BigInt(thresholdBps) + 9_999n) / 10_000n;
}

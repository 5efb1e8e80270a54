/** The pause before attempt `attempts`, which counts from 0: doubled each time up to a bound. */
export function backoffMs(
  attempts: number,
  bounds: { readonly minBackoffMs: number; readonly maxBackoffMs: number },
): number {
  return Math.min(bounds.minBackoffMs * 2 ** Math.min(attempts, 30), bounds.maxBackoffMs);
}

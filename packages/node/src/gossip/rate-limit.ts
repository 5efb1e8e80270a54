/** Says whether one more, or one that counts for several, is within the rate; it is used then. */
export type RateLimit = (cost?: number) => boolean;

/** A token bucket: `perSecond` in the long run, `burst` in one go. `now` is in milliseconds. */
export function createRateLimit(
  rate: { readonly perSecond: number; readonly burst: number },
  now: () => number,
): RateLimit {
  let tokens = rate.burst;
  let filledAt = now();
  return (cost = 1) => {
    const at = now();
    // A clock set back fills nothing, and does not stop the bucket for good.
    tokens = Math.min(rate.burst, tokens + (Math.max(0, at - filledAt) * rate.perSecond) / 1_000);
    filledAt = at;
    if (tokens < cost) return false;
    tokens -= cost;
    return true;
  };
}

/** How much each client may ask for. */
export interface RateLimit {
  /** Takes a cost if the client has so much left; else the milliseconds until it has. */
  take(client: string, cost: number): number;
  /** Takes it in any case; the milliseconds until the client has something left again. */
  charge(client: string, cost: number): number;
  /** How many clients are remembered. */
  size(): number;
}

export interface RateLimitOptions {
  readonly perSecond: number;
  /** What may be asked for at once, after a silence. */
  readonly burst: number;
  readonly maxClients: number;
}

/** How many that owe nothing are forgotten for each new one: more than one, so that they get fewer. */
const SWEPT = 2;

/**
 * The generic cell rate algorithm (ITU-T I.371, annex A): for each client one moment, at which all
 * that it has asked for will be paid off. Where there are more clients than are remembered, the one
 * that came first is forgotten.
 */
export function createRateLimit(
  { now }: { readonly now: () => number },
  { perSecond, burst, maxClients }: RateLimitOptions,
): RateLimit {
  const costMs = 1_000 / perSecond;
  const burstMs = burst * costMs;
  const paidAt = new Map<string, number>();

  function owe(client: string, until: number, at: number): void {
    if (!paidAt.has(client)) makeRoom(at);
    paidAt.set(client, until);
  }

  function makeRoom(at: number): void {
    let left = SWEPT;
    for (const [client, until] of paidAt) {
      if (until > at && paidAt.size < maxClients) return;
      paidAt.delete(client);
      left -= 1;
      if (left === 0) return;
    }
  }

  return {
    take(client, cost) {
      const at = now();
      const until = Math.max(paidAt.get(client) ?? 0, at) + cost * costMs;
      const excessMs = until - at - burstMs;
      // A hair more than nothing is what rounding leaves.
      if (excessMs > 1e-6) return excessMs;
      owe(client, until, at);
      return 0;
    },
    charge(client, cost) {
      const at = now();
      // Nobody is shut out for longer than it takes to pay two bursts off.
      const until = Math.min(
        Math.max(paidAt.get(client) ?? 0, at) + cost * costMs,
        at + 2 * burstMs,
      );
      owe(client, until, at);
      return Math.max(0, until - at - burstMs);
    },
    size: () => paidAt.size,
  };
}

/** What peers did wrong. A strike is for what no honest peer sends, never for own overload. */
export interface Strikes {
  /** Counts one; true when that was one too many, and the peer is kept out from now on. */
  add(peerId: string): boolean;
  count(peerId: string): number;
  isBanned(peerId: string): boolean;
}

export interface StrikesOptions {
  readonly limit: number;
  /** One strike is forgiven after this long, in milliseconds. */
  readonly forgivenMs: number;
  /** How long a peer is kept out, in milliseconds. */
  readonly banMs: number;
  /** How many peers are remembered; the one struck longest ago is forgotten beyond. */
  readonly maxPeers: number;
}

interface Record {
  count: number;
  /** When `count` was last true, in milliseconds. */
  countedAt: number;
  bannedUntil: number;
}

/** Keeps strikes across reconnections: hanging up does not wipe the slate. */
export function createStrikes(options: StrikesOptions, now: () => number): Strikes {
  const records = new Map<string, Record>();
  const current = (peerId: string): Record => {
    const record = records.get(peerId) ?? { count: 0, countedAt: now(), bannedUntil: 0 };
    const forgiven = Math.floor((now() - record.countedAt) / options.forgivenMs);
    if (forgiven > 0) {
      record.count = Math.max(0, record.count - forgiven);
      record.countedAt += forgiven * options.forgivenMs;
    }
    return record;
  };
  return {
    add(peerId): boolean {
      const record = current(peerId);
      record.count += 1;
      // Deleted first, so that the map stays in the order of the last strike.
      records.delete(peerId);
      records.set(peerId, record);
      const oldest = records.keys().next();
      if (records.size > options.maxPeers && !oldest.done) records.delete(oldest.value);
      if (record.count < options.limit) return false;
      record.count = 0;
      record.bannedUntil = now() + options.banMs;
      return true;
    },
    count: (peerId) => (records.has(peerId) ? current(peerId).count : 0),
    isBanned: (peerId) => (records.get(peerId)?.bannedUntil ?? 0) > now(),
  };
}

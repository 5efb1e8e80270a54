/** A logger in the shape of pino's: the fields, then a constant message. */
export interface GossipLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How often each code came up, in all and by peer. */
export interface GossipCounts {
  readonly total: Readonly<Record<string, number>>;
  /** By peer id; the peers counted longest ago are forgotten beyond a bound. */
  readonly peers: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface Counters {
  /** Counts one without a word. */
  count(code: string, peerId?: string): void;
  /** Counts one and logs it, the same code at most once in ten seconds. */
  report(code: string, fields?: ReportFields): void;
  snapshot(): GossipCounts;
}

export interface ReportFields {
  readonly peerId?: string;
  readonly error?: unknown;
}

const LOG_INTERVAL_MS = 10_000;
const MAX_PEERS = 512;

/** Counts codes; the codes are this project's own, so their number is bounded. */
export function createCounters(logger: GossipLogger, now: () => number): Counters {
  const total = new Map<string, number>();
  const peers = new Map<string, Map<string, number>>();
  const loggedAt = new Map<string, number>();
  const count = (code: string, peerId?: string): void => {
    total.set(code, (total.get(code) ?? 0) + 1);
    if (peerId === undefined) return;
    const counts = peers.get(peerId) ?? new Map<string, number>();
    counts.set(code, (counts.get(code) ?? 0) + 1);
    peers.delete(peerId);
    peers.set(peerId, counts);
    const oldest = peers.keys().next();
    if (peers.size > MAX_PEERS && !oldest.done) peers.delete(oldest.value);
  };
  return {
    count,
    report(code, fields = {}): void {
      count(code, fields.peerId);
      const last = loggedAt.get(code);
      if (last !== undefined && now() - last < LOG_INTERVAL_MS) return;
      loggedAt.set(code, now());
      const { peerId, error } = fields;
      logger.warn({ code, peerId, err: error, count: total.get(code) }, "gossip trouble");
    },
    snapshot: () => ({
      total: Object.fromEntries(total),
      peers: Object.fromEntries([...peers].map(([id, counts]) => [id, Object.fromEntries(counts)])),
    }),
  };
}

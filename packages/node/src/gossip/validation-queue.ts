import type { Verdict } from "./handlers.ts";

/** Holds messages back while enough of them are being checked. */
export interface ValidationQueue {
  /** Runs the check, now or later; a message that is dropped resolves to a verdict that says so. */
  run(peerId: string, check: () => Promise<Verdict>): Promise<Verdict>;
  /** How many wait. */
  depth(): number;
  /** Drops what waits. */
  close(): void;
}

export interface ValidationQueueOptions {
  /** How many checks run at once. */
  readonly concurrency: number;
  /** How many wait. */
  readonly capacity: number;
  /** Which of a peer's that wait is next: for attestations the newest, which is still of use. */
  readonly next: "newest" | "oldest";
  /** Whose messages go before all others': peers that cannot be made up. */
  readonly isPreferred: (peerId: string) => boolean;
  /** How long one check may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of the verdict that came after its message was given up: slow is not innocent. */
  readonly onLate: (peerId: string, verdict: Verdict) => void;
}

interface Waiting {
  readonly peerId: string;
  readonly check: () => Promise<Verdict>;
  readonly resolve: (verdict: Verdict) => void;
}

/** Own overload punishes nobody. */
const OVERLOADED: Verdict = { accept: false, code: "overloaded", blame: false };
const TIMED_OUT: Verdict = { accept: false, code: "handler-timeout", blame: false };

/** Of the checks at once, what one peer may have: one that is preferred, and another. */
const PREFERRED_SHARE = 4;
const PEER_SHARE = 16;
/** Of the checks at once, and of the places to wait, what all may have that are not preferred. */
const OTHERS_SHARE = 2;

/**
 * A bounded queue that is fair to peers: they take turns, preferred ones first, and neither one
 * peer nor all that are not preferred can take up every check. When it is full, the oldest message
 * of the peer that has most of them waiting makes room, so that one peer's flood does not push out
 * what the others sent; that of many made-up peers pushes out its own kind.
 */
export function createValidationQueue(options: ValidationQueueOptions): ValidationQueue {
  const running = { all: 0, others: 0, byPeer: new Map<string, number>() };
  const waiting = createTurns(options);
  const perPreferred = Math.ceil(options.concurrency / PREFERRED_SHARE);
  const perPeer = Math.ceil(options.concurrency / PEER_SHARE);
  const forOthers = Math.ceil(options.concurrency / OTHERS_SHARE);

  function hasRoom(peerId: string, isPreferred: boolean): boolean {
    if (running.all >= options.concurrency) return false;
    const most = isPreferred ? perPreferred : perPeer;
    if ((running.byPeer.get(peerId) ?? 0) >= most) return false;
    return isPreferred || running.others < forOthers;
  }

  function start(entry: Waiting, isPreferred: boolean): void {
    const { peerId } = entry;
    running.all += 1;
    running.byPeer.set(peerId, (running.byPeer.get(peerId) ?? 0) + 1);
    if (!isPreferred) running.others += 1;
    void settle(entry, options).then((verdict) => {
      running.all -= 1;
      if (!isPreferred) running.others -= 1;
      const left = (running.byPeer.get(peerId) ?? 0) - 1;
      if (left > 0) running.byPeer.set(peerId, left);
      else running.byPeer.delete(peerId);
      entry.resolve(verdict);
      startNext();
    });
  }

  function startNext(): void {
    for (let next = waiting.take(hasRoom); next !== null; next = waiting.take(hasRoom)) {
      start(next.entry, next.isPreferred);
    }
  }

  return {
    run: (peerId, check) =>
      new Promise((resolve) => {
        const entry = { peerId, check, resolve };
        const isPreferred = options.isPreferred(peerId);
        if (hasRoom(peerId, isPreferred)) start(entry, isPreferred);
        else waiting.push(entry);
      }),
    depth: () => waiting.size(),
    close(): void {
      waiting.close();
    },
  };
}

interface Turns {
  size(): number;
  push(entry: Waiting): void;
  /** The next that has room; null where there is none. */
  take(
    hasRoom: (peerId: string, isPreferred: boolean) => boolean,
  ): { readonly entry: Waiting; readonly isPreferred: boolean } | null;
  close(): void;
}

/** What waits, by peer; the map's order is that of the peers' turns. */
function createTurns(options: ValidationQueueOptions): Turns {
  const { capacity, isPreferred } = options;
  const byPeer = new Map<string, Waiting[]>();
  let size = 0;

  function remove(peerId: string, place: "oldest" | "newest"): Waiting | undefined {
    const entries = byPeer.get(peerId) ?? [];
    const entry = place === "newest" ? entries.pop() : entries.shift();
    if (entry !== undefined) size -= 1;
    byPeer.delete(peerId);
    // To the end: the others have their turn first.
    if (entries.length > 0) byPeer.set(peerId, entries);
    return entry;
  }

  function dropOne(): void {
    const peers = [...byPeer].map(([peerId, { length }]) => {
      return { peerId, length, isPreferred: isPreferred(peerId) };
    });
    const others = peers.filter((each) => !each.isPreferred);
    const ofOthers = others.reduce((sum, { length }) => sum + length, 0);
    const from = ofOthers > capacity / OTHERS_SHARE ? others : peers;
    const most = from.reduce((a, b) => (b.length > a.length ? b : a), { peerId: "", length: 0 });
    remove(most.peerId, "oldest")?.resolve(OVERLOADED);
  }

  return {
    size: () => size,
    push(entry) {
      const entries = byPeer.get(entry.peerId);
      if (entries === undefined) byPeer.set(entry.peerId, [entry]);
      else entries.push(entry);
      size += 1;
      if (size > capacity) dropOne();
    },
    take(hasRoom) {
      let other: string | null = null;
      for (const peerId of byPeer.keys()) {
        const isFirst = isPreferred(peerId);
        if (!hasRoom(peerId, isFirst)) continue;
        if (isFirst) return found(remove(peerId, options.next), true);
        other ??= peerId;
      }
      return other === null ? null : found(remove(other, options.next), false);
    },
    close() {
      for (const entries of byPeer.values()) {
        for (const entry of entries) entry.resolve(OVERLOADED);
      }
      byPeer.clear();
      size = 0;
    },
  };
}

function found(entry: Waiting | undefined, isPreferred: boolean): ReturnType<Turns["take"]> {
  return entry === undefined ? null : { entry, isPreferred };
}

/** The check's verdict; a rejection is the caller's to turn into one beforehand. */
async function settle(
  { check, peerId }: Waiting,
  { timeoutMs, onLate }: ValidationQueueOptions,
): Promise<Verdict> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const timeout = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => {
      isLate = true;
      resolve(TIMED_OUT);
    }, timeoutMs);
    timer.unref();
  });
  const checked = check().then((verdict) => {
    if (isLate) onLate(peerId, verdict);
    return verdict;
  });
  try {
    return await Promise.race([checked, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

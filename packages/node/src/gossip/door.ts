import type { MultiaddrConnection } from "@libp2p/interface";
import { createRateLimit, type RateLimit } from "./rate-limit.ts";
import { createStrikes } from "./strikes.ts";

/**
 * Who comes in. Connections that have not said hello share a lobby: half-open handshakes as well as
 * peers that say nothing. When it is full, the address that has most of them there makes room, so
 * that somebody new always gets in for as long as a hello takes.
 */
export interface Door {
  /** A connection has come; false where it is to be refused. */
  admit(connection: ArrivingConnection): boolean;
  /** It has said hello, or is of a peer that has: it leaves the lobby. */
  onGreeted(remoteAddress: string): void;
  /** A peer from there was banned; true when that was one too many for the address. */
  onBanned(remoteAddress: string): boolean;
  /** Whether only operators' known peers are welcome from there. */
  isBanned(remoteAddress: string): boolean;
  /** How many are in the lobby. */
  size(): number;
}

export type ArrivingConnection = Pick<MultiaddrConnection, "abort" | "addEventListener"> & {
  readonly remoteAddr: { toString(): string };
};

export interface DoorOptions {
  readonly capacity: number;
  /** After this many banned peers, each forgiven like a strike, an address is banned itself. */
  readonly bannedPeersPerAddress: number;
  readonly forgivenMs: number;
  readonly banMs: number;
  readonly maxAddresses: number;
  /** Milliseconds. */
  readonly now: () => number;
  readonly onEvicted: () => void;
}

/** A banned address may try so often: an operator's peer there is known only after the handshake. */
const BANNED_RATE = { perSecond: 1, burst: 4 };
/** A whole network on one machine shares an address, and is no attack. */
const LOOPBACK = new Set(["127.0.0.1", "::1"]);

/** An empty lobby. */
export function createDoor(options: DoorOptions): Door {
  const { capacity, now, onEvicted } = options;
  const lobby = new Map<string, { readonly host: string; close(): void }>();
  const strikes = createStrikes(
    {
      limit: options.bannedPeersPerAddress,
      forgivenMs: options.forgivenMs,
      banMs: options.banMs,
      maxPeers: options.maxAddresses,
    },
    now,
  );
  const attempts = new Map<string, RateLimit>();

  const isAttemptWithinRate = (host: string): boolean => {
    const isWithinRate = attempts.get(host) ?? createRateLimit(BANNED_RATE, now);
    attempts.delete(host);
    attempts.set(host, isWithinRate);
    const oldest = attempts.keys().next();
    if (attempts.size > options.maxAddresses && !oldest.done) attempts.delete(oldest.value);
    return isWithinRate();
  };
  const evictOne = (): void => {
    const host = mostFrequent([...lobby.values()].map((each) => each.host));
    for (const [key, each] of lobby) {
      if (each.host !== host) continue;
      lobby.delete(key);
      each.close();
      onEvicted();
      return;
    }
  };
  return {
    admit(connection): boolean {
      const key = socketOf(connection.remoteAddr.toString());
      const host = hostOf(key);
      if (strikes.isBanned(host) && !isAttemptWithinRate(host)) return false;
      lobby.set(key, { host, close: () => connection.abort(new Error("lobby full")) });
      connection.addEventListener("close", () => lobby.delete(key), { once: true });
      if (lobby.size > capacity) evictOne();
      return true;
    },
    onGreeted: (remoteAddress) => void lobby.delete(socketOf(remoteAddress)),
    onBanned(remoteAddress): boolean {
      const host = hostOf(remoteAddress);
      return !LOOPBACK.has(host) && strikes.add(host);
    },
    isBanned: (remoteAddress) => strikes.isBanned(hostOf(remoteAddress)),
    size: () => lobby.size,
  };
}

/** The address and port of a multiaddr, without the peer id that a finished connection adds. */
function socketOf(remoteAddress: string): string {
  return remoteAddress.split("/p2p/")[0] ?? remoteAddress;
}

/** Who is at a multiaddr: of an IPv6 address the 64 bits that one subscriber has. */
function hostOf(remoteAddress: string): string {
  const [, family = "", host = ""] = remoteAddress.split("/");
  if (family !== "ip6" || LOOPBACK.has(host)) return host;
  return networkOf(host);
}

function networkOf(address: string): string {
  const [head = "", tail] = address.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return groups.slice(0, 4).join(":");
}

function mostFrequent(names: readonly string[]): string {
  const counts = new Map<string, number>();
  let most = "";
  for (const name of names) {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (count > (counts.get(most) ?? 0)) most = name;
  }
  return most;
}

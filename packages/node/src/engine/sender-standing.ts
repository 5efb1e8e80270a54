import type { Hex } from "@mach/core";

/** The peer that handed something on, and the operator that it is bound to, if any. */
export interface Sender {
  readonly peerId: string;
  readonly operator?: Hex;
}

/** This process itself, or nobody in particular. */
export const OWN: Sender = { peerId: "" };

export type Standing =
  /** An operator's peer, or one that has brought good signatures, and no bad one. */
  | "trusted"
  /** Not known yet: anyone can be new, as often as it likes. */
  | "unproven"
  /** It, or another peer of its operator, has lately sent a bad signature. */
  | "doubtful"
  /** It has lately sent so many of them that gossip hangs up on it: nothing more is checked. */
  | "refused";

/**
 * What those who hand things on are worth. Whoever checks before forwarding never hands on a bad
 * signature, so that one is proof against its sender; against the operator in whose name it was
 * forged it proves nothing.
 */
export interface SenderStandings {
  of(sender: Sender): Standing;
  onGood(sender: Sender): void;
  onBad(sender: Sender): void;
}

/** As many good signatures make a peer that is bound to nobody trusted. */
const PROVEN_BY = 8;
/** As long as a ban: a peer that comes back under another name still has its operator. */
const DOUBT_MS = 600_000;
/** Gossip's limit on strikes. */
const REFUSED_AT = 10;
const MAX_REMEMBERED = 4_096;

/** In memory; `now` is in milliseconds. */
export function createSenderStandings(now: () => number): SenderStandings {
  const goods = new Map<string, number>();
  /** By peer id and by operator. */
  const doubts = new Map<string, Doubt>();
  const badsOf = (name: string | undefined): number => {
    const doubt = name === undefined ? undefined : doubts.get(name);
    return doubt === undefined || doubt.untilMs <= now() ? 0 : doubt.count;
  };
  const doubt = (name: string): void =>
    remember(doubts, name, { count: badsOf(name) + 1, untilMs: now() + DOUBT_MS });
  return {
    of({ peerId, operator }) {
      if (peerId === OWN.peerId) return "trusted";
      if (badsOf(peerId) >= REFUSED_AT) return "refused";
      if (badsOf(peerId) + badsOf(operator) > 0) return "doubtful";
      const isProven = operator !== undefined || (goods.get(peerId) ?? 0) >= PROVEN_BY;
      return isProven ? "trusted" : "unproven";
    },
    onGood({ peerId }) {
      remember(goods, peerId, (goods.get(peerId) ?? 0) + 1);
    },
    onBad({ peerId, operator }) {
      goods.delete(peerId);
      doubt(peerId);
      if (operator !== undefined) doubt(operator);
    },
  };
}

interface Doubt {
  readonly count: number;
  readonly untilMs: number;
}

/** The one heard of longest ago is forgotten beyond the bound. */
function remember<T>(map: Map<string, T>, name: string, value: T): void {
  map.delete(name);
  map.set(name, value);
  const oldest = map.keys().next();
  if (map.size > MAX_REMEMBERED && !oldest.done) map.delete(oldest.value);
}

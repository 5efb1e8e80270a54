import type { Attestation, BatchVerdict, BatchVerifier } from "@mach/bls";
import { createRateLimit, type RateLimit } from "../gossip/rate-limit.ts";
import {
  createSenderStandings,
  type Sender,
  type SenderStandings,
  type Standing,
} from "./sender-standing.ts";

export interface SignatureDeskPorts {
  readonly verifier: Pick<BatchVerifier, "verify">;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Where signatures from peers are checked: each sender within its bounds, the doubtful last. */
export interface SignatureDesk {
  isTrusted(sender: Sender): boolean;
  /**
   * Runs a check of this many signatures as soon as the sender has room for it: each waits for its
   * own only. Null where too much of the sender's waits already, and of one who is refused.
   */
  withRoom<T>(
    sender: Sender,
    wanted: { readonly count: number; readonly check: () => Promise<T> },
  ): Promise<T | null>;
  /** The check of one signature, which counts for or against its sender. */
  verify(sender: Sender, signed: Omit<Attestation, "isDoubtful">): Promise<BatchVerdict>;
  /** Whether a check of this many signatures may hold up the main thread now. */
  mayHoldUp(sender: Sender, count: number): boolean;
  /** A check elsewhere found that the sender cannot have checked what it handed on. */
  onBad(sender: Sender): void;
}

/** Signatures of one peer in the check at once. */
const MAX_IN_CHECK_BOUND = 256;
const MAX_IN_CHECK_UNBOUND = 128;
const MAX_IN_CHECK: Readonly<Record<Exclude<Standing, "trusted">, number>> = {
  unproven: 16,
  doubtful: 4,
  refused: 0,
};
/** Checks of one peer that wait for room; the queues of gossip hand over fewer. */
const MAX_WAITING = 256;
/**
 * What those who are not trusted may cost the main thread, all of them together, about a tenth of
 * it. What is dropped comes again when peers are asked for what they hold.
 */
const HELD_UP = { perSecond: 64, burst: 128 } as const;

/** One desk for an engine: attestations, set updates and what else is signed share its bounds. */
export function createSignatureDesk({ verifier, now }: SignatureDeskPorts): SignatureDesk {
  const standings: SenderStandings = createSenderStandings(now);
  const rooms = new Map<string, Room>();
  const isWithinRate: RateLimit = createRateLimit(HELD_UP, now);
  const isTrusted = (sender: Sender): boolean => standings.of(sender) === "trusted";

  function roomOf(sender: Sender): number {
    const standing = standings.of(sender);
    if (standing !== "trusted") return MAX_IN_CHECK[standing];
    return sender.operator === undefined ? MAX_IN_CHECK_UNBOUND : MAX_IN_CHECK_BOUND;
  }

  return {
    isTrusted,
    async withRoom(sender, { count, check }) {
      const { peerId } = sender;
      const room = rooms.get(peerId) ?? { inCheck: 0, waiting: [] };
      if (room.waiting.length >= MAX_WAITING) return null;
      rooms.set(peerId, room);
      await new Promise<void>((resume) => {
        room.waiting.push({ count, resume });
        letIn(room, roomOf(sender));
      });
      try {
        return standings.of(sender) === "refused" ? null : await check();
      } finally {
        room.inCheck -= count;
        letIn(room, roomOf(sender));
        if (room.inCheck === 0) rooms.delete(peerId);
      }
    },
    async verify(sender, signed) {
      const isDoubtful = (): boolean => !isTrusted(sender);
      const verdict = await verifier.verify({ ...signed, isDoubtful });
      if (verdict.ok) standings.onGood(sender);
      else if (verdict.code === "bad-signature") standings.onBad(sender);
      return verdict;
    },
    mayHoldUp: (sender, count) => isTrusted(sender) || isWithinRate(count),
    onBad: (sender) => standings.onBad(sender),
  };
}

interface Room {
  /** Signatures. */
  inCheck: number;
  /** In the order in which they came. */
  readonly waiting: { readonly count: number; readonly resume: () => void }[];
}

/** What goes on has its place from here on; a check of more than there is room for goes alone. */
function letIn(room: Room, most: number): void {
  for (let next = room.waiting[0]; next !== undefined; next = room.waiting[0]) {
    if (room.inCheck > 0 && room.inCheck + next.count > most) return;
    room.waiting.shift();
    room.inCheck += next.count;
    next.resume();
  }
}

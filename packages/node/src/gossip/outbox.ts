import type { WireAttestation } from "@mach/core";
import type { QueueLoad } from "./handlers.ts";

/** Gathers own attestations until the end of the turn, so that they share a message. */
export interface Outbox {
  add(attestation: WireAttestation): void;
  /** Sends what waits, now. */
  flush(): void;
  load(): QueueLoad;
  /** Forgets what waits. */
  close(): void;
}

export interface OutboxOptions {
  readonly maxQueued: number;
  readonly maxPerMessage: number;
  /** 0 is the end of the event-loop turn; otherwise milliseconds. */
  readonly delayMs: number;
}

export interface OutboxEffects {
  /** Attestations of one operator with signatures of one length, at most `maxPerMessage`. */
  send(attestations: readonly WireAttestation[]): void;
  /** The oldest was dropped, because too many wait. */
  onDropped(): void;
}

/** A bounded outbox that flushes once per turn. */
export function createOutbox(options: OutboxOptions, effects: OutboxEffects): Outbox {
  let queued: WireAttestation[] = [];
  let cancel: (() => void) | null = null;
  const flush = (): void => {
    cancel?.();
    cancel = null;
    const attestations = queued;
    queued = [];
    for (const group of groupForMessages(attestations, options.maxPerMessage)) effects.send(group);
  };
  return {
    add(attestation): void {
      queued.push(attestation);
      if (queued.length > options.maxQueued) {
        queued.shift();
        effects.onDropped();
      }
      cancel ??= schedule(flush, options.delayMs);
    },
    flush,
    load: () => ({ queue: "outbox", depth: queued.length, capacity: options.maxQueued }),
    close(): void {
      cancel?.();
      cancel = null;
      queued = [];
    },
  };
}

function schedule(run: () => void, delayMs: number): () => void {
  if (delayMs === 0) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  }
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}

function groupForMessages(
  attestations: readonly WireAttestation[],
  maxPerMessage: number,
): readonly (readonly WireAttestation[])[] {
  const open = new Map<string, WireAttestation[]>();
  const groups: WireAttestation[][] = [];
  for (const attestation of attestations) {
    const kind = `${attestation.operator}/${attestation.signature.length}`;
    let group = open.get(kind);
    if (group === undefined || group.length === maxPerMessage) {
      group = [];
      open.set(kind, group);
      groups.push(group);
    }
    group.push(attestation);
  }
  return groups;
}

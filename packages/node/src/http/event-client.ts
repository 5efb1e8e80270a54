import type { ServerResponse } from "node:http";
import type { EventEntry } from "./event-history.ts";

/** One reader of the event stream. */
export interface EventClient {
  /** Tells of an event, or keeps it until the reader has taken what it was sent. */
  send(entry: EventEntry): void;
  /** A sign of life; ends a reader that has taken nothing since the last one. */
  beat(): void;
  end(): void;
}

const HEARTBEAT = ":\n\n";

/**
 * Writes events to one response. While the reader lags, events wait here: finality only the
 * newest per rollup, and all of them at most `maxPendingBytes`, beyond which the reader is
 * dropped. What it missed before it came back (`backlog`) does not count against that.
 */
export function createEventClient(
  response: ServerResponse,
  options: { readonly maxPendingBytes: number; readonly backlog: readonly EventEntry[] },
): EventClient {
  const { maxPendingBytes, backlog } = options;
  /** In ascending order of ids: a reader that is cut off resumes from the last, and misses none. */
  const pending = new Map<string, EventEntry>();
  for (const entry of backlog) putLast(pending, entry);
  let pendingBytes = 0;
  for (const entry of pending.values()) pendingBytes += entry.frame.length;
  let allowedBytes = pendingBytes + maxPendingBytes;
  let takenAtLastBeat = -1;

  function flush(): void {
    for (const [key, entry] of pending) {
      if (response.writableNeedDrain || response.destroyed) return;
      pending.delete(key);
      pendingBytes -= entry.frame.length;
      response.write(entry.frame);
    }
    if (pending.size === 0) allowedBytes = maxPendingBytes;
  }

  response.on("drain", flush);
  flush();
  return {
    send(entry) {
      if (response.destroyed) return;
      if (pending.size === 0 && !response.writableNeedDrain) {
        response.write(entry.frame);
        return;
      }
      const replaced = putLast(pending, entry);
      pendingBytes += entry.frame.length - (replaced?.frame.length ?? 0);
      if (pendingBytes + response.writableLength > allowedBytes) response.destroy();
    },
    beat() {
      const socket = response.socket;
      if (socket === null || response.destroyed) return;
      const taken = socket.bytesWritten - socket.writableLength;
      const isStuck = response.writableLength > 0 && taken === takenAtLastBeat;
      takenAtLastBeat = taken;
      if (isStuck) response.destroy();
      else if (!response.writableNeedDrain) response.write(HEARTBEAT);
    },
    end() {
      pending.clear();
      response.end();
    },
  };
}

/** Appends an entry, and takes out the one that it makes obsolete. */
function putLast(pending: Map<string, EventEntry>, entry: EventEntry): EventEntry | undefined {
  const key = keyOf(entry);
  const replaced = pending.get(key);
  pending.delete(key);
  pending.set(key, entry);
  return replaced;
}

function keyOf(entry: EventEntry): string {
  return entry.topic === "finality" ? `finality ${entry.rollupId}` : String(entry.sequence);
}

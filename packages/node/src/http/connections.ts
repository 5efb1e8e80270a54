import type { Server } from "node:http";
import type { Socket } from "node:net";
import { createAddressCounts } from "./address-counts.ts";
import type { ClientAddresses } from "./client-addresses.ts";
import { isStreaming } from "./errors.ts";
import type { HttpLimits } from "./limits.ts";

/** The open connections of a server. */
export interface Connections {
  count(): number;
  /** What is written and not taken yet, over all, in bytes; as of the last look. */
  unreadBytes(): number;
  stop(): void;
}

/*
 * Who reads too slowly is reset, not closed: the kernel would go on holding what it was sent.
 */

/** How often who reads is looked at. */
const LOOK_MS = 500;
/** What a reader takes at least of an answer that waits for it, within a request's time. */
const MIN_TAKEN_BYTES = 65_536;

type Limits = Pick<HttpLimits, "maxConnectionsPerAddress" | "maxUnreadBytes" | "requestTimeoutMs">;

interface Connection {
  /** As of the last look. */
  takenBytes: number;
  queuedBytes: number;
  /** What the reader has taken since it was judged last. */
  progressBytes: number;
  /** In looks: while this process itself stands still, no reader can be blamed for it. */
  waitedMs: number;
}

/**
 * Bounds the connections of one address, the time that a reader may take for an answer, and what
 * all readers together have not taken yet. Streams and WebSockets have bounds of their own for how
 * far they lag, and count with the last.
 */
export function watchConnections(
  server: Server,
  addresses: ClientAddresses,
  limits: Limits,
): Connections {
  const open = new Map<Socket, Connection>();
  const perAddress = createAddressCounts(limits.maxConnectionsPerAddress);
  let unreadBytes = 0;

  server.on("connection", (socket: Socket) => {
    // One that asked for another protocol, and is read again, comes twice.
    if (open.has(socket)) return;
    const address = addresses.ofConnection(socket);
    if (address !== null && !perAddress.hasRoom(address)) {
      socket.destroy();
      return;
    }
    if (address !== null) perAddress.add(address);
    open.set(socket, { takenBytes: 0, queuedBytes: 0, progressBytes: 0, waitedMs: 0 });
    socket.once("close", () => {
      open.delete(socket);
      if (address !== null) perAddress.remove(address);
    });
  });

  function look(): void {
    unreadBytes = 0;
    for (const [socket, connection] of open) {
      if (isTooSlow(socket, connection)) socket.resetAndDestroy();
      else unreadBytes += socket.writableLength;
    }
    if (unreadBytes > limits.maxUnreadBytes) dropLargest();
  }

  function isTooSlow(socket: Socket, connection: Connection): boolean {
    const takenBytes = socket.bytesWritten - socket.writableLength;
    const queuedBytes = queuedBytesOf(socket);
    // Of a write that is under way the stream tells nothing before its end.
    const isOneWrite = takenBytes === connection.takenBytes;
    connection.progressBytes += isOneWrite
      ? Math.max(0, connection.queuedBytes - queuedBytes)
      : takenBytes - connection.takenBytes;
    connection.takenBytes = takenBytes;
    connection.queuedBytes = queuedBytes;
    const isFast = connection.progressBytes >= MIN_TAKEN_BYTES;
    if (socket.writableLength === 0 || isFast || isStreaming(socket)) {
      connection.progressBytes = 0;
      connection.waitedMs = 0;
      return false;
    }
    connection.waitedMs += LOOK_MS;
    return connection.waitedMs >= limits.requestTimeoutMs;
  }

  function dropLargest(): void {
    const largest = [...open.keys()].sort((a, b) => b.writableLength - a.writableLength);
    for (const socket of largest) {
      if (unreadBytes <= limits.maxUnreadBytes) return;
      unreadBytes -= socket.writableLength;
      socket.resetAndDestroy();
    }
  }

  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  return {
    count: () => open.size,
    unreadBytes: () => unreadBytes,
    stop: () => clearInterval(timer),
  };
}

/** What the kernel has not taken of the write under way: node's own timeout goes by it too. */
function queuedBytesOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & {
    readonly _handle?: { readonly writeQueueSize?: number } | null;
  };
  return handle?.writeQueueSize ?? 0;
}

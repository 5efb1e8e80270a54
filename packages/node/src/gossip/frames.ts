import type { Stream } from "@libp2p/interface";

/**
 * A frame on a stream: its length as u32, big-endian, then the bytes. Each direction of a stream
 * carries exactly one.
 */
export type FrameResult =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly code: FrameFailure };

export type FrameFailure =
  /** Nothing came in time. */
  | "timeout"
  /** The stream ended before the frame did. */
  | "disconnected"
  /** Longer than allowed. The peer is to blame. */
  | "oversized"
  /** More than one frame. The peer is to blame. */
  | "malformed";

const HEADER_BYTES = 4;

/** Sends one frame. Throws where the stream is closed. */
export function writeFrame(stream: Stream, bytes: Uint8Array): void {
  const frame = Buffer.alloc(HEADER_BYTES + bytes.length);
  frame.writeUInt32BE(bytes.length);
  frame.set(bytes, HEADER_BYTES);
  stream.send(frame);
}

/** Waits for one frame. Never rejects. */
export function readFrame(
  stream: Stream,
  options: { readonly maxBytes: number; readonly timeoutMs: number },
): Promise<FrameResult> {
  return new Promise((resolve) => {
    const header = Buffer.alloc(HEADER_BYTES);
    let body: Buffer | null = null;
    let received = 0;
    const finish = (result: FrameResult): void => {
      clearTimeout(timer);
      stream.removeEventListener("message", onMessage);
      stream.removeEventListener("end", onEnd);
      stream.removeEventListener("close", onEnd);
      resolve(result);
    };
    // Each byte is copied once: the peer says in how many pieces they come.
    const onMessage = (event: Event & { data: Uint8Array | { subarray(): Uint8Array } }): void => {
      const chunk = event.data.subarray();
      if (received < HEADER_BYTES) header.set(chunk.subarray(0, HEADER_BYTES - received), received);
      const at = received - HEADER_BYTES;
      received += chunk.length;
      if (received < HEADER_BYTES) return;
      const length = header.readUInt32BE();
      if (length > options.maxBytes) finish({ ok: false, code: "oversized" });
      else if (received > HEADER_BYTES + length) finish({ ok: false, code: "malformed" });
      else {
        body ??= Buffer.alloc(length);
        body.set(chunk.subarray(Math.max(0, -at)), Math.max(0, at));
        if (received === HEADER_BYTES + length) finish({ ok: true, bytes: new Uint8Array(body) });
      }
    };
    // The end may be told in the same turn as the last bytes, and before them.
    const onEnd = (): void => queueMicrotask(() => finish({ ok: false, code: "disconnected" }));
    const timer = setTimeout(() => finish({ ok: false, code: "timeout" }), options.timeoutMs);
    stream.addEventListener("message", onMessage);
    stream.addEventListener("end", onEnd);
    stream.addEventListener("close", onEnd);
    if (stream.readableEnded) onEnd();
  });
}

/** Ends a stream: politely where it is open still, at once where that takes too long. */
export async function endStream(stream: Stream, timeoutMs: number): Promise<void> {
  try {
    await stream.close({ signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    // A peer that does not read is no reason to keep its stream.
    stream.abort(error instanceof Error ? error : new Error("stream did not close"));
  }
}

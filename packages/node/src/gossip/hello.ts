/**
 * The first exchange on a connection, on the protocol `/mach/<network>/hello/1`. Whoever dialled
 * opens a stream and sends a hello in a frame (`frames.ts`); the other answers with its own. It is
 * sent again, by either side, when the sender's binding has changed.
 *
 *     hello    version u8 = 1 | networkId 32 | hasBinding u8 (0 or 1) | [ binding ]
 *     binding  operator 20 | peerIdLength u8 (1 to 64) | peerId | sequence u64 | expiry u64
 *              | signature 96
 *
 * The network id is the EIP-712 domain separator.
 */
import type { Connection, Stream } from "@libp2p/interface";
import { byteLength, type Hex, type SignedPeerBinding } from "@mach/core";
import { createReader, createWriter } from "./bytes.ts";
import { endStream, type FrameFailure, readFrame, writeFrame } from "./frames.ts";

export interface Hello {
  readonly networkId: Hex;
  readonly binding: SignedPeerBinding | null;
}

const HELLO_VERSION = 1;
const MAX_PEER_ID_BYTES = 64;
const MAX_HELLO_BYTES = 1 + 32 + 1 + 20 + 1 + MAX_PEER_ID_BYTES + 8 + 8 + 96;

/** A hello's bytes. Throws a RangeError for fields of a length that no binding has. */
export function encodeHello(hello: Hello): Uint8Array {
  const { networkId, binding } = hello;
  if (binding === null) {
    return createWriter(34).u8(HELLO_VERSION).hex(networkId, 32).u8(0).finish();
  }
  const peerIdLength = byteLength(binding.peerId);
  if (peerIdLength < 1 || peerIdLength > MAX_PEER_ID_BYTES) {
    throw new RangeError("expected a peer id of 1 to 64 bytes");
  }
  const writer = createWriter(34 + 20 + 1 + peerIdLength + 8 + 8 + 96);
  writer.u8(HELLO_VERSION).hex(networkId, 32).u8(1).hex(binding.operator, 20);
  writer.u8(peerIdLength).hex(binding.peerId, peerIdLength);
  return writer.u64(binding.sequence).u64(binding.expiry).hex(binding.signature, 96).finish();
}

/** Whether a hello is of another version than this one, which is nothing to blame a peer for. */
function isOfAnotherVersion(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes[0] !== HELLO_VERSION;
}

/** The hello of these bytes; null where they are malformed or of another version. */
export function decodeHello(bytes: Uint8Array): Hello | null {
  const reader = createReader(bytes);
  const version = reader.u8();
  const networkId = reader.hex(32);
  const hasBinding = reader.u8();
  if (version !== HELLO_VERSION || hasBinding > 1) return null;
  if (hasBinding === 0) return reader.isExhausted() ? { networkId, binding: null } : null;
  const operator = reader.hex(20);
  const peerIdLength = reader.u8();
  if (peerIdLength < 1 || peerIdLength > MAX_PEER_ID_BYTES) return null;
  const peerId = reader.hex(peerIdLength);
  const sequence = reader.u64();
  const expiry = reader.u64();
  const signature = reader.hex(96);
  if (!reader.isExhausted()) return null;
  return { networkId, binding: { operator, peerId, sequence, expiry, signature } };
}

export type HelloFailure =
  | FrameFailure
  /** The peer speaks no protocol of this network, or names another one. */
  | "wrong-network"
  /** The peer speaks another version of the protocol. */
  | "unsupported-version";

export type HelloResult =
  | { readonly ok: true; readonly hello: Hello }
  | { readonly ok: false; readonly code: HelloFailure };

export interface HelloOptions {
  readonly protocol: string;
  readonly timeoutMs: number;
  /** What this node says of itself now. */
  readonly own: () => Hello;
}

/** Says hello first and waits for the answer. Never rejects. */
export async function sayHello(
  connection: Connection,
  options: HelloOptions,
): Promise<HelloResult> {
  const { protocol, timeoutMs } = options;
  let stream: Stream;
  try {
    stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    // A refused protocol is the other network's answer; anything else is a lost connection.
    const isRefused = error instanceof Error && error.name === "UnsupportedProtocolError";
    return { ok: false, code: isRefused ? "wrong-network" : "disconnected" };
  }
  try {
    writeFrame(stream, encodeHello(options.own()));
  } catch {
    // The peer has closed the stream already.
    return { ok: false, code: "disconnected" };
  }
  const result = await receiveHello(stream, options);
  await endStream(stream, timeoutMs);
  return result;
}

/** Takes a hello and answers it. Never rejects. */
export async function answerHello(stream: Stream, options: HelloOptions): Promise<HelloResult> {
  const result = await receiveHello(stream, options);
  if (result.ok) {
    try {
      writeFrame(stream, encodeHello(options.own()));
    } catch {
      // The peer has closed the stream already.
      return { ok: false, code: "disconnected" };
    }
  }
  await endStream(stream, options.timeoutMs);
  return result;
}

async function receiveHello(stream: Stream, options: HelloOptions): Promise<HelloResult> {
  const { timeoutMs } = options;
  const frame = await readFrame(stream, { maxBytes: MAX_HELLO_BYTES, timeoutMs });
  if (!frame.ok) return frame;
  const hello = decodeHello(frame.bytes);
  if (hello === null) {
    const isForeign = isOfAnotherVersion(frame.bytes);
    return { ok: false, code: isForeign ? "unsupported-version" : "malformed" };
  }
  if (hello.networkId !== options.own().networkId) return { ok: false, code: "wrong-network" };
  return { ok: true, hello };
}

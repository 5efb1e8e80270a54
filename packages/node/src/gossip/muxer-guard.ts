import type { MessageStream, StreamMuxerFactory } from "@libp2p/interface";
import { yamux } from "@libp2p/yamux";
import { GossipError } from "./gossip-error.ts";
import { createRateLimit, type RateLimit } from "./rate-limit.ts";

/*
 * Yamux buffers a frame until it is whole before it looks at its window, and a frame may say that it
 * is 4 GiB long. It answers every ping and every refused stream, whether the peer reads or not, and
 * takes as many streams one after the other as are opened: each costs a negotiation and a timer. None
 * of it can be configured. It is bounded here on the instances of an exactly pinned version; what goes
 * beyond ends the connection.
 */

export type MuxerTrouble =
  /** A frame beyond every window. No honest peer sends one. */
  | "oversized-mux-frame"
  /** Not yamux at all. */
  | "malformed-mux-frame"
  /** More streams in a second than this project's nodes open in a minute. */
  | "too-many-streams"
  /** More frames or bytes than a peer has reason to send. */
  | "too-much-traffic";

export interface MuxerGuardOptions {
  readonly maxInboundStreams: number;
  readonly maxOutboundStreams: number;
  /** Milliseconds. */
  readonly now: () => number;
  /** Told before the connection ends; the connection is the one below the encryption. */
  readonly onTrouble: (connection: object, code: MuxerTrouble) => void;
}

/** The window of a stream, and so the longest frame: more than the longest gossip frame. */
const MAX_WINDOW_BYTES = 2 * 1_048_576;
/** What waits to be sent on a connection whose peer does not read. */
const MAX_UNSENT_BYTES = 16 * 1_048_576;
const STREAM_RATE = { perSecond: 100, burst: 400 };
const FRAME_RATE = { perSecond: 20_000, burst: 100_000 };
const BYTE_RATE = { perSecond: 32 * 1_048_576, burst: 128 * 1_048_576 };

/** The names of yamux's errors about what no yamux sends. */
const MALFORMED: ReadonlySet<string> = new Set([
  "InvalidFrameError",
  "ReceiveWindowExceededError",
  "InvalidParametersError",
]);

const HEADER_BYTES = 12;
const LENGTH_AT = 8;
const DATA_FRAME = 0;

interface ReceivedBytes {
  readonly byteLength: number;
  get(index: number): number;
  getUint32(index: number): number;
}

interface MuxerInternals {
  readonly decoder: { readonly buffer: ReceivedBytes; readFrame(): unknown };
  onData(bytes: { readonly byteLength: number }): void;
  handleFrame(frame: unknown): void;
  incomingStream(id: number): void;
}

export interface EncryptedStream extends Pick<MessageStream, "maxWriteBufferLength"> {
  /** The connection below the encryption. */
  readonly stream?: object;
}

class MuxerAbuse extends Error {
  readonly code: MuxerTrouble;

  constructor(code: MuxerTrouble) {
    super(code);
    this.name = "MuxerAbuse";
    this.code = code;
  }
}

/** Yamux with its bounds. */
export function guardedYamux(options: MuxerGuardOptions): () => StreamMuxerFactory {
  const { maxInboundStreams, maxOutboundStreams } = options;
  const create = yamux({
    maxInboundStreams,
    maxOutboundStreams,
    streamOptions: { maxStreamWindowSize: MAX_WINDOW_BYTES },
  });
  return () => {
    const factory = create();
    return {
      protocol: factory.protocol,
      createStreamMuxer(encrypted) {
        const muxer = factory.createStreamMuxer(encrypted);
        encrypted.maxWriteBufferLength = MAX_UNSENT_BYTES;
        guardMuxer(muxer, encrypted, options);
        return muxer;
      },
    };
  };
}

/** Bounds one connection's muxer. Throws a GossipError for one of another version. */
export function guardMuxer(
  guarded: object,
  encrypted: EncryptedStream,
  { now, onTrouble }: Pick<MuxerGuardOptions, "now" | "onTrouble">,
): void {
  const muxer = internalsOf(guarded);
  const { decoder } = muxer;
  const isStreamWithinRate = createRateLimit(STREAM_RATE, now);
  const isFrameWithinRate = createRateLimit(FRAME_RATE, now);
  const isReadWithinRate = createRateLimit(FRAME_RATE, now);
  const isWithinBytes = createRateLimit(BYTE_RATE, now);
  const require = (isWithinRate: RateLimit, code: MuxerTrouble, cost = 1): void => {
    if (!isWithinRate(cost)) throw new MuxerAbuse(code);
  };

  const readFrame = decoder.readFrame.bind(decoder);
  decoder.readFrame = () => {
    const { buffer } = decoder;
    const isLong =
      buffer.byteLength >= HEADER_BYTES &&
      buffer.get(1) === DATA_FRAME &&
      buffer.getUint32(LENGTH_AT) > MAX_WINDOW_BYTES;
    if (isLong) throw new MuxerAbuse("oversized-mux-frame");
    return readFrame();
  };
  const handleFrame = muxer.handleFrame.bind(muxer);
  muxer.handleFrame = (frame) => {
    require(isFrameWithinRate, "too-much-traffic");
    handleFrame(frame);
  };
  const incomingStream = muxer.incomingStream.bind(muxer);
  muxer.incomingStream = (id) => {
    require(isStreamWithinRate, "too-many-streams");
    incomingStream(id);
  };
  const onData = muxer.onData.bind(muxer);
  muxer.onData = (bytes) => {
    try {
      // A frame may come byte by byte: what waits for its end is kept in as many pieces.
      require(isReadWithinRate, "too-much-traffic");
      require(isWithinBytes, "too-much-traffic", bytes.byteLength);
      onData(bytes);
    } catch (error) {
      const code = troubleOf(error);
      if (code !== null && encrypted.stream !== undefined) onTrouble(encrypted.stream, code);
      // The muxer ends the connection.
      throw error;
    }
  };
}

/**
 * What the peer has to answer for; null for what this side cannot do any more: a ping, for one, has
 * no answer once the connection is closing. Nor is a late answer to a ping that was given up a lie.
 */
function troubleOf(error: unknown): MuxerTrouble | null {
  if (error instanceof MuxerAbuse) return error.code;
  return error instanceof Error && MALFORMED.has(error.name) ? "malformed-mux-frame" : null;
}

function internalsOf(muxer: object): MuxerInternals {
  const internals = muxer as MuxerInternals;
  const isWhole =
    typeof internals.decoder?.readFrame === "function" &&
    typeof internals.decoder.buffer?.getUint32 === "function" &&
    typeof internals.onData === "function" &&
    typeof internals.handleFrame === "function" &&
    typeof internals.incomingStream === "function";
  if (isWhole) return internals;
  throw new GossipError(
    "unsupported-yamux",
    "this version of @libp2p/yamux is not supported: install the one in the lockfile",
  );
}

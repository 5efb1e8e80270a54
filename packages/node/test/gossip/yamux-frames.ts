import type { Connection, MessageStream } from "@libp2p/interface";

/** The flag of a frame that opens a stream. */
export const SYN = 1;

/** A yamux header: version 0, then these fields. */
export function yamuxHeader(fields: {
  /** 0 data, 1 window update, 2 ping, 3 go away. */
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly length: number;
}): Uint8Array {
  const header = Buffer.alloc(12);
  header.writeUInt8(fields.type, 1);
  header.writeUInt16BE(fields.flags, 2);
  header.writeUInt32BE(fields.stream, 4);
  header.writeUInt32BE(fields.length, 8);
  return header;
}

/** What a connection is made of: below its muxer, anything can be sent, encrypted. */
export function muxerOf(connection: Connection): {
  readonly maConn: MessageStream;
  removeEventListener(name: string, listener: unknown): void;
} {
  if (!("muxer" in connection)) throw new Error("libp2p keeps its muxer elsewhere");
  return connection.muxer as ReturnType<typeof muxerOf>;
}

import type { Hex } from "@mach/core";

/**
 * Reads fixed-width big-endian fields. Past the end it returns zeros and never throws; whether
 * the bytes were exactly enough is what `isExhausted` says at last.
 */
export interface ByteReader {
  u8(): number;
  u16(): number;
  u32(): number;
  u64(): bigint;
  /** A copy, so that a field kept for long does not keep the whole message. */
  bytes(length: number): Uint8Array;
  hex(length: number): Hex;
  /** The bytes not read yet. */
  remaining(): number;
  /** Every byte was read, and none beyond the end was asked for. */
  isExhausted(): boolean;
}

/** Reads from the first byte on. */
export function createReader(source: Uint8Array): ByteReader {
  const buffer = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  let offset = 0;
  let isOverrun = false;
  const take = (length: number): number => {
    const start = offset;
    if (isOverrun || length > buffer.length - offset) {
      isOverrun = true;
      return -1;
    }
    offset += length;
    return start;
  };
  return {
    u8(): number {
      const at = take(1);
      return at < 0 ? 0 : buffer.readUInt8(at);
    },
    u16(): number {
      const at = take(2);
      return at < 0 ? 0 : buffer.readUInt16BE(at);
    },
    u32(): number {
      const at = take(4);
      return at < 0 ? 0 : buffer.readUInt32BE(at);
    },
    u64(): bigint {
      const at = take(8);
      return at < 0 ? 0n : buffer.readBigUInt64BE(at);
    },
    bytes(length: number): Uint8Array {
      const at = take(length);
      return at < 0 ? new Uint8Array(0) : new Uint8Array(buffer.subarray(at, at + length));
    },
    hex(length: number): Hex {
      const at = take(length);
      return at < 0 ? "0x" : `0x${buffer.toString("hex", at, at + length)}`;
    },
    remaining: () => buffer.length - offset,
    isExhausted: () => !isOverrun && offset === buffer.length,
  };
}

/** Writes fixed-width big-endian fields; each throws a RangeError for a value that does not fit. */
export interface ByteWriter {
  u8(value: number): ByteWriter;
  u16(value: number): ByteWriter;
  u32(value: number): ByteWriter;
  u64(value: bigint): ByteWriter;
  bytes(value: Uint8Array): ByteWriter;
  /** `length` is what the field has: a value of another length throws. */
  hex(value: Hex, length: number): ByteWriter;
  /** The message. Throws a RangeError unless exactly `length` bytes were written. */
  finish(): Uint8Array;
}

/** Writes a message of exactly `length` bytes. */
export function createWriter(length: number): ByteWriter {
  const buffer = Buffer.alloc(length);
  let offset = 0;
  const writer: ByteWriter = {
    u8(value: number): ByteWriter {
      offset = buffer.writeUInt8(value, offset);
      return writer;
    },
    u16(value: number): ByteWriter {
      offset = buffer.writeUInt16BE(value, offset);
      return writer;
    },
    u32(value: number): ByteWriter {
      offset = buffer.writeUInt32BE(value, offset);
      return writer;
    },
    u64(value: bigint): ByteWriter {
      offset = buffer.writeBigUInt64BE(value, offset);
      return writer;
    },
    bytes(value: Uint8Array): ByteWriter {
      buffer.set(value, offset);
      offset += value.length;
      return writer;
    },
    hex(value: Hex, expected: number): ByteWriter {
      if (value.length !== 2 + 2 * expected || offset + expected > buffer.length) {
        throw new RangeError("expected a field of another length");
      }
      const written = buffer.write(value.slice(2), offset, "hex");
      // Node stops at the first character that is no hexadecimal digit.
      if (written !== expected) throw new RangeError("expected hexadecimal digits");
      offset += expected;
      return writer;
    },
    finish(): Uint8Array {
      if (offset !== buffer.length) throw new RangeError("expected a message of another length");
      return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
    },
  };
  return writer;
}

import { hash } from "node:crypto";
import { corruptRow, openBytes, sealBytes } from "../store/row.ts";

/** Where the chain of a record's rows has come to; index 0, and no key, before the first row. */
export interface ChainHead {
  readonly index: bigint;
  /** The seal of the row, 32 bytes: it commits to the row and, through it, to all before it. */
  readonly link: Uint8Array;
  readonly key: Uint8Array;
}

/** A point that the chain once had come to. */
export type ChainMark = Pick<ChainHead, "index" | "link">;

interface ChainedRow {
  readonly previous: ChainHead;
  readonly link: Uint8Array;
  readonly payload: Uint8Array;
}

const LINK_BYTES = 32;
const KEY_LENGTH_AT = 8 + LINK_BYTES;
const KEY_AT = KEY_LENGTH_AT + 1;

/** The head of a chain without rows: it commits to what the chain belongs to. */
export function chainAnchor(...rows: readonly Uint8Array[]): ChainHead {
  return {
    index: 0n,
    link: hash("sha256", Buffer.concat(rows), "buffer"),
    key: new Uint8Array(0),
  };
}

/** The bytes of the row that comes after `head`, and the head that it makes. */
export function sealChained(
  head: ChainHead,
  row: { readonly key: Uint8Array; readonly payload: Uint8Array },
): { readonly bytes: Uint8Array; readonly head: ChainHead } {
  const bytes = sealBytes(row.key, Buffer.concat([encodeHead(head), row.payload]));
  const link = bytes.subarray(0, LINK_BYTES);
  return { bytes, head: { index: head.index + 1n, link, key: row.key } };
}

/** The payload of a chained row. Throws a NodeError `row-corrupt`. */
export function openChained(key: Uint8Array, bytes: Uint8Array): ChainedRow {
  const body = openBytes(key, bytes);
  const previous = decodeHead(key, body);
  const payload = body.subarray(KEY_AT + previous.key.length);
  return { previous, link: bytes.subarray(0, LINK_BYTES), payload };
}

/** The head as the bytes of a row of its own. */
export function sealHead(key: Uint8Array, head: ChainHead): Uint8Array {
  return sealBytes(key, encodeHead(head));
}

/** Reads what `sealHead` wrote. Throws a NodeError `row-corrupt`. */
export function openHead(key: Uint8Array, bytes: Uint8Array): ChainHead {
  return decodeHead(key, openBytes(key, bytes));
}

export interface ChainCheck {
  readonly head: ChainHead;
  readonly anchor: ChainHead;
  /** The chain has to pass through it. */
  readonly mark: ChainMark;
  /** How many rows are read, where the mark lies no further back. */
  readonly maxRows: number;
}

/**
 * Follows the chain back from its head. False where it does not pass through the mark: rows were
 * lost, or are others. Throws a NodeError `row-corrupt` where a row is missing or damaged.
 */
export function passesThrough(
  get: (key: Uint8Array) => Uint8Array | undefined,
  { head, anchor, mark, maxRows }: ChainCheck,
): boolean {
  if (mark.index > head.index) return false;
  let at = head;
  for (let read = 0; read < maxRows || at.index >= mark.index; read++) {
    if (at.index === mark.index && !isSame(at.link, mark.link)) return false;
    if (at.index === 0n) {
      if (!isSame(at.link, anchor.link)) throw corruptRow(at.key, "its chain is another record's");
      return true;
    }
    at = previousOf(at, get(at.key));
  }
  return true;
}

function previousOf(at: ChainHead, bytes: Uint8Array | undefined): ChainHead {
  if (bytes === undefined) throw corruptRow(at.key, "it is missing");
  const { previous, link } = openChained(at.key, bytes);
  const isLinked = previous.index === at.index - 1n && isSame(link, at.link);
  if (!isLinked) throw corruptRow(at.key, "it is not the row that the next one commits to");
  return previous;
}

function encodeHead({ index, link, key }: ChainHead): Uint8Array {
  const bytes = Buffer.alloc(KEY_AT + key.length);
  bytes.writeBigUInt64BE(index);
  bytes.set(link, 8);
  bytes.writeUInt8(key.length, KEY_LENGTH_AT);
  bytes.set(key, KEY_AT);
  return bytes;
}

function decodeHead(rowKey: Uint8Array, bytes: Uint8Array): ChainHead {
  const keyEnd = KEY_AT + (bytes[KEY_LENGTH_AT] ?? 0);
  if (bytes.length < KEY_AT || bytes.length < keyEnd) throw corruptRow(rowKey, "it has no link");
  return {
    index: Buffer.from(bytes.subarray(0, 8)).readBigUInt64BE(),
    link: bytes.subarray(8, KEY_LENGTH_AT),
    key: bytes.subarray(KEY_AT, keyEnd),
  };
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

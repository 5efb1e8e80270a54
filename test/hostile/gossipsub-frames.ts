/** Frames of gossipsub by hand, so that they can be wrong in every way. */

type Bytes = Uint8Array;

/** An unsigned varint. */
export function varint(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.of(...bytes, rest);
}

/** A field of a protobuf message: bytes with their length, or a number. */
export function field(number: number, value: Bytes | string | number): Bytes {
  if (typeof value === "number") return join(varint(number * 8), varint(value));
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return join(varint(number * 8 + 2), varint(bytes.length), bytes);
}

export function join(...parts: readonly Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

/** A frame as it goes onto a gossip stream: its length before it. */
export function framed(rpc: Bytes): Bytes {
  return join(varint(rpc.length), rpc);
}

export function subscription(topic: string, subscribe = 1): Bytes {
  return field(1, join(field(1, subscribe), field(2, topic)));
}

export function publication(topic: string, data: Bytes): Bytes {
  return field(2, join(field(2, data), field(4, topic)));
}

/** The parts of a control message; they go into one field. */
export function control(...parts: readonly Bytes[]): Bytes {
  return field(3, join(...parts));
}

export function ihave(topic: string, ids: readonly Bytes[]): Bytes {
  return field(1, join(field(1, topic), ...ids.map((id) => field(2, id))));
}

export function iwant(ids: readonly Bytes[]): Bytes {
  return field(2, join(...ids.map((id) => field(1, id))));
}

export function graft(topic: string): Bytes {
  return field(3, field(1, topic));
}

export function prune(topic: string, backoffSeconds: number): Bytes {
  return field(4, join(field(1, topic), field(3, backoffSeconds)));
}

export function idontwant(ids: readonly Bytes[]): Bytes {
  return field(5, join(...ids.map((id) => field(1, id))));
}

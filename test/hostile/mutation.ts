/** Numbers from a seed, in [0, 1): the same attack each time. */
export type Random = () => number;

/** Mulberry32: quick, and random enough to break things. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function indexBelow(random: Random, count: number): number {
  return Math.floor(random() * count);
}

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[indexBelow(random, items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

export function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => indexBelow(random, 256));
}

/** Values that are lengths, versions and counts at their edges. */
const EDGES = [0, 1, 2, 64, 65, 127, 128, 192, 255];

type Mutation = (frame: Uint8Array, random: Random) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  // Bits.
  (frame, random) => changed(frame, random, (byte) => byte ^ (1 << indexBelow(random, 8))),
  // A length, a count or a version that lies.
  (frame, random) => changed(frame, random, () => pick(random, EDGES)),
  (frame, random) => {
    const lying = frame.slice();
    // The first bytes hold the version, the field's number and the outer lengths.
    const at = indexBelow(random, Math.min(8, lying.length));
    if (lying.length > 0) lying[at] = pick(random, EDGES);
    return lying;
  },
  // Truncated.
  (frame, random) => frame.slice(0, indexBelow(random, frame.length + 1)),
  // Bytes too many.
  (frame, random) => concat(frame, randomBytes(random, 1 + indexBelow(random, 64))),
  // A part of it twice: duplicated and nested fields.
  (frame, random) => {
    const from = indexBelow(random, frame.length + 1);
    const to = from + indexBelow(random, frame.length - from + 1);
    return concat(frame.slice(0, to), frame.slice(from));
  },
  (frame) => concat(frame, frame),
  // A part left out.
  (frame, random) => {
    const from = indexBelow(random, frame.length + 1);
    return concat(frame.slice(0, from), frame.slice(from + 1 + indexBelow(random, 16)));
  },
  // A varint that goes on and on.
  (frame, random) => {
    const at = indexBelow(random, frame.length + 1);
    return concat(frame.slice(0, at), new Uint8Array(11).fill(0xff), frame.slice(at));
  },
];

/** A frame with one to three things wrong with it. */
export function mutate(frame: Uint8Array, random: Random): Uint8Array {
  let mutated = frame;
  for (let times = 1 + indexBelow(random, 3); times > 0; times--) {
    mutated = pick(random, MUTATIONS)(mutated, random);
  }
  return mutated;
}

function changed(frame: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  const copy = frame.slice();
  const at = indexBelow(random, copy.length);
  if (copy.length > 0) copy[at] = change(copy[at] ?? 0);
  return copy;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const MAX_DISTANCE = 8191;
const TABLE_BITS = 13;
const MULTIPLIER = 2_654_435_769;
/** A match never begins so near the end, nor reaches its last four bytes. */
const TAIL_BYTES = 13;
const UNMATCHED_BYTES = 4;
const LITERAL_RUN = 32;
const LONG_MATCH = 262;
const SHORT_MATCH = 6;

/**
 * The length of the FastLZ level 1 compression of some bytes, as the OP Stack estimates a
 * transaction's share of a batch (specs, Fjord, execution engine, "L1-Cost fees"). The length
 * alone is computed, nothing is compressed.
 */
export function fastLzLength(input: Uint8Array): number {
  const table = new Uint32Array(1 << TABLE_BITS);
  const limit = Math.max(input.length - TAIL_BYTES, 0);
  let length = 0;
  let anchor = 0;
  let at = 2;
  while (at < limit) {
    const match = nextMatch(input, table, { at, limit });
    if (match === null) break;
    length += literalsLength(match.at - anchor);
    const end = limit + TAIL_BYTES - UNMATCHED_BYTES;
    const matched = matchLength(input, { from: match.from + 3, at: match.at + 3, end });
    length += encodedMatchLength(matched);
    at = match.at + matched;
    note(input, table, at);
    note(input, table, at + 1);
    at += 2;
    anchor = at;
  }
  return length + literalsLength(input.length - anchor);
}

/** The next place whose three bytes were seen shortly before; every place passed is noted. */
function nextMatch(
  input: Uint8Array,
  table: Uint32Array,
  { at: start, limit }: { readonly at: number; readonly limit: number },
): { readonly at: number; readonly from: number } | null {
  // The place at the limit is noted and never matched: the format is defined by what it does.
  for (let at = start; at + 1 < limit; at++) {
    const bytes = threeBytes(input, at);
    const slot = slotOf(bytes);
    const from = table[slot] ?? 0;
    table[slot] = at;
    if (at - from <= MAX_DISTANCE && bytes === threeBytes(input, from)) return { at, from };
  }
  return null;
}

function note(input: Uint8Array, table: Uint32Array, at: number): void {
  table[slotOf(threeBytes(input, at))] = at;
}

/** How many bytes are alike, and the first that is not, but none beyond the end. */
function matchLength(
  input: Uint8Array,
  { from, at, end }: { readonly from: number; readonly at: number; readonly end: number },
): number {
  let length = 0;
  while (at + length < end) {
    const isAlike = input[from + length] === input[at + length];
    length++;
    if (!isAlike) break;
  }
  return length;
}

/** Runs of 32 literals with a byte before each. */
function literalsLength(count: number): number {
  const rest = count % LITERAL_RUN;
  const runs = (count - rest) / LITERAL_RUN;
  return runs * (LITERAL_RUN + 1) + (rest === 0 ? 0 : rest + 1);
}

function encodedMatchLength(matched: number): number {
  const count = matched - 1;
  const rest = count % LONG_MATCH;
  return 3 * ((count - rest) / LONG_MATCH) + (rest >= SHORT_MATCH ? 3 : 2);
}

function threeBytes(input: Uint8Array, at: number): number {
  return (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8) | ((input[at + 2] ?? 0) << 16);
}

function slotOf(bytes: number): number {
  return Math.imul(bytes, MULTIPLIER) >>> (32 - TABLE_BITS);
}

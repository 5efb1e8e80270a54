import { fromHex, type Hex, isHex, toHex } from "@mach/core";
import { keccak, mapKey } from "./keccak.ts";
import { type UnverifiableVerdict, unverifiable } from "./verdict.ts";

/** Preimages in no order: trie nodes, bytecode and headers. Their hashes are computed, not told. */
export type Witness = readonly Uint8Array[];

export type WitnessParse =
  | { readonly ok: true; readonly witness: Witness }
  | { readonly ok: false; readonly verdict: UnverifiableVerdict };

/** Enough for a block of 100 M gas that reads cold slots only. */
export const MAX_WITNESS_BYTES: number = 128 * 1024 * 1024;
export const MAX_WITNESS_ENTRIES = 1_000_000;
const MAX_JSON_DEPTH = 3;

/** The preimages by hash, and how many of them were asked for. */
export interface PreimageStore {
  read(hash: Uint8Array): Uint8Array | null;
  /** How many preimages nobody has read. */
  surplus(): number;
}

/** Hashes every preimage: what a hash leads to is what hashes to it. */
export function createPreimageStore(witness: Witness): PreimageStore {
  const byHash = new Map<string, Uint8Array>();
  const unread = new Set<string>();
  for (const bytes of witness) {
    const key = mapKey(keccak(bytes));
    byHash.set(key, bytes);
    unread.add(key);
  }
  return {
    read(hash) {
      const key = mapKey(hash);
      unread.delete(key);
      return byHash.get(key) ?? null;
    },
    surplus: () => unread.size,
  };
}

/**
 * The preimages of a JSON witness in any shape that clients answer `debug_executionWitness` with:
 * geth's and reth's `{ headers, codes, state, keys }`, whose parts are lists of bytes or objects
 * from hash to bytes, or one object from hash to bytes. Where hashes are given they must be right.
 */
export function parseWitness(json: unknown): WitnessParse {
  const collected: Collected = { witness: [], bytes: 0 };
  const problem = collect(json, collected, 0);
  return problem === null
    ? { ok: true, witness: collected.witness }
    : { ok: false, verdict: problem };
}

interface Collected {
  readonly witness: Uint8Array[];
  bytes: number;
}

function collect(json: unknown, into: Collected, depth: number): UnverifiableVerdict | null {
  if (depth > MAX_JSON_DEPTH) return unverifiable("malformed", "the witness is nested too deep");
  if (typeof json === "string") return add(json, into);
  if (Array.isArray(json)) return firstProblem(json, (each) => collect(each, into, depth + 1));
  if (typeof json !== "object" || json === null) {
    return unverifiable("malformed", "a part of the witness is neither bytes nor a list");
  }
  return firstProblem(Object.entries(json), ([name, value]) => {
    if (value === null) return null;
    const isHash = isHex(name.toLowerCase(), 32);
    if (!isHash || typeof value !== "string") return collectPart(name, value, into, depth);
    const before = into.witness.length;
    const problem = add(value, into);
    const added = into.witness[before];
    if (problem !== null || added === undefined) return problem;
    return checkHash(name.toLowerCase() as Hex, added);
  });
}

/** What is no preimage: the keys of the trie as some clients add them, and headers as objects. */
function collectPart(
  name: string,
  value: unknown,
  into: Collected,
  depth: number,
): UnverifiableVerdict | null {
  if (name === "keys") return null;
  if (name === "headers" && Array.isArray(value)) {
    const encoded = value.filter((each) => typeof each === "string");
    return collect(encoded, into, depth + 1);
  }
  return collect(value, into, depth + 1);
}

function add(hex: string, into: Collected): UnverifiableVerdict | null {
  if (hex.length % 2 !== 0 || !/^0x[0-9a-fA-F]*$/.test(hex)) {
    return unverifiable("malformed", "a preimage is not hexadecimal bytes");
  }
  into.bytes += hex.length / 2;
  if (into.bytes > MAX_WITNESS_BYTES || into.witness.length >= MAX_WITNESS_ENTRIES) {
    return unverifiable("too-large", "the witness is larger than is accepted");
  }
  into.witness.push(fromHex(hex.toLowerCase() as Hex));
  return null;
}

function checkHash(named: Hex, bytes: Uint8Array): UnverifiableVerdict | null {
  const hash = toHex(keccak(bytes));
  if (hash === named) return null;
  return unverifiable("wrong-preimage", `what is called ${named} hashes to ${hash}`);
}

function firstProblem<T>(
  items: readonly T[],
  check: (item: T) => UnverifiableVerdict | null,
): UnverifiableVerdict | null {
  for (const item of items) {
    const problem = check(item);
    if (problem !== null) return problem;
  }
  return null;
}

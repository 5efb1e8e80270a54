import { buildIndexTrie, indexKey, toHex } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keccak, mapKey } from "../src/keccak.ts";
import { EMPTY_ROOT, MissingPreimageError, PartialTrie } from "../src/trie.ts";
import { trieOf } from "./support/world.ts";

/** Few keys, so that changes meet, and values both shorter and longer than a hash. */
const key = fc.integer({ min: 0, max: 40 }).map((value) => keccak(Uint8Array.of(value)));
const value = fc.uint8Array({ minLength: 1, maxLength: 60 });
const entries = fc.array(fc.tuple(key, value), { maxLength: 60 });
const changes = fc.array(fc.tuple(key, fc.option(value)), { maxLength: 30 });

/** The library's trie, and its nodes by hash. */
async function fullTrie(content: readonly (readonly [Uint8Array, Uint8Array])[]) {
  const { trie, nodes } = await trieOf(content);
  return { trie, nodes: new Map(nodes.map((bytes) => [mapKey(keccak(bytes)), bytes])) };
}

describe("a partial trie", () => {
  it("has the roots and values of a full one under any changes", async () => {
    await fc.assert(
      fc.asyncProperty(entries, changes, async (content, changed) => {
        const { trie, nodes } = await fullTrie(content);
        const read = (hash: Uint8Array) => nodes.get(mapKey(hash)) ?? null;
        const partial = new PartialTrie(trie.root(), read);
        const last = new Map(changed.map(([key, value]) => [mapKey(key), { key, value }]));
        const all = [...last.values()];
        for (const { key, value } of all) if (value !== null) partial.set(key, value);
        for (const { key, value } of all) if (value === null) partial.remove(key);
        for (const { key, value } of all) {
          if (value === null) await trie.del(key);
          else await trie.put(key, value);
        }
        expect(toHex(partial.root())).toBe(toHex(trie.root()));
        for (const [key] of content) expect(partial.get(key)).toEqual(await trie.get(key));
      }),
      { numRuns: process.env["MACH_LONG"] === "1" ? 2000 : 100 },
    );
  });

  it("says which node it lacks instead of giving nothing", async () => {
    const content = [1, 2, 3, 4, 5].map((each) => {
      return [keccak(Uint8Array.of(each)), keccak(Uint8Array.of(each, each))] as const;
    });
    const { trie, nodes } = await fullTrie(content);
    const [wanted] = content[0] ?? [];
    if (wanted === undefined) throw new Error("no key");
    for (const [hash, bytes] of nodes) {
      const read = (each: Uint8Array) =>
        mapKey(each) === hash ? null : (nodes.get(mapKey(each)) ?? null);
      const partial = new PartialTrie(trie.root(), read, "0xabcd");
      const isOnTheWay = bytes.length > 0 && reads(trie.root(), nodes, wanted).includes(hash);
      if (!isOnTheWay) expect(partial.get(wanted)).not.toBeNull();
      else expect(() => partial.get(wanted)).toThrow(MissingPreimageError);
    }
  });

  it("needs the sibling that a deletion moves up, and no other", async () => {
    const [a, b] = pairUnderOneBranch();
    const { trie, nodes } = await fullTrie([
      [a, new Uint8Array(40).fill(1)],
      [b, new Uint8Array(40).fill(2)],
    ]);
    const sibling = siblingHash(a, b, nodes);
    const read = (hash: Uint8Array) =>
      mapKey(hash) === sibling ? null : (nodes.get(mapKey(hash)) ?? null);
    const reading = new PartialTrie(trie.root(), read);
    expect(reading.get(a)).not.toBeNull();
    try {
      reading.remove(a);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(MissingPreimageError);
      expect((error as MissingPreimageError).missing.hash).toBe(`0x${sibling}`);
    }
    // A key put in the place of the one that goes leaves the branch with two.
    const written = new PartialTrie(trie.root(), read);
    written.set(thirdUnderTheBranch(a, b), Uint8Array.of(3));
    written.remove(a);
    expect(written.root()).not.toEqual(trie.root());
  });

  it("is the empty one after its last key goes", () => {
    const trie = new PartialTrie(EMPTY_ROOT, () => null);
    const key = keccak(Uint8Array.of(1));
    trie.set(key, Uint8Array.of(1));
    expect(trie.root()).not.toEqual(EMPTY_ROOT);
    trie.remove(key);
    expect(trie.root()).toEqual(EMPTY_ROOT);
  });
});

function reads(
  root: Uint8Array,
  nodes: ReadonlyMap<string, Uint8Array>,
  key: Uint8Array,
): string[] {
  const seen: string[] = [];
  new PartialTrie(root, (hash) => {
    seen.push(mapKey(hash));
    return nodes.get(mapKey(hash)) ?? null;
  }).get(key);
  return seen;
}

function firstNibble(key: Uint8Array): number {
  return (key[0] ?? 0) >> 4;
}

function keys(): Uint8Array[] {
  return Array.from({ length: 64 }, (_, index) => keccak(Uint8Array.of(index)));
}

/** Two keys that differ in their first nibble: their trie is one branch over two leaves. */
function pairUnderOneBranch(): readonly [Uint8Array, Uint8Array] {
  const [a, ...rest] = keys();
  const b = rest.find((each) => a !== undefined && firstNibble(each) !== firstNibble(a));
  if (a === undefined || b === undefined) throw new Error("no keys");
  return [a, b];
}

function thirdUnderTheBranch(a: Uint8Array, b: Uint8Array): Uint8Array {
  const taken = [firstNibble(a), firstNibble(b)];
  const third = keys().find((each) => !taken.includes(firstNibble(each)));
  if (third === undefined) throw new Error("no key");
  return third;
}

/** The leaf of b: the node that reading b needs and reading a does not. */
function siblingHash(a: Uint8Array, b: Uint8Array, nodes: ReadonlyMap<string, Uint8Array>): string {
  const root = [...nodes.keys()].map((hash) => Buffer.from(hash, "hex"));
  for (const candidate of root) {
    const ofA = attempt(() => reads(candidate, nodes, a));
    const ofB = attempt(() => reads(candidate, nodes, b));
    const only = ofB.find((hash) => !ofA.includes(hash));
    if (ofA.length === 2 && ofB.length === 2 && only !== undefined) return only;
  }
  throw new Error("no sibling");
}

function attempt(work: () => string[]): string[] {
  try {
    return work();
  } catch {
    // A leaf taken for a root: not the one looked for.
    return [];
  }
}

it("the trie of a list is the one that its keys and values make one by one", () => {
  const lists = fc.array(fc.uint8Array({ minLength: 1, maxLength: 70 }), { maxLength: 200 });
  fc.assert(
    fc.property(lists, (values) => {
      const trie = new PartialTrie(EMPTY_ROOT, () => null);
      for (const [index, value] of values.entries()) trie.set(indexKey(index), value);
      expect(toHex(trie.root())).toBe(toHex(buildIndexTrie(values, keccak).root));
    }),
    { numRuns: 50 },
  );
});

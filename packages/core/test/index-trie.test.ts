import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, type Hex, toHex } from "../src/hex.ts";
import { buildIndexTrie, indexTrieSteps } from "../src/index-trie.ts";
import { indexKey, provenValue } from "../src/trie-proof.ts";

interface RealBody {
  readonly number: number;
  readonly header: { readonly transactionsRoot: Hex; readonly receiptsRoot: Hex };
  readonly transactions: readonly Hex[];
  readonly receipts: readonly Hex[];
}

const FILE = new URL("../../../test/vectors/rollups/op/bodies.json.gz", import.meta.url);
const { blocks } = JSON.parse(gunzipSync(readFileSync(FILE)).toString("utf8")) as {
  blocks: readonly RealBody[];
};

function prove(values: readonly Uint8Array[], index: number) {
  const trie = buildIndexTrie(values);
  const nodes = trie.proofOf(index).map(toHex);
  return { root: toHex(trie.root), nodes };
}

const byteLists = fc.array(fc.uint8Array({ minLength: 1, maxLength: 80 }), {
  minLength: 1,
  maxLength: 300,
});

describe("the tries of a real block", () => {
  it.each(blocks)("$number have the roots of its header, and prove each value", (block) => {
    const { transactionsRoot, receiptsRoot } = block.header;
    for (const [list, root] of [
      [block.transactions, transactionsRoot],
      [block.receipts, receiptsRoot],
    ] as const) {
      const trie = buildIndexTrie(list.map(fromHex));
      expect(toHex(trie.root)).toBe(root);
      for (const [index, value] of list.entries()) {
        const nodes = trie.proofOf(index).map(toHex);
        expect(provenValue(nodes, { root, key: indexKey(index) })).toEqual(fromHex(value));
        // The same nodes prove no other index.
        const other = { root, key: indexKey((index + 1) % list.length) };
        expect(provenValue(nodes, other)).toBeNull();
      }
    }
  });
});

it("no values have the root of an empty trie, and nothing to prove", () => {
  const trie = buildIndexTrie([]);
  expect(toHex(trie.root)).toBe(
    "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
  );
  expect(() => trie.proofOf(0)).toThrow(RangeError);
});

it("a leaf proves its own key alone, and no other of that length", () => {
  const { root, nodes } = prove([new Uint8Array(40).fill(1)], 0);
  expect(provenValue(nodes, { root, key: indexKey(0) })).not.toBeNull();
  for (const index of [1, 2, 127]) {
    expect(provenValue(nodes, { root, key: indexKey(index) })).toBeNull();
  }
});

it("a trie is built value by value, so that other work can come between", () => {
  const values = Array.from({ length: 50 }, (_, i) => new Uint8Array(40).fill(i));
  const steps = indexTrieSteps(values);
  let count = 0;
  let step = steps.next();
  for (; !step.done; step = steps.next()) count++;
  expect(count).toBe(values.length);
  expect(step.value.root).toEqual(buildIndexTrie(values).root);
});

it("any value of any list is proved, short ones inside of their parents too", () => {
  fc.assert(
    fc.property(byteLists, fc.nat(), (values, at) => {
      const index = at % values.length;
      const { root, nodes } = prove(values, index);
      expect(provenValue(nodes, { root, key: indexKey(index) })).toEqual(values[index]);
    }),
    { numRuns: 100 },
  );
});

it("a proof with any byte changed, or any node gone, moved or added, proves nothing", () => {
  const values = Array.from({ length: 150 }, (_, i) => new Uint8Array(40 + i).fill(i));
  fc.assert(
    fc.property(
      fc.nat({ max: 149 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (index, at, by) => {
        const { root, nodes } = prove(values, index);
        const key = indexKey(index);
        const place = at % nodes.length;
        const bytes = fromHex(nodes[place] ?? "0x");
        const position = Math.floor(at / nodes.length) % bytes.length;
        bytes[position] = (bytes[position] ?? 0) ^ by;
        expect(provenValue(nodes.with(place, toHex(bytes)), { root, key })).toBeNull();
        expect(provenValue(nodes.toSpliced(place, 1), { root, key })).toBeNull();
        expect(provenValue(nodes.toReversed(), { root, key })).toBeNull();
        expect(provenValue([...nodes, nodes[place] ?? "0x"], { root, key })).toBeNull();
      },
    ),
    { numRuns: 100 },
  );
});

it("what is no trie proves nothing, and is not thrown over", () => {
  const wanted = { root: prove([Uint8Array.of(1)], 0).root, key: indexKey(0) };
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 4 }), (nodes) => {
      expect(provenValue(nodes.map(toHex), wanted)).toBeNull();
    }),
  );
});

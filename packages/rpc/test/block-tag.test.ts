import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isUpToBlock, mentionsTag, rewriteTags, type TagPin } from "../src/block-tag.ts";

const TAGS = new Set(["finalized"]);
const HASH = `0x${"ab".repeat(32)}`;
const PIN: TagPin = { tags: TAGS, block: { number: 26n, hash: HASH } };
/** Where a tag may stand, in params whose other parts are told nothing of. */
const PLACES: readonly (readonly [
  kind: "by-hash" | "by-number",
  method: string,
  params: (tag: unknown, other: unknown) => readonly unknown[],
  pinned: unknown,
  asMethod?: string,
])[] = [
  ["by-hash", "eth_call", (tag, other) => [other, tag, other], { blockHash: HASH }],
  ["by-hash", "eth_getProof", (tag, other) => [other, other, tag], { blockHash: HASH }],
  ["by-hash", "eth_getBlockReceipts", (tag) => [tag], { blockHash: HASH }],
  ["by-hash", "eth_getBlockByNumber", (tag, other) => [tag, other], HASH, "eth_getBlockByHash"],
  ["by-number", "eth_feeHistory", (tag, other) => [other, tag, other], "0x1a"],
  ["by-number", "trace_call", (tag, other) => [other, other, tag], "0x1a"],
  ["by-number", "eth_getLogs", (tag, other) => [{ fromBlock: "0x1", toBlock: tag, other }], "0x1a"],
  ["by-number", "eth_newFilter", (tag, other) => [{ other, fromBlock: tag }], "0x1a"],
];

/** JSON in which no tag stands. */
const json = fc
  .jsonValue({ maxDepth: 4, noUnicodeString: false })
  .filter((value) => !mentionsTag(value, TAGS));

describe("rewriting the tags of a request", () => {
  it("leaves all but the tag as it was, wherever it stands", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PLACES), json, (place, other) => {
        const [kind, method, params, pinned, asMethod = method] = place;
        const before = structuredClone(params("finalized", other));
        const request = { method, params: params("finalized", other) };
        expect(rewriteTags(request, PIN)).toEqual({
          kind,
          request: { method: asMethod, params: params(pinned, other) },
        });
        expect(request.params).toEqual(before);
      }),
    );
  });

  it("leaves a request without one alone", () => {
    const methods = fc.constantFrom(...PLACES.map(([, method]) => method), "eth_blockNumber");
    fc.assert(
      fc.property(methods, fc.array(json, { maxLength: 4 }), (method, params) => {
        expect(rewriteTags({ method, params }, PIN)).toEqual({ kind: "untouched" });
      }),
    );
  });

  it("never lets one pass, whatever is asked", () => {
    const withTag = fc.array(fc.oneof(json, fc.constantFrom("finalized", { a: ["Finalized"] })), {
      minLength: 1,
      maxLength: 4,
    });
    const methods = fc.constantFrom(...PLACES.map(([, method]) => method), "eth_other");
    fc.assert(
      fc.property(methods, withTag, (method, params) => {
        const rewriting = rewriteTags({ method, params }, PIN);
        if (rewriting.kind === "untouched") expect(mentionsTag(params, TAGS)).toBe(false);
        if (!("request" in rewriting)) return;
        expect(mentionsTag(rewriting.request.params, TAGS)).toBe(false);
      }),
    );
  });

  it.each([
    ["named twice", "eth_getBalance", ["0x1", { blockNumber: "finalized", blockHash: "0x2" }]],
    ["beside the block", "eth_call", [{ to: "finalized" }, "finalized"]],
    ["in an unknown method", "eth_unheardOf", ["finalized"]],
    ["a range of a block's hash", "eth_getLogs", [{ blockHash: "0x1", toBlock: "finalized" }]],
    ["within an end", "eth_getLogs", [{ fromBlock: ["finalized"], toBlock: "finalized" }]],
    ["two filters", "eth_getLogs", [{ toBlock: "finalized" }, {}]],
    ["the end of a filter, which would stand still", "eth_newFilter", [{ toBlock: "finalized" }]],
  ])("does not guess: %s", (_, method, params) => {
    expect(rewriteTags({ method, params }, PIN)).toEqual({ kind: "unknown-place" });
  });

  it("names one block of logs by its hash", () => {
    const params = [{ fromBlock: "finalized", toBlock: "finalized", address: "0x1" }];
    expect(rewriteTags({ method: "eth_getLogs", params }, PIN)).toEqual({
      kind: "by-hash",
      request: { method: "eth_getLogs", params: [{ address: "0x1", blockHash: HASH }] },
    });
  });

  it("keeps what else an object of EIP-1898 says", () => {
    const params = ["0x1", { blockNumber: "finalized", requireCanonical: true }];
    expect(rewriteTags({ method: "eth_getBalance", params }, PIN)).toMatchObject({
      request: { params: ["0x1", { requireCanonical: true, blockHash: HASH }] },
    });
  });

  it("finds a tag below any depth", () => {
    let deep: unknown = "finalized";
    for (let i = 0; i < 50_000; i++) deep = [deep];
    expect(mentionsTag(deep, TAGS)).toBe(true);
    expect(mentionsTag([[], {}, "", null, undefined, 0, "finalize"], TAGS)).toBe(false);
  });
});

describe("logs up to a block", () => {
  const block = { number: 26n, hash: `0x${"aa".repeat(32)}` };
  const request = { method: "eth_getLogs", params: [{ fromBlock: "0x1", toBlock: "0x1a" }] };
  const log = { blockNumber: "0x1a", blockHash: block.hash };

  it("are below it, or of it", () => {
    const below = { blockNumber: "0x19", blockHash: "0x" };
    expect(isUpToBlock([], request, block)).toBe(true);
    expect(isUpToBlock([below, log], request, block)).toBe(true);
  });

  it.each([
    ["one above it", [{ ...log, blockNumber: "0x1b" }]],
    ["one of another block at its height", [{ ...log, blockHash: "0x" }]],
    ["one without a height", [{ blockHash: block.hash }]],
    ["no log", [null]],
    ["no list", null],
  ])("have not %s", (_, result) => {
    expect(isUpToBlock(result, request, block)).toBe(false);
  });

  it("are asked of a range alone that ends with it", () => {
    const params = [{ fromBlock: "0x1a", toBlock: "latest" }];
    const above = [{ ...log, blockNumber: "0x1b" }];
    expect(isUpToBlock(above, { method: "eth_getLogs", params }, block)).toBe(true);
    expect(isUpToBlock(null, { ...request, method: "trace_filter" }, block)).toBe(true);
  });
});

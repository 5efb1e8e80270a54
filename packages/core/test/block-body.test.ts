import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { RLP } from "@ethereumjs/rlp";
import fc from "fast-check";
import { expect, it } from "vitest";
import { bodyRootsOf, parseReceipt } from "../src/block-body.ts";
import { fromHex, type Hex, toHex } from "../src/hex.ts";

const FILE = new URL("../../../test/vectors/rollups/op/bodies.json.gz", import.meta.url);
const { blocks } = JSON.parse(gunzipSync(readFileSync(FILE)).toString("utf8")) as {
  blocks: readonly {
    readonly number: number;
    readonly header: Readonly<Record<string, Hex>>;
    readonly headerRlp: Hex;
    readonly receipts: readonly Hex[];
  }[];
};

it.each(blocks)(
  "block $number has its roots in its header, and its gas in its receipts",
  (block) => {
    const { transactionsRoot, receiptsRoot, gasUsed } = block.header;
    expect(bodyRootsOf(block.headerRlp)).toEqual({ transactionsRoot, receiptsRoot });
    const receipts = block.receipts.map(parseReceipt);
    expect(receipts.at(-1)?.cumulativeGasUsed).toBe(BigInt(gasUsed ?? "0x"));
    expect(receipts[0]).toMatchObject({ type: 0x7e, isSuccess: true });
    expect(receipts.every((receipt) => receipt !== null)).toBe(true);
  },
);

it("a receipt tells its outcome, or the state after it", () => {
  const bloom = new Uint8Array(256);
  const log = [new Uint8Array(20).fill(7), [new Uint8Array(32).fill(8)], Uint8Array.of(9)];
  const receipt = (outcome: Uint8Array, logs: unknown[] = [log]) =>
    parseReceipt(toHex(RLP.encode([outcome, Uint8Array.of(5, 0), bloom, logs] as never)));
  expect(receipt(Uint8Array.of(1))).toEqual({
    type: 0,
    isSuccess: true,
    cumulativeGasUsed: 0x500n,
    logs: [{ address: `0x${"07".repeat(20)}`, topics: [`0x${"08".repeat(32)}`], data: "0x09" }],
  });
  expect(receipt(new Uint8Array())?.isSuccess).toBe(false);
  expect(receipt(new Uint8Array(32))?.isSuccess).toBeNull();
  expect(receipt(Uint8Array.of(1, 1))).toBeNull();
  expect(receipt(Uint8Array.of(1), [[...log, log]])).not.toBeNull();
  expect(receipt(Uint8Array.of(1), [[log[0], [Uint8Array.of(1)], log[2]]])).toBeNull();
  expect(receipt(Uint8Array.of(1), [log[0]])).toBeNull();
});

it("bytes that are no header and no receipt are refused, never thrown over", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(bodyRootsOf(toHex(bytes))).toBeNull();
      expect(parseReceipt(toHex(bytes))).toBeNull();
    }),
  );
  // The preimage of a block of EraVM holds no roots, whatever stands in it.
  const preimage = `0x${"00".repeat(128)}` as const;
  expect(bodyRootsOf(preimage)).toBeNull();
  expect(bodyRootsOf(toHex(RLP.encode(fromHex(preimage))))).toBeNull();
});

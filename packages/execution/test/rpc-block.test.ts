import { type Hex, keccak256, toHex } from "@mach/core";
import { encodeHeader } from "@mach/rollups/header";
import type { RpcClient } from "@mach/rpc";
import { describe, expect, it } from "vitest";
import { keccak } from "../src/keccak.ts";
import { createByteBudget, fetchBlock, SourceError } from "../src/rpc-block.ts";
import { readRealBlock, realHeaders } from "./support/real-blocks.ts";

const block = readRealBlock(26207960);
const { transactions } = block.block;
const real = realHeaders.find((each) => each.number === 26207960);
const hashes = transactions.map((each) => toHex(keccak(each)));
const parentHash = keccak256(encodeHeader(block.parent));

function rpcHeader(header: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(header).map(([name, value]) => [
      name,
      typeof value === "bigint" ? `0x${value.toString(16)}` : value,
    ]),
  );
}

/** A node that has the real block, and what a test makes of its raw transactions. */
function node(raw: (hash: Hex, index: number) => unknown): {
  readonly client: RpcClient;
  count(): number;
} {
  let count = 0;
  const client: RpcClient = {
    async call(method, [subject]) {
      if (method === "eth_getBlockByHash" && subject === block.block.blockHash) {
        return { ok: true, value: { ...real?.header, hash: subject, transactions: hashes } };
      }
      if (method === "eth_getBlockByHash" && subject === parentHash) {
        return { ok: true, value: { ...rpcHeader(block.parent), hash: parentHash } };
      }
      if (method === "eth_getRawTransactionByHash") {
        count++;
        return { ok: true, value: raw(subject as Hex, hashes.indexOf(subject as Hex)) };
      }
      return { ok: false, code: "rpc-error" };
    },
    close: () => Promise.resolve(),
  };
  return { client, count: () => count };
}

const whole = (_: Hex, index: number) => toHex(transactions[index] ?? new Uint8Array());

describe("a block from a source", () => {
  it("comes with its transactions and its parent", async () => {
    const fetched = await fetchBlock(node(whole).client, block.block.blockHash);
    expect(fetched.block.transactions).toEqual(transactions);
    expect(fetched.parent).toEqual(block.parent);
  });
});

it("what a source gives for one block is bounded in all, not only answer by answer", () => {
  const budget = createByteBudget(10);
  expect(budget.spend(new Uint8Array(6))).toHaveLength(6);
  expect(budget.spend(new Uint8Array(4))).toHaveLength(4);
  expect(() => budget.spend(new Uint8Array(1))).toThrow(SourceError);
});

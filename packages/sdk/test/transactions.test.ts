import { createNativeBls } from "@mach/bls";
import { fromHex, type Hex, toHex } from "@mach/core";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import {
  checkInclusion,
  createMachClient,
  type MachClient,
  type MachClientOptions,
} from "../src/index.ts";
import {
  certificate,
  headers,
  proofOf,
  realBlock,
  realBody,
  serveTransaction,
  transactionHashes,
} from "./proven-transactions.ts";
import { type ReplayedNode, startNode } from "./replayed-node.ts";
import { NETWORK, NOW, ROLLUP, setOf } from "./signed-network.ts";

const bls = createNativeBls();
const INDEX = 20;
const HASH = transactionHashes[INDEX] ?? "0x";
const PROOF = proofOf(INDEX);

const nodes: ReplayedNode[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});

async function clientOf(
  count: number,
  serve: (node: ReplayedNode, index: number) => void,
  options: Partial<MachClientOptions> = {},
): Promise<MachClient> {
  nodes.push(...(await Promise.all(Array.from({ length: count }, startNode))));
  for (const [index, node] of nodes.entries()) serve(node, index);
  const trust = { epoch: 2n, operatorSetHash: setOf(2n).operatorSetHash };
  const endpoints = nodes.map(({ url }) => url);
  const fixed = { network: NETWORK, trust, timeoutMs: 5_000, now: () => NOW, bls };
  return createMachClient({ endpoints, ...fixed, ...options });
}

const QUESTION = { rollupId: ROLLUP, hash: HASH } as const;

describe("a transaction of a real block", () => {
  it("is proved from its receipt to the certificate, by one endpoint of three", async () => {
    const client = await clientOf(3, (node, index) => {
      if (index === 0) serveTransaction(node, HASH, { proof: PROOF });
    });
    const answer = await client.getTransaction(QUESTION);
    expect(answer).toMatchObject({
      status: "fast-final",
      inclusion: "proven",
      transactionHash: HASH,
      blockHash: realBlock.blockHash,
      blockNumber: realBlock.blockNumber,
      headers,
      certificate: { certificateId: certificate.certificateId },
      header: PROOF.header,
      index: INDEX,
      transaction: realBody.transactions[INDEX],
      receipt: { type: 2, isSuccess: true, bytes: realBody.receipts[INDEX] },
    });
  });

  it("is what its receipt says, a deposit's too", () => {
    const wanted = (index: number) => ({
      blockHash: realBlock.blockHash,
      transactionHash: transactionHashes[index] ?? "0x",
    });
    const receipts = transactionHashes.map((_, index) => {
      const result = checkInclusion(proofOf(index), wanted(index));
      if (!result.ok) throw new Error(result.code);
      return result.value.receipt;
    });
    expect(receipts[0]).toMatchObject({ type: 0x7e, isSuccess: true, logs: [] });
    // The gas of a block only grows.
    const gas = receipts.map(({ cumulativeGasUsed }) => cumulativeGasUsed);
    expect(gas).toEqual(gas.toSorted((left, right) => (left < right ? -1 : 1)));
    const [log] = receipts.flatMap(({ logs }) => logs);
    expect(log?.address).toMatch(/^0x[0-9a-f]{40}$/);
  });
});

describe("a proof is refused, each with its own code,", () => {
  const refusals: readonly (readonly [string, string, unknown])[] = [
    ["whose header is another block's", "wrong-block-header", { header: headers[0] }],
    ["whose header is no header", "wrong-block-header", { header: "0xc0" }],
    [
      "of another transaction of the block",
      "wrong-transaction",
      { index: 21, transaction: proofOf(21).transaction },
    ],
    ["whose transaction is at another index", "broken-transaction-proof", { index: 21 }],
    [
      "that lacks a node of the transaction's trie",
      "broken-transaction-proof",
      { transaction: { ...PROOF.transaction, nodes: PROOF.transaction.nodes.slice(1) } },
    ],
    [
      "with the receipt of another transaction",
      "broken-receipt-proof",
      { receipt: proofOf(21).receipt },
    ],
    [
      "with a receipt that says something else",
      "broken-receipt-proof",
      { receipt: { ...PROOF.receipt, value: proofOf(21).receipt.value } },
    ],
    // The transaction's own trie proves the transaction, and no receipt.
    [
      "with a transaction in place of the receipt",
      "broken-receipt-proof",
      { receipt: PROOF.transaction },
    ],
  ];
  it.each(refusals)("%s", async (_, code, change) => {
    const client = await clientOf(1, (node) => {
      serveTransaction(node, HASH, { proof: { ...PROOF, ...(change as object) } });
    });
    expect(await client.getTransaction(QUESTION)).toMatchObject({ status: "not-yet", code });
  });

  it("beneath a truncated or broken header chain", async () => {
    for (const [path, code] of [
      [headers.slice(0, 1), "truncated-header-chain"],
      [null, "truncated-header-chain"],
      [headers.toReversed(), "broken-header-chain"],
    ] as const) {
      const client = await clientOf(1, (node) => {
        serveTransaction(node, HASH, { proof: PROOF }, path);
      });
      expect(await client.getTransaction(QUESTION)).toMatchObject({ status: "not-yet", code });
      await Promise.all(nodes.splice(0).map((node) => node.stop()));
    }
  });

  it("with any byte of it changed", () => {
    const wanted = { blockHash: realBlock.blockHash, transactionHash: HASH };
    const { header, transaction, receipt } = PROOF;
    const parts: readonly Hex[] = [
      header,
      transaction.value,
      ...transaction.nodes,
      receipt.value,
      ...receipt.nodes,
    ];
    const change = fc.integer({ min: 1, max: 255 });
    fc.assert(
      fc.property(fc.nat({ max: parts.length - 1 }), fc.nat(), change, (part, at, by) => {
        const bytes = fromHex(parts[part] ?? "0x");
        const position = at % bytes.length;
        bytes[position] = (bytes[position] ?? 0) ^ by;
        const changed = parts.with(part, toHex(bytes));
        const take = (count: number): readonly Hex[] => changed.splice(0, count);
        const [[newHeader], [newTransaction]] = [take(1), take(1)];
        const transactionNodes = take(transaction.nodes.length);
        const [newReceipt] = take(1);
        const proof = {
          header: newHeader ?? "0x",
          index: INDEX,
          transaction: { value: newTransaction ?? "0x", nodes: transactionNodes },
          receipt: { value: newReceipt ?? "0x", nodes: changed },
        };
        expect(checkInclusion(proof, wanted).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe("without a proof", () => {
  it("no number of endpoints makes it final, and the code says why there is none", async () => {
    const client = await clientOf(3, (node) => {
      serveTransaction(node, HASH, { proofGap: "order-only" });
    });
    const answer = await client.getTransaction(QUESTION);
    expect(answer).toMatchObject({ status: "not-yet", code: "order-only" });
  });

  it("it is agreed where that is enough, by as many endpoints as are asked for", async () => {
    const client = await clientOf(3, (node, index) => {
      if (index < 2) serveTransaction(node, HASH, { proofGap: "order-only" });
    });
    const question = { ...QUESTION, inclusion: "agreed" } as const;
    const answer = await client.getTransaction(question);
    expect(answer).toMatchObject({ status: "fast-final", inclusion: "agreed" });
    expect(answer).not.toHaveProperty("receipt");
    nodes[1]?.forget(`/v1/rollups/${ROLLUP}/transactions/${HASH}`);
    const alone = await client.getTransaction(question);
    expect(alone).toMatchObject({ status: "not-yet", code: "no-agreement" });
  });

  it("and without a reason an answer is refused", async () => {
    const client = await clientOf(1, (node) => serveTransaction(node, HASH));
    expect(await client.getTransaction(QUESTION)).toMatchObject({ code: "no-proof" });
  });

  it("from two liars a proof by one honest endpoint stands", async () => {
    const client = await clientOf(3, (node, index) => {
      const lie = { ...PROOF, receipt: proofOf(21).receipt };
      serveTransaction(node, HASH, { proof: index === 2 ? PROOF : lie });
    });
    const answer = await client.getTransaction(QUESTION);
    expect(answer).toMatchObject({ status: "fast-final", inclusion: "proven", index: INDEX });
  });
});

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Hex, indexKey, keccak256, provenValue, toHex } from "@mach/core";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createInclusionProver, type InclusionProver } from "../src/inclusion-prover.ts";
import {
  type RealBody,
  realBodies,
  toRpcReceipt,
  toRpcTransaction,
} from "./support/real-bodies.ts";

type Answer = (params: readonly unknown[]) => unknown;

/** A source that answers these methods, and has no other. */
async function startSource(answers: Readonly<Record<string, Answer>>): Promise<Source> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => {
      body += data;
    });
    request.on("end", () => {
      const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: [] };
      asked.push(method);
      const answer = answers[method];
      const error = { code: -32_601, message: "the method does not exist" };
      const result = answer === undefined ? { error } : { result: answer(params) ?? null };
      response.end(JSON.stringify({ jsonrpc: "2.0", id, ...result }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

interface Source {
  readonly url: string;
  readonly asked: string[];
}

const servers: Server[] = [];
const provers: InclusionProver[] = [];
afterEach(async () => {
  await Promise.all(provers.splice(0).map((prover) => prover.close()));
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

function proverOf(...sources: readonly Source[]): InclusionProver {
  const prover = createInclusionProver({ urls: sources.map(({ url }) => url), timeoutMs: 20_000 });
  provers.push(prover);
  return prover;
}

const body = realBodies[0] as RealBody;
const hashes = body.transactions.map((each) => keccak256(each));
const receipts = body.receipts.map((each, index) => toRpcReceipt(each, hashes[index] ?? "0x"));
const rawBlock = {
  ...body.header,
  hash: body.hash,
  transactions: body.transactions.map(toRpcTransaction),
};
const asked = { blockHash: body.hash, transactionHash: hashes[3] ?? "0x" };
const whole: Readonly<Record<string, Answer>> = {
  eth_getBlockByHash: ([hash]) => (hash === body.hash ? rawBlock : null),
  eth_getBlockReceipts: ([hash]) => (hash === body.hash ? receipts : null),
};

describe("a real block", () => {
  it.each(realBodies)("$number proves each of its transactions and receipts", async (real) => {
    const names = real.transactions.map((each) => keccak256(each));
    const source = await startSource({
      eth_getBlockByHash: () => ({
        ...real.header,
        hash: real.hash,
        transactions: real.transactions.map(toRpcTransaction),
      }),
      eth_getBlockReceipts: () =>
        real.receipts.map((each, index) => toRpcReceipt(each, names[index] ?? "0x")),
    });
    const prover = proverOf(source);
    const { transactionsRoot, receiptsRoot } = real.header as Record<string, Hex>;
    for (const [index, transactionHash] of names.entries()) {
      const result = await prover.prove({ blockHash: real.hash, transactionHash });
      if (!result.ok) throw new Error(result.code);
      const { header, transaction, receipt } = result.proof;
      expect(keccak256(header)).toBe(real.hash);
      expect(result.proof.index).toBe(index);
      expect([transaction.value, receipt.value]).toEqual([
        real.transactions[index],
        real.receipts[index],
      ]);
      const key = indexKey(index);
      const proven = (root: Hex | undefined, nodes: readonly Hex[]) =>
        toHex(provenValue(nodes, { root: root ?? "0x", key }) ?? new Uint8Array());
      expect(proven(transactionsRoot, transaction.nodes)).toBe(transaction.value);
      expect(proven(receiptsRoot, receipt.nodes)).toBe(receipt.value);
    }
    // The body is fetched once.
    expect(source.asked).toEqual(["eth_getBlockByHash", "eth_getBlockReceipts"]);
  });

  it("is put together from single calls where a source has no others", async () => {
    const unknown = { ...toRpcTransaction(body.transactions[2] ?? "0x"), type: "0x68" };
    const block = { ...rawBlock, transactions: rawBlock.transactions.with(2, unknown) };
    const source = await startSource({
      eth_getBlockByHash: () => block,
      debug_getRawTransaction: ([hash]) => body.transactions[hashes.indexOf(hash as Hex)],
      eth_getTransactionReceipt: ([hash]) => receipts[hashes.indexOf(hash as Hex)],
    });
    expect(await proverOf(source).prove(asked)).toMatchObject({ ok: true, proof: { index: 3 } });
  });

  it("is asked for once, however many ask at the same time", async () => {
    const source = await startSource(whole);
    const prover = proverOf(source);
    const results = await Promise.all(Array.from({ length: 20 }, () => prover.prove(asked)));
    expect(results.every((result) => result.ok)).toBe(true);
    expect(source.asked).toHaveLength(2);
  });
});

describe("no proof is given", () => {
  const refuses = async (answers: Readonly<Record<string, Answer>>, code: string) => {
    const source = await startSource({ ...whole, ...answers });
    expect(await proverOf(source).prove(asked)).toEqual({ ok: false, code });
  };

  it("of a transaction that the block does not hold", async () => {
    const prover = proverOf(await startSource(whole));
    const transactionHash: Hex = `0x${"12".repeat(32)}`;
    const result = await prover.prove({ ...asked, transactionHash });
    expect(result).toEqual({ ok: false, code: "not-in-block" });
  });

  it("of another block than the one of the hash, or none", async () => {
    await refuses({ eth_getBlockByHash: () => null }, "unavailable");
    await refuses(
      { eth_getBlockByHash: () => ({ ...rawBlock, extraData: "0x01" }) },
      "unavailable",
    );
    const other = { ...realBodies[1]?.header, hash: realBodies[1]?.hash, transactions: [] };
    await refuses({ eth_getBlockByHash: () => other }, "unavailable");
    await refuses({ eth_getBlockByHash: () => ({ ...rawBlock, transactions: 1 }) }, "unavailable");
  });

  it("of transactions that are not the block's", async () => {
    const { transactions } = rawBlock;
    const swapped = [...transactions.slice(0, -2), ...transactions.slice(-2).reverse()];
    for (const others of [swapped, transactions.slice(1), [...transactions, transactions[0]]]) {
      const block = { ...rawBlock, transactions: others };
      await refuses({ eth_getBlockByHash: () => block }, "wrong-root");
    }
    const altered = { ...transactions[4], value: "0x1234" };
    const block = { ...rawBlock, transactions: transactions.with(4, altered) };
    await refuses({ eth_getBlockByHash: () => block }, "wrong-root");
  });

  it("of receipts that are not the block's", async () => {
    const flipped = receipts.with(3, { ...receipts[3], status: "0x0" });
    for (const others of [flipped, receipts.toReversed(), receipts.with(1, {})]) {
      await refuses({ eth_getBlockReceipts: () => others }, "wrong-root");
    }
    await refuses({ eth_getBlockReceipts: () => receipts.slice(1) }, "unavailable");
    await refuses({ eth_getBlockReceipts: () => "rubbish" }, "unavailable");
  });

  it("of a block with more transactions than are taken", async () => {
    const transactions = Array.from({ length: 5_001 }, () => hashes[0]);
    await refuses({ eth_getBlockByHash: () => ({ ...rawBlock, transactions }) }, "too-large");
  });
});

it("the next source is asked where one lies, fails or is down", async () => {
  const liar = await startSource({ ...whole, eth_getBlockReceipts: () => receipts.toReversed() });
  const lacking = await startSource({});
  const honest = await startSource(whole);
  const down = { url: "http://127.0.0.1:9", asked: [] };
  const prover = proverOf(down, lacking, liar, honest);
  expect(await prover.prove(asked)).toMatchObject({ ok: true });
  // What the liar gave is said where nobody gives better.
  expect(await proverOf(liar, lacking).prove(asked)).toEqual({ ok: false, code: "wrong-root" });
});

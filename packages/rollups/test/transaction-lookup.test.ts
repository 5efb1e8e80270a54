import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { createTransactionLookup, type TransactionLookup } from "../src/transaction-lookup.ts";

const TRANSACTION = `0x${"11".repeat(32)}` as const;
const BLOCK = `0x${"22".repeat(32)}` as const;
const OTHER = `0x${"33".repeat(32)}` as const;

const servers: Server[] = [];
const lookups: TransactionLookup[] = [];

afterEach(async () => {
  await Promise.all(lookups.splice(0).map((lookup) => lookup.close()));
  for (const server of servers.splice(0)) server.close();
});

/** A source that answers every call with this result. */
async function source(result: unknown): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => {
      body += data;
    });
    request.on("end", () => {
      const { id } = JSON.parse(body) as { id: number };
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function lookup(urls: readonly string[], agree: number): TransactionLookup {
  const created = createTransactionLookup({ urls, agree, timeoutMs: 2_000 });
  lookups.push(created);
  return created;
}

const receipt = (blockHash: unknown, transactionHash = TRANSACTION): unknown => ({
  transactionHash,
  blockHash,
});

it("the block is the one that enough sources name", async () => {
  const urls = [await source(receipt(BLOCK)), await source(receipt(BLOCK)), await source(null)];
  expect(await lookup(urls, 2).blockOf(TRANSACTION)).toBe(BLOCK);
  expect(await lookup(urls, 3).blockOf(TRANSACTION)).toBeNull();
});

it("sources that name two blocks name none", async () => {
  const urls = [await source(receipt(BLOCK)), await source(receipt(OTHER))];
  expect(await lookup(urls, 1).blockOf(TRANSACTION)).toBeNull();
});

it("one host named twice is one source", async () => {
  const url = await source(receipt(BLOCK));
  expect(await lookup([url, `${url}/second`], 2).blockOf(TRANSACTION)).toBeNull();
});

it("a receipt of another transaction, or without a hash, counts for nothing", async () => {
  for (const answer of [receipt(BLOCK, OTHER as never), receipt("0x12"), receipt(7), "text", []]) {
    expect(await lookup([await source(answer)], 1).blockOf(TRANSACTION)).toBeNull();
  }
});

it("a source that is down counts for nothing", async () => {
  const urls = ["http://127.0.0.1:9", await source(receipt(BLOCK))];
  expect(await lookup(urls, 1).blockOf(TRANSACTION)).toBe(BLOCK);
});

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Hex, keccak256, linksOf } from "@mach/core";
import { expect, it, onTestFinished } from "vitest";
import { checkHeader } from "../src/header.ts";
import { createHeaderReader, type HeaderReader } from "../src/header-reader.ts";
import { opCases, type RawHeader } from "./support/vectors.ts";

/** A chain of real fields with other numbers and parents: each hashes to its own hash. */
function chainOf(length: number, extraData: Hex = "0x"): readonly RawHeader[] {
  const chain: RawHeader[] = [];
  let parentHash: Hex = keccak256("0x");
  for (let number = 100; number < 100 + length; number++) {
    const fields = { ...opCases[1]?.header, parentHash, extraData, number: toHexNumber(number) };
    const wrong = checkHeader({ ...fields, hash: parentHash });
    if (wrong.ok || wrong.code !== "hash-mismatch") throw new Error("expected another hash");
    parentHash = wrong.expected;
    chain.push({ ...fields, hash: parentHash });
  }
  return chain;
}

function toHexNumber(number: number): Hex {
  return `0x${number.toString(16)}`;
}

async function readerOf(...chains: (readonly RawHeader[])[]): Promise<HeaderReader> {
  const urls = await Promise.all(chains.map(serve));
  const reader = createHeaderReader({ urls, timeoutMs: 20_000 });
  onTestFinished(() => reader.close());
  return reader;
}

async function serve(chain: readonly RawHeader[]): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => {
      body += data;
    });
    request.on("end", () => {
      const { id, params } = JSON.parse(body) as { id: number; params: [string] };
      const [name] = params;
      const result = chain.find(({ hash, number }) => hash === name || number === name) ?? null;
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const CHAIN = chainOf(40);
const endAt = (index: number, chain = CHAIN) => ({
  blockNumber: BigInt(100 + index),
  blockHash: chain[index]?.hash ?? "0x",
});

it("a block is what hashes to its hash, from whichever source has it", async () => {
  const reader = await readerOf([], CHAIN);
  const block = await reader.block(endAt(7).blockHash);
  expect(block).toMatchObject({ ...endAt(7), parentHash: endAt(6).blockHash, outputRoot: null });
  expect(keccak256(block?.headerRlp ?? "0x")).toBe(endAt(7).blockHash);
  expect(await reader.block(keccak256("0x01"))).toBeNull();
});

it("the headers between lead from the upper block down to the child of the lower one", async () => {
  const reader = await readerOf([], chainOf(40, "0x66"), CHAIN);
  const headers = await reader.between({ top: endAt(39), bottom: endAt(2) });
  expect(headers).toHaveLength(37);
  const links = [...linksOf(headers ?? [])];
  expect(links.map(({ blockHash }) => blockHash)).toEqual(
    CHAIN.slice(3)
      .map(({ hash }) => hash)
      .reverse(),
  );
  expect(links.at(-1)?.parentHash).toBe(endAt(2).blockHash);
  expect(await reader.between({ top: endAt(5), bottom: endAt(5) })).toEqual([]);
});

it("there is no way to a block of another branch, upwards, too far, or with a header missing", async () => {
  const fork = chainOf(40, "0x66");
  const reader = await readerOf(CHAIN);
  expect(await reader.between({ top: endAt(9), bottom: endAt(2, fork) })).toBeNull();
  expect(await reader.between({ top: endAt(9, fork), bottom: endAt(2) })).toBeNull();
  expect(await reader.between({ top: endAt(5), bottom: endAt(5, fork) })).toBeNull();
  expect(await reader.between({ top: endAt(2), bottom: endAt(9) })).toBeNull();
  const far = { blockNumber: 1n, blockHash: endAt(2).blockHash };
  expect(await reader.between({ top: { ...endAt(9), blockNumber: 258n }, bottom: far })).toBeNull();
  const holed = await readerOf(CHAIN.toSpliced(20, 1));
  expect(await holed.between({ top: endAt(39), bottom: endAt(2) })).toBeNull();
});

import type { Hex, VerifiedBlock } from "@mach/core";
import { createHttpClient, type RpcClient } from "@mach/rpc";
import { checkHeader } from "./header.ts";
import { toQuantity } from "./rpc-values.ts";

export interface HeaderReaderOptions {
  /** HTTP endpoints; one that has the headers is enough, because none is believed. */
  readonly urls: readonly string[];
  readonly timeoutMs: number;
}

/** A block that two ends of a chain of headers are named by. */
interface End {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
}

/** Reads headers of blocks that are long past, each checked against the hash that names it. */
export interface HeaderReader {
  /** The block of a hash; null where no source has it. No output root is made of it. */
  block(blockHash: Hex): Promise<VerifiedBlock | null>;
  /**
   * The RLP headers from `top` down to the child of `bottom`, newest first; null where no source
   * has all of them, they do not link the two, or they are more than MAX_HEADERS_BETWEEN.
   */
  between(ends: { readonly top: End; readonly bottom: End }): Promise<readonly Hex[] | null>;
  close(): Promise<void>;
}

/** The most headers that are read for one answer. */
const MAX_HEADERS_BETWEEN = 256;

const MAX_RESPONSE_BYTES = 2_097_152;
const MAX_IN_FLIGHT = 64;
const CONCURRENCY = 16;

/** Asks the sources one by one. Only for Ethereum headers: EraVM's are no preimages of hashes. */
export function createHeaderReader(options: HeaderReaderOptions): HeaderReader {
  const { urls, timeoutMs } = options;
  const limits = { timeoutMs, maxResponseBytes: MAX_RESPONSE_BYTES, maxInFlight: MAX_IN_FLIGHT };
  const clients = urls.map((url) => createHttpClient({ url, ...limits }));

  async function firstOf<T>(read: (client: RpcClient) => Promise<T | null>): Promise<T | null> {
    for (const client of clients) {
      const found = await read(client);
      if (found !== null) return found;
    }
    return null;
  }

  return {
    block: (blockHash) =>
      firstOf(async (client) => {
        const block = await readBlock(client, "eth_getBlockByHash", blockHash);
        return block?.blockHash === blockHash ? block : null;
      }),
    async between({ top, bottom }) {
      const count = Number(top.blockNumber - bottom.blockNumber);
      if (count < 0 || count > MAX_HEADERS_BETWEEN) return null;
      if (count === 0) return top.blockHash === bottom.blockHash ? [] : null;
      return await firstOf((client) => readBetween(client, { top, bottom, count }));
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

/** By their numbers, because that needs no answer before the next question. */
async function readBetween(
  client: RpcClient,
  { top, bottom, count }: { readonly top: End; readonly bottom: End; readonly count: number },
): Promise<readonly Hex[] | null> {
  const headers: Hex[] = [];
  let expected = top.blockHash;
  for (let at = 0; at < count; at += CONCURRENCY) {
    const length = Math.min(CONCURRENCY, count - at);
    const blocks = await Promise.all(
      Array.from({ length }, (_, index) => {
        const number = toQuantity(top.blockNumber - BigInt(at + index));
        return readBlock(client, "eth_getBlockByNumber", number);
      }),
    );
    for (const block of blocks) {
      if (block?.blockHash !== expected) return null;
      headers.push(block.headerRlp);
      expected = block.parentHash;
    }
  }
  return expected === bottom.blockHash ? headers : null;
}

async function readBlock(
  client: RpcClient,
  method: string,
  name: Hex,
): Promise<VerifiedBlock | null> {
  const answer = await client.call(method, [name, false]);
  const checked = answer.ok ? checkHeader(answer.value) : null;
  if (!checked?.ok) return null;
  const { header, blockHash, headerRlp } = checked;
  const { number: blockNumber, parentHash, stateRoot, timestamp } = header;
  return { blockNumber, blockHash, parentHash, stateRoot, outputRoot: null, timestamp, headerRlp };
}

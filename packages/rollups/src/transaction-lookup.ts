import { type Hex, isHex } from "@mach/core";
import { createHttpClient, isObject, type RpcClient } from "@mach/rpc";

export interface TransactionLookupOptions {
  /** HTTP endpoints of independent sources. */
  readonly urls: readonly string[];
  /** How many of them must name the same block. */
  readonly agree: number;
  readonly timeoutMs: number;
}

/** Finds the block that a transaction is in. */
export interface TransactionLookup {
  /**
   * The hash of the block that `agree` sources say the transaction is in, null where fewer know
   * of it or any names another one. That the block is of the rollup, the caller checks.
   */
  blockOf(transactionHash: Hex): Promise<Hex | null>;
  close(): Promise<void>;
}

const MAX_RESPONSE_BYTES = 1_048_576;
const MAX_IN_FLIGHT = 64;

/** Asks for receipts; a source that fails or does not know counts for nothing. */
export function createTransactionLookup(options: TransactionLookupOptions): TransactionLookup {
  const { urls, agree, timeoutMs } = options;
  const limits = { timeoutMs, maxResponseBytes: MAX_RESPONSE_BYTES, maxInFlight: MAX_IN_FLIGHT };
  // Two endpoints of one host are one source.
  const byHost = new Map(urls.map((url) => [new URL(url).host, url]));
  const clients = [...byHost.values()].map((url) => createHttpClient({ url, ...limits }));
  return {
    async blockOf(transactionHash) {
      const answers = await Promise.all(clients.map((each) => askBlock(each, transactionHash)));
      const named = answers.filter((answer) => answer !== null);
      const [first] = named;
      const isAgreed = named.length >= agree && named.every((answer) => answer === first);
      return isAgreed ? (first ?? null) : null;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

async function askBlock(client: RpcClient, transactionHash: Hex): Promise<Hex | null> {
  const result = await client.call("eth_getTransactionReceipt", [transactionHash]);
  if (!result.ok || !isObject(result.value)) return null;
  const { blockHash, transactionHash: named } = result.value;
  if (typeof blockHash !== "string" || !isHex(blockHash, 32)) return null;
  return named === transactionHash ? blockHash : null;
}

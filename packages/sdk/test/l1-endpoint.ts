import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { concatHex, type Hex, keccak256Text, uintWord, ZERO_HASH } from "@mach/core";
import { DOMAIN } from "./signed-network.ts";

/** An L1 endpoint that knows a registry's finalized state, and answers as it is told to. */
export interface L1Endpoint {
  readonly url: string;
  readonly sets: Map<bigint, Hex>;
  /** Thresholds by rollup; every other rollup's view reverts. */
  readonly thresholds: Map<bigint, bigint>;
  chainId: bigint;
  /** The block tags and hashes that were asked at. */
  readonly askedAt: Set<unknown>;
  stop(): Promise<void>;
}

const BLOCK_HASH: Hex = `0x${"b1".repeat(32)}`;
const SET_HASH = keccak256Text("operatorSetHash(uint64)").slice(0, 10);

export async function startL1(): Promise<L1Endpoint> {
  const endpoint = {
    url: "",
    sets: new Map<bigint, Hex>(),
    thresholds: new Map<bigint, bigint>(),
    chainId: DOMAIN.chainId,
    askedAt: new Set<unknown>(),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };

  function answer(method: string, params: readonly unknown[]): object {
    if (method === "eth_chainId") return { result: `0x${endpoint.chainId.toString(16)}` };
    if (method === "eth_getBlockByNumber") {
      endpoint.askedAt.add(params[0]);
      return { result: { hash: BLOCK_HASH } };
    }
    const [{ data }, at] = params as [{ data: Hex }, unknown];
    endpoint.askedAt.add(JSON.stringify(at));
    const words = [0, 1].map((word) => BigInt(`0x${data.slice(10 + 64 * word, 74 + 64 * word)}0`));
    const [first = 0n] = words.map((word) => word >> 4n);
    if (data.startsWith(SET_HASH)) return { result: endpoint.sets.get(first) ?? ZERO_HASH };
    const thresholdBps = endpoint.thresholds.get(first);
    if (thresholdBps === undefined) return { error: { code: 3, message: "execution reverted" } };
    const rollup = [first, 0n, 1n, thresholdBps, 1n, 0n].map((value) => uintWord(value));
    return { result: concatHex(...rollup) };
  }

  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { id, method, params } = JSON.parse(body) as {
      readonly id: number;
      readonly method: string;
      readonly params: readonly unknown[];
    };
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...answer(method, params) }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endpoint.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return endpoint;
}

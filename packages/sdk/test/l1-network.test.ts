import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { keccak256Text, uintWord } from "@mach/core";
import { afterEach, expect, it } from "vitest";
import { readNetwork } from "../src/index.ts";
import { EPOCH_SECONDS, GENESIS, REGISTRY } from "./signed-network.ts";

const GENESIS_TIME = keccak256Text("genesisTime()").slice(0, 10);
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** An L1 endpoint with one registry, or another answer in place of one method's. */
async function startL1(instead: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { id, method, params } = JSON.parse(body) as {
      readonly id: number;
      readonly method: string;
      readonly params: readonly { readonly to?: string; readonly data?: string }[];
    };
    const { to, data } = params[0] ?? {};
    const word = data === GENESIS_TIME ? GENESIS : EPOCH_SECONDS;
    const results: Readonly<Record<string, unknown>> = {
      eth_chainId: "0x7a69",
      eth_getBlockByNumber: { hash: `0x${"b1".repeat(32)}` },
      eth_call: to === REGISTRY ? uintWord(word) : "0x",
      ...instead,
    };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result: results[method] ?? null }));
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("reads chain and epochs of a registry from finalised L1 state", async () => {
  expect(await readNetwork({ rpcUrl: await startL1(), registry: REGISTRY })).toEqual({
    ok: true,
    network: {
      ...{ chainId: 31_337n, registry: REGISTRY },
      ...{ genesisTime: GENESIS, epochSeconds: EPOCH_SECONDS },
    },
  });
});

it("reads nothing from an address without a registry", async () => {
  const registry = `0x${"12".repeat(20)}` as const;
  expect(await readNetwork({ rpcUrl: await startL1(), registry })).toEqual({
    ...{ ok: false, code: "l1-unavailable" },
  });
});

it.each([
  ["no finalised block", { eth_getBlockByNumber: null }],
  ["no chain", { eth_chainId: "0x0" }],
  ["rubbish", { eth_chainId: 7 }],
  ["epochs of no length", { eth_call: uintWord(0n) }],
])("reads nothing where the endpoint has %s", async (_, instead) => {
  expect(await readNetwork({ rpcUrl: await startL1(instead), registry: REGISTRY })).toEqual({
    ...{ ok: false, code: "l1-unavailable" },
  });
});

it("takes an address in lower case alone", async () => {
  const registry = REGISTRY.toUpperCase() as `0x${string}`;
  await expect(readNetwork({ rpcUrl: "http://127.0.0.1:1", registry })).rejects.toMatchObject({
    code: "bad-option",
  });
});

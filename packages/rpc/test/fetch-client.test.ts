import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { createFetchClient } from "../src/fetch-client.ts";
import type { RpcClient } from "../src/json-rpc.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function clientOf(answer: RequestListener, maxInFlight = 4): Promise<RpcClient> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return createFetchClient({ url, timeoutMs: 300, maxResponseBytes: 1_000, maxInFlight });
}

function answerWith(text: (id: number) => string, status = 200): RequestListener {
  return async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { id } = JSON.parse(body) as { readonly id: number };
    response.writeHead(status).end(text(id));
  };
}

it("a result comes back, under the id of its request", async () => {
  const client = await clientOf(
    answerWith((id) => JSON.stringify({ jsonrpc: "2.0", id, result: "0x1" })),
  );
  expect(await client.call("eth_chainId", [])).toEqual({ ok: true, value: "0x1" });
});

it.each([
  ["a status other than 200", answerWith(() => "", 503), { code: "http-status", number: 503 }],
  ["no JSON-RPC", answerWith(() => "<html>"), { code: "malformed" }],
  ["too many bytes", answerWith(() => "x".repeat(1_001)), { code: "too-large" }],
  [
    "an error of the node",
    answerWith((id) => `{"jsonrpc":"2.0","id":${id},"error":{"code":3,"message":"x"}}`),
    { code: "rpc-error", number: 3 },
  ],
  ["no answer in time", () => undefined, { code: "timeout" }],
  ["a redirect", answerWith(() => "", 307), { code: "unreachable" }],
] as const)("%s has its code", async (_, answer, failure) => {
  const client = await clientOf(answer);
  expect(await client.call("eth_chainId", [])).toEqual({ ok: false, ...failure });
});

it("a broken connection is unreachable, and a closed client stopped", async () => {
  const client = await clientOf((request) => request.socket.destroy());
  expect(await client.call("eth_chainId", [])).toEqual({ ok: false, code: "unreachable" });
  await client.close();
  expect(await client.call("eth_chainId", [])).toEqual({ ok: false, code: "stopped" });
});

it("more calls than are allowed at once are refused", async () => {
  const client = await clientOf(() => undefined, 1);
  const first = client.call("eth_chainId", []);
  expect(await client.call("eth_chainId", [])).toEqual({ ok: false, code: "busy" });
  expect(await first).toEqual({ ok: false, code: "timeout" });
});

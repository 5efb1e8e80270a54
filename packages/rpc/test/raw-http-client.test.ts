import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { createRawHttpClient } from "../src/http-client.ts";

/** A client of a node that answers with a text, and the bodies that the node got. */
async function clientOf(answer: string) {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    bodies.push(body);
    response.end(answer.replace("$id", String(JSON.parse(body).id)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const limits = { timeoutMs: 5_000, maxResponseBytes: 1_000, maxInFlight: 2 };
  const client = createRawHttpClient({ url: `http://127.0.0.1:${port}`, ...limits });
  onTestFinished(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, bodies };
}

it("passes params and results on as they were written", async () => {
  const { client, bodies } = await clientOf(
    '{"jsonrpc":"2.0","id":$id,"result": {"big":12345678901234567890, "one":1.0}}',
  );
  expect(await client.call("a", '[ 98765432109876543210, {"x":1,"x":2}]')).toEqual({
    ok: true,
    value: { big: 12345678901234567000, one: 1 },
    text: '{"big":12345678901234567890, "one":1.0}',
  });
  expect(bodies[0]).toBe(
    '{"jsonrpc":"2.0","id":1,"method":"a","params":[ 98765432109876543210, {"x":1,"x":2}]}',
  );
  await client.call('"', undefined);
  expect(bodies[1]).toBe('{"jsonrpc":"2.0","id":2,"method":"\\""}');
});

it("gives the node's error whole", async () => {
  const error = '{"code":3,"message":"execution reverted","data":"0x08c379a0"}';
  const { client } = await clientOf(`{"jsonrpc":"2.0","id":$id,"error":${error}}`);
  expect(await client.call("a", "[]")).toEqual({
    ok: false,
    code: "rpc-error",
    number: 3,
    text: error,
  });
});

it.each([
  ["no JSON", "<html>"],
  ["another id", '{"jsonrpc":"2.0","id":99,"result":1}'],
  ["no result", '{"jsonrpc":"2.0","id":$id}'],
  ["two texts", '{"jsonrpc":"2.0","id":$id,"result":1}{}'],
])("an answer with %s is malformed", async (_, answer) => {
  const { client } = await clientOf(answer);
  expect(await client.call("a", undefined)).toEqual({ ok: false, code: "malformed" });
});

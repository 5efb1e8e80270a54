import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { createL1View } from "../src/l1-view.ts";

const BLOCK = { number: "0x5", hash: `0x${"ab".repeat(32)}`, timestamp: "0x64" };
const PINNED = { number: 5n, hash: BLOCK.hash, timestamp: 100n };

/** A source that answers truly, unless `misbehave` has answered; and a view of it alone. */
async function viewOf(
  misbehave: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
  blockAt: (params: readonly unknown[]) => object = () => BLOCK,
) {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const { id, method, params } = JSON.parse(text) as {
      readonly id: number;
      readonly method: string;
      readonly params: readonly unknown[];
    };
    if (misbehave(request, response)) return;
    const result = method === "eth_chainId" ? "0x1" : blockAt(params);
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address === "string" || address === null) throw new Error("no port");
  const view = createL1View({
    rpcUrls: [`http://127.0.0.1:${address.port}/`],
    requiredAgreement: 1,
    chainId: 1n,
    timeoutMs: 2_000,
  });
  onTestFinished(async () => {
    await view.close();
    server.closeAllConnections();
    server.close();
  });
  const connections = () =>
    new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  return { view, connections };
}

test("connections are kept from one read to the next, and closed with the view", async () => {
  const { view, connections } = await viewOf();
  for (let read = 0; read < 3; read++) {
    expect(await view.pinFinalized()).toMatchObject({ ok: true, l1: { block: PINNED } });
  }
  expect(await connections()).toBe(2);
  await view.close();
  while ((await connections()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await view.pinFinalized()).toMatchObject({ ok: false, code: "l1-unavailable" });
});

test("a source that drops its kept connections has not failed", async () => {
  const served = new WeakSet<object>();
  const { view } = await viewOf(({ socket }) => {
    if (served.has(socket)) socket.destroy();
    served.add(socket);
    return socket.destroyed;
  });
  for (let read = 0; read < 3; read++) {
    expect(await view.pinFinalized()).toMatchObject({ ok: true, l1: { block: PINNED } });
  }
});

test("a source that drops every connection has failed", async () => {
  const { view } = await viewOf(({ socket }) => socket.destroy().destroyed);
  expect(await view.pinFinalized()).toEqual({
    ok: false,
    code: "l1-unavailable",
    answered: 0,
    required: 1,
  });
});

test("what was finalized once cannot be replaced, at its height or under a newer one", async () => {
  const hash = `0x${"cd".repeat(32)}`;
  let finalized = { ...BLOCK };
  let kept = { ...BLOCK };
  const { view } = await viewOf(
    () => false,
    ([tag]) => (tag === "finalized" ? finalized : kept),
  );
  expect(await view.pinFinalized()).toMatchObject({ ok: true });
  finalized = { ...BLOCK, hash };
  expect(await view.pinFinalized()).toEqual({ ok: false, code: "sources-disagree" });
  finalized = { ...BLOCK, number: "0x6", hash };
  expect(await view.pinFinalized()).toMatchObject({ ok: true, l1: { block: { number: 6n } } });
  finalized = { ...BLOCK, number: "0x9" };
  kept = { ...BLOCK, number: "0x6" };
  expect(await view.pinFinalized()).toEqual({ ok: false, code: "sources-disagree" });
  // An older state is true as far as it goes.
  finalized = { ...BLOCK };
  expect(await view.pinFinalized()).toMatchObject({ ok: true, l1: { block: PINNED } });
});

test("a redirect is not followed", async () => {
  const { view } = await viewOf(({ url }, response) => {
    if (url === "/") response.writeHead(307, { location: "/elsewhere" }).end();
    return url === "/";
  });
  expect(await view.pinFinalized()).toMatchObject({ ok: false, code: "l1-unavailable" });
});

test("a URL that no HTTP call can go to is refused", () => {
  const rest = { requiredAgreement: 1, chainId: 1n, timeoutMs: 2_000 };
  expect(() => createL1View({ ...rest, rpcUrls: ["ws://127.0.0.1:1"] })).toThrow(RangeError);
});

test("two endpoints of one host are one source, which cannot agree with itself", async () => {
  const rest = { chainId: 1n, timeoutMs: 2_000 };
  const host = "http://127.0.0.1:1";
  const rpcUrls = [`${host}/first-key`, `${host}/second-key`];
  expect(() => createL1View({ ...rest, rpcUrls, requiredAgreement: 2 })).toThrow(RangeError);
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const { id, method } = JSON.parse(text) as { readonly id: number; readonly method: string };
    const result = method === "eth_chainId" ? "0x1" : BLOCK;
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  const provider = `http://127.0.0.1:${port}`;
  // The third is of another host, and silent.
  const urls = [`${provider}/first-key`, `${provider}/second-key`, host];
  const view = createL1View({ ...rest, rpcUrls: urls, requiredAgreement: 2 });
  onTestFinished(async () => {
    await view.close();
    server.closeAllConnections();
    server.close();
  });
  expect(await view.pinFinalized()).toEqual({
    ok: false,
    code: "l1-unavailable",
    answered: 1,
    required: 2,
  });
});

test("what is read beside calls is what every source says alike, and nothing where one differs", async () => {
  const logs = new Map<string, unknown>();
  const sources = await Promise.all(
    ["first", "second"].map(async (name) => {
      const server = createServer(async (request, response) => {
        let text = "";
        for await (const chunk of request) text += String(chunk);
        const { id, method } = JSON.parse(text) as { readonly id: number; readonly method: string };
        const refusal = { code: -32_005, message: "no" };
        const result =
          method === "eth_chainId" ? "0x1" : method === "eth_getLogs" ? logs.get(name) : BLOCK;
        const answer = result === undefined ? { error: refusal } : { result };
        response.end(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      onTestFinished(() => {
        server.closeAllConnections();
        server.close();
      });
      const address = server.address();
      if (typeof address === "string" || address === null) throw new Error("no port");
      return `http://127.0.0.1:${address.port}/`;
    }),
  );
  const options = { rpcUrls: sources, requiredAgreement: 2, chainId: 1n, timeoutMs: 5_000 };
  const view = createL1View(options);
  onTestFinished(() => view.close());
  const pinned = await view.pinFinalized();
  if (!pinned.ok) throw new Error(pinned.code);
  const refusals: unknown[] = [];
  const read = () =>
    pinned.l1.read(
      async (call) => {
        const answer = await call("eth_getLogs", [{}]);
        if (answer.ok) return String(answer.value);
        refusals.push(answer);
        return null;
      },
      (value) => value,
    );
  logs.set("first", "log").set("second", "log");
  expect(await read()).toEqual({ ok: true, value: "log" });
  logs.set("second", "another");
  expect(await read()).toEqual({ ok: false, code: "sources-disagree" });
  logs.delete("second");
  expect(await read()).toMatchObject({ ok: false, code: "l1-unavailable", answered: 1 });
  expect(refusals).toEqual([{ ok: false, code: "refused", number: -32_005 }]);
});

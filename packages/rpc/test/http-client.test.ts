import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { createHttpClient } from "../src/http-client.ts";
import { until } from "./until.ts";

interface Exchange {
  readonly id: number;
  readonly method: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** A node that answers as it is told, and a client of it; both end with the test. */
async function connect(answer: (exchange: Exchange) => void, maxInFlight = 4) {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    answer({ ...(JSON.parse(text) as { id: number; method: string }), request, response });
  });
  // Whoever closes a connection, it is not the server for its age.
  server.keepAliveTimeout = 0;
  let connections = 0;
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address === "string" || address === null) throw new Error("no port");
  const url = `http://127.0.0.1:${address.port}/`;
  const client = createHttpClient({ url, timeoutMs: 500, maxResponseBytes: 1000, maxInFlight });
  onTestFinished(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  const open = () =>
    new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  return { client, open, connections: () => connections };
}

const result = (id: number, value: unknown) =>
  JSON.stringify({ jsonrpc: "2.0", id, result: value });

describe("an HTTP client", () => {
  it("keeps its connection, and says when an answer came over a new one", async () => {
    const { client, connections } = await connect(({ id, method, response }) =>
      response.end(result(id, method)),
    );
    expect(await client.call("a", [])).toEqual({ ok: true, value: "a", newConnection: true });
    expect(await client.call("b", [])).toEqual({ ok: true, value: "b" });
    expect(connections()).toBe(1);
  });

  it("posts JSON of a known length and asks for no compression", async () => {
    const { client } = await connect(({ id, request, response }) =>
      response.end(result(id, request.headers)),
    );
    expect(await client.call("ä", [])).toMatchObject({
      value: {
        "content-type": "application/json",
        "content-length": "50",
        "accept-encoding": "identity",
      },
    });
  });

  it.each<[string, object, (exchange: Exchange) => void]>([
    [
      "the node's error",
      { code: "rpc-error", number: -32000 },
      ({ id, response }) =>
        response.end(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32000, message: "" } })),
    ],
    [
      "another status",
      { code: "http-status", number: 500 },
      ({ id, response }) => response.writeHead(500).end(result(id, 1)),
    ],
    [
      "a redirect",
      { code: "http-status", number: 307 },
      ({ id, request, response }) =>
        request.url === "/"
          ? response.writeHead(307, { location: "/elsewhere" }).end()
          : response.end(result(id, "followed")),
    ],
    [
      "a length beyond the bound",
      { code: "too-large" },
      ({ response }) => response.writeHead(200, { "content-length": "1001" }).write(" "),
    ],
    [
      "bytes beyond the bound without a length",
      { code: "too-large" },
      ({ response }) => response.write(" ".repeat(1001)),
    ],
    ["no JSON", { code: "malformed" }, ({ response }) => response.end("<html>")],
    [
      "a few compressed bytes of a huge answer",
      { code: "malformed" },
      ({ response }) => {
        response.setHeader("content-encoding", "gzip");
        response.end(gzipSync(" ".repeat(500_000)));
      },
    ],
    ["nothing", { code: "malformed" }, ({ response }) => response.end()],
    [
      "an answer to another call",
      { code: "malformed" },
      ({ id, response }) => response.end(result(id + 1, 1)),
    ],
    [
      "half an answer",
      { code: "unreachable" },
      ({ request, response }) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("{", () => request.socket.destroy());
      },
    ],
    ["a reset", { code: "unreachable" }, ({ request }) => request.socket.destroy()],
    ["silence", { code: "timeout" }, () => {}],
    [
      "an answer that never ends",
      { code: "timeout" },
      ({ response }) => {
        const drip = setInterval(() => response.write(" "), 20);
        response.on("close", () => clearInterval(drip));
      },
    ],
  ])("gives a code for %s", async (_name, failure, answer) => {
    const { client } = await connect(answer);
    expect(await client.call("a", [])).toEqual({ ok: false, ...failure });
  });

  it("gives a code where nobody listens", async () => {
    const limits = { timeoutMs: 500, maxResponseBytes: 1000, maxInFlight: 1 };
    const client = createHttpClient({ url: "http://127.0.0.1:9", ...limits });
    expect(await client.call("a", [])).toEqual({ ok: false, code: "unreachable" });
    await client.close();
  });

  it("uses no connection again on which a call failed half-way", async () => {
    const { client, open } = await connect(({ id, method, response }) => {
      if (method === "good") response.end(result(id, 1));
      else response.writeHead(200, { "content-length": "1001" }).write(" ");
    });
    await client.call("good", []);
    expect(await client.call("bad", [])).toEqual({ ok: false, code: "too-large" });
    await until(async () => (await open()) === 0);
    expect(await client.call("good", [])).toEqual({ ok: true, value: 1, newConnection: true });
  });

  it("tells a kept connection that has gone from a node that cannot be reached", async () => {
    const { client } = await connect(({ id, method, request, response }) => {
      if (method === "good") response.end(result(id, 1));
      else request.socket.destroy();
    });
    await client.call("good", []);
    expect(await client.call("bad", [])).toEqual({
      ok: false,
      code: "unreachable",
      staleConnection: true,
    });
    expect(await client.call("bad", [])).toEqual({ ok: false, code: "unreachable" });
  });

  it("bounds the calls that are open", async () => {
    const { client } = await connect(() => {}, 2);
    const open = [client.call("a", []), client.call("b", [])];
    expect(await client.call("c", [])).toEqual({ ok: false, code: "busy" });
    expect(await Promise.all(open)).toEqual(Array(2).fill({ ok: false, code: "timeout" }));
  });

  it("fails its calls and leaves no connection once it is closed", async () => {
    const { client, open } = await connect(({ id, method, response }) => {
      if (method === "good") response.end(result(id, 1));
    });
    const hanging = client.call("bad", []);
    await client.call("good", []);
    expect(await open()).toBe(2);
    await client.close();
    expect(await hanging).toEqual({ ok: false, code: "stopped" });
    expect(await client.call("good", [])).toEqual({ ok: false, code: "stopped" });
    await until(async () => (await open()) === 0);
  });

  it("refuses params that are no JSON, and holds no place for them", async () => {
    const { client } = await connect(({ id, response }) => response.end(result(id, 1)), 1);
    expect(() => client.call("a", [1n])).toThrow(TypeError);
    expect(await client.call("a", [])).toMatchObject({ ok: true });
  });

  it.each(["ws://127.0.0.1:1", "ftp://127.0.0.1", "127.0.0.1:1", ""])(
    "refuses to be made for %j",
    (url) => {
      const limits = { timeoutMs: 500, maxResponseBytes: 1000, maxInFlight: 1 };
      expect(() => createHttpClient({ url, ...limits })).toThrow();
    },
  );
});

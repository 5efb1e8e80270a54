import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { WebSocketClient } from "../src/web-socket-client.ts";
import { until } from "./until.ts";

type Answer = (socket: WebSocket, request: { id: number; method: string }) => void;

async function connect(answer: Answer, options: { readonly maxInFlight?: number } = {}) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  server.on("connection", (socket) => {
    socket.on("message", (data) => answer(socket, JSON.parse(String(data))));
  });
  const address = server.address();
  if (typeof address === "string" || address === null) throw new Error("no port");
  const events: string[] = [];
  const client = new WebSocketClient(
    {
      url: `ws://127.0.0.1:${address.port}`,
      ...{ timeoutMs: 500, maxResponseBytes: 1000, maxInFlight: options.maxInFlight ?? 4 },
      ...{ minBackoffMs: 5, maxBackoffMs: 20 },
    },
    { onOpen: () => events.push("open"), onLost: (code) => events.push(code) },
  );
  onTestFinished(async () => {
    await client.close();
    server.close();
  });
  await until(() => events.at(-1) === "open");
  return { client, server, events };
}

const result = (id: number, value: unknown) =>
  JSON.stringify({ jsonrpc: "2.0", id, result: value });
const push = (subscription: string, value: unknown) =>
  JSON.stringify({
    jsonrpc: "2.0",
    method: "eth_subscription",
    params: { subscription, result: value },
  });

describe("a WebSocket client", () => {
  it("matches answers to calls by id, in any order", async () => {
    const held: number[] = [];
    const { client } = await connect((socket, { id }) => {
      held.push(id);
      if (held.length < 2) return;
      for (const each of held.reverse()) socket.send(result(each, each));
    });
    const calls = await Promise.all([client.call("a", []), client.call("b", [])]);
    expect(calls).toEqual([
      { ok: true, value: 1 },
      { ok: true, value: 2 },
    ]);
  });

  it("gives up a call after its time and drops the late answer", async () => {
    let first: (() => void) | undefined;
    const { client, events } = await connect((socket, { id }) => {
      if (first === undefined) first = () => socket.send(result(id, "late"));
      else socket.send(result(id, "in time"));
    });
    expect(await client.call("a", [])).toEqual({ ok: false, code: "timeout" });
    first?.();
    expect(await client.call("b", [])).toEqual({ ok: true, value: "in time" });
    expect(events).toEqual(["open"]);
  });

  it.each([
    ["pushes", push("0x1", "new head")],
    ["answers to no call", result(4_000, "late")],
    ["long pushes", push("0x1", "x".repeat(900))],
  ])("leaves a node that floods it with %s, and comes back", async (_, message) => {
    let isFlooding = true;
    let seen = 0;
    const { client, events } = await connect((socket, { id }) => {
      socket.send(result(id, "0x1"));
      for (let i = 0; isFlooding && i < 2_000; i++) socket.send(message);
    });
    await client.subscribe([], () => {
      seen++;
    });
    await until(() => events.includes("flood"));
    expect(seen).toBeLessThanOrEqual(512);
    isFlooding = false;
    await until(() => events.at(-1) === "open");
    expect(await client.call("a", [])).toEqual({ ok: true, value: "0x1" });
    expect(events).toEqual(["open", "flood", "open"]);
  });

  it("hands on what is pushed in the same read as the subscription", async () => {
    const { client } = await connect((socket, { id }) => {
      socket.send(result(id, "0xaa"));
      socket.send(push("0xbb", "not asked for"));
      socket.send(push("0xaa", "first"));
    });
    const pushed: unknown[] = [];
    await client.subscribe(["newHeads"], (event) => pushed.push(event));
    await until(() => pushed.length === 1);
    expect(pushed).toEqual(["first"]);
  });

  it.each([
    ["malformed", "no json"],
    ["malformed", "[]"],
    ["malformed", '{"jsonrpc":"2.0","method":"eth_subscription","params":[]}'],
    ["too-large", " ".repeat(2000)],
  ])("drops a connection with %s input and comes back", async (code, text) => {
    let lies = true;
    const { client, events } = await connect((socket, { id }) => {
      socket.send(lies ? text : result(id, 1));
    });
    expect(await client.call("a", [])).toEqual({ ok: false, code });
    expect(events).toEqual(["open", code]);
    lies = false;
    await until(() => events.at(-1) === "open");
    expect(await client.call("a", [])).toEqual({ ok: true, value: 1 });
  });

  it("bounds the calls that are open", async () => {
    const { client } = await connect(() => {}, { maxInFlight: 2 });
    const open = [client.call("a", []), client.call("b", [])];
    expect(await client.call("c", [])).toEqual({ ok: false, code: "busy" });
    expect(await Promise.all(open)).toEqual(Array(2).fill({ ok: false, code: "timeout" }));
  });

  it("fails its calls and stays away once it is closed", async () => {
    const { client, server, events } = await connect(() => {});
    const open = client.call("a", []);
    await client.close();
    expect(await open).toEqual({ ok: false, code: "stopped" });
    expect(await client.call("b", [])).toEqual({ ok: false, code: "stopped" });
    await until(() => server.clients.size === 0);
    expect(events).toEqual(["open"]);
  });
});

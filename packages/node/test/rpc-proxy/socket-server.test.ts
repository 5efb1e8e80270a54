import { once } from "node:events";
import { connect } from "node:net";
import type { Finality } from "@mach/api";
import { expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { createHttpServer } from "../../src/http/server.ts";
import { createMemoryView, rollupId } from "../http/memory-view.ts";
import {
  blockAt,
  certificatesOf,
  chainOf,
  finalAt,
  type Reply,
  RPC_OPTIONS,
  RPC_PATH,
  startNode,
  startRpc,
  type TestBlock,
} from "./rpc-world.ts";

const PATIENT = { timeout: 20_000 };
const BLOCKS = [26n, 27n, 28n, 29n].map((number) => blockAt(number));
const [FIRST, SECOND, THIRD, FOURTH] = BLOCKS as [TestBlock, TestBlock, TestBlock, TestBlock];
const logOf = (block: TestBlock) => ({ blockNumber: block.number, blockHash: block.hash });

interface Client {
  readonly socket: WebSocket;
  readonly pushed: { readonly subscription: string; readonly result: unknown }[];
  /** The code that it was closed with. */
  readonly closed: () => number | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what came by its members
  call(method: string, params?: readonly unknown[]): Promise<any>;
  send(text: string): void;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what came by its members
  readonly answers: any[];
}

async function open(url: string): Promise<Client> {
  const socket = new WebSocket(url);
  const pushed: Client["pushed"] = [];
  const answers: { id: unknown }[] = [];
  let closedWith: number | null = null;
  let nextId = 1;
  socket.on("message", (data) => {
    const message = JSON.parse(String(data));
    if (message.method === "eth_subscription") pushed.push(message.params);
    else answers.push(message);
  });
  socket.on("close", (code) => {
    closedWith = code;
  });
  socket.on("error", () => {});
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  return {
    socket,
    pushed,
    answers,
    closed: () => closedWith,
    send: (text) => socket.send(text),
    async call(method, params = []) {
      const id = nextId++;
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
      await expect.poll(() => answers.some((each) => each.id === id), PATIENT).toBe(true);
      return answers.find((each) => each.id === id);
    },
  };
}

/** A proxy whose newest fast-final block can be moved, before a node that has all blocks. */
async function start(
  reply: Reply = chainOf(...BLOCKS),
  options: Partial<Parameters<typeof startRpc>[0]> = {},
) {
  const node = await startNode(reply);
  let value: Finality = finalAt(FIRST);
  const finality = () => ({ ok: true, value }) as const;
  const urls = { urls: [node.url], wsUrls: [node.wsUrl] };
  const standing = new Set(BLOCKS);
  const parts = { finality, certificate: certificatesOf(standing) };
  const rpc = await startRpc({ ...urls, ...options }, parts);
  const moveTo = (block: TestBlock, parts: Partial<Finality> = {}): void => {
    value = finalAt(block, parts);
    rpc.view.tell({ topic: "finality", rollupId, answer: { data: value } });
  };
  return { ...rpc, node, moveTo, standing, path: `${rpc.wsUrl}${RPC_PATH}` };
}

it("a WebSocket answers calls and batches as HTTP does", async () => {
  const { path, node } = await start();
  const client = await open(path);
  expect(await client.call("eth_getBlockByNumber", ["finalized", false])).toMatchObject({
    result: FIRST,
  });
  expect((await client.call("net_version")).result).toBe("net_version");
  expect((await client.call("admin_peers")).error.data.code).toBe("method-refused");
  expect((await client.call("mach_supportedCapabilities")).result).toContain("fastFinalHeadsV1");
  client.send("{");
  await expect
    .poll(() => client.answers.at(-1), PATIENT)
    .toMatchObject({
      id: null,
      error: { code: -32700 },
    });
  client.send("[]");
  await expect.poll(() => client.answers.at(-1).error.data.code, PATIENT).toBe("empty-batch");
  expect(node.asked.map(({ method }) => method)).toEqual(["eth_getBlockByHash", "net_version"]);
});

it("fastFinalHeads tells of each certified header as it stands, never of one that is not", async () => {
  const { path, moveTo, view } = await start();
  const client = await open(path);
  const { result: id } = await client.call("eth_subscribe", ["fastFinalHeads"]);
  moveTo(SECOND);
  await expect.poll(() => client.pushed, PATIENT).toHaveLength(1);
  const { transactions: _, uncles: __, ...header } = SECOND;
  expect(client.pushed[0]).toEqual({
    subscription: id,
    result: { ...header, certificateId: expect.any(String), signedWeight: expect.any(String) },
  });
  moveTo(SECOND);
  moveTo(THIRD, { agesMs: { ...finalAt(THIRD).agesMs, fastFinal: 60_001 } });
  moveTo(FIRST);
  moveTo(FOURTH);
  await expect.poll(() => client.pushed, PATIENT).toHaveLength(2);
  expect(client.pushed[1]?.result).toMatchObject({ hash: FOURTH.hash });
  expect((await client.call("eth_unsubscribe", [id])).result).toBe(true);
  expect((await client.call("eth_unsubscribe", [id])).error.data.code).toBe(
    "subscription-not-found",
  );
  // Only the API's own stream, and whoever waits, listens on.
  const listeners = view.listenerCount();
  await client.call("eth_subscribe", ["fastFinalHeads"]);
  expect(view.listenerCount()).toBe(listeners + 1);
  client.socket.close();
  await expect.poll(() => view.listenerCount(), PATIENT).toBe(listeners);
});

it("who was told of what is contradicted is told by the end of the connection", async () => {
  const { path, moveTo, standing } = await start();
  const [heads, logs, other] = [await open(path), await open(path), await open(path)];
  await heads.call("eth_subscribe", ["fastFinalHeads"]);
  await logs.call("eth_subscribe", ["logs", { toBlock: "finalized" }]);
  moveTo(SECOND);
  await expect.poll(() => heads.pushed, PATIENT).toHaveLength(1);
  moveTo(FIRST, { reason: reason("contradicted") });
  for (const client of [heads, logs]) await expect.poll(client.closed, PATIENT).toBe(1013);
  for (const params of [["fastFinalHeads"], ["logs", { toBlock: "finalized" }]]) {
    expect((await other.call("eth_subscribe", params)).error.data.code).toBe("contradicted");
  }
  // The other way to learn of it: it was over before anybody looked.
  moveTo(SECOND);
  await other.call("eth_subscribe", ["fastFinalHeads"]);
  standing.delete(SECOND);
  moveTo(FOURTH);
  await expect.poll(other.closed, PATIENT).toBe(1013);
  expect(other.pushed).toEqual([]);
});

it("a head that a node does not have yet is told of when it has", async () => {
  let known = [FIRST];
  const { path, moveTo } = await start((asked) => chainOf(...known)(asked));
  const client = await open(path);
  await client.call("eth_subscribe", ["fastFinalHeads"]);
  moveTo(SECOND);
  await client.call("net_version");
  expect(client.pushed).toEqual([]);
  known = [FIRST, SECOND];
  await expect.poll(() => client.pushed, PATIENT).toHaveLength(1);
});

it("logs to finalized come once each, when their blocks are fast-final, and without a gap", async () => {
  let isDown = false;
  const { path, moveTo } = await start((asked) => {
    if (asked.method !== "eth_getLogs") return chainOf(...BLOCKS)(asked);
    if (isDown) return "rubbish";
    const { fromBlock, toBlock, blockHash } = asked.params[0] as Record<string, string>;
    return BLOCKS.filter(({ number, hash }) =>
      blockHash ? hash === blockHash : number >= String(fromBlock) && number <= String(toBlock),
    ).map(logOf);
  });
  const client = await open(path);
  const { result: id } = await client.call("eth_subscribe", ["logs", { toBlock: "finalized" }]);
  moveTo(SECOND);
  await expect.poll(() => client.pushed, PATIENT).toHaveLength(1);
  isDown = true;
  moveTo(THIRD);
  await client.call("eth_getBlockByNumber", ["finalized", false]);
  isDown = false;
  moveTo(FOURTH);
  await expect.poll(() => client.pushed, PATIENT).toHaveLength(3);
  expect(client.pushed).toEqual(
    [SECOND, THIRD, FOURTH].map((block) => ({ subscription: id, result: logOf(block) })),
  );
});

it("newHeads is the node's, made once for all who ask, and ends with the last of them", async () => {
  const { path, node } = await start();
  const clients = await Promise.all([open(path), open(path)]);
  for (const client of clients) await client.call("eth_subscribe", ["newHeads"]);
  expect(node.subscriberCount()).toBe(1);
  node.push({ number: "0x1e" });
  for (const client of clients) await expect.poll(() => client.pushed, PATIENT).toHaveLength(1);
  expect(clients[0]?.pushed[0]?.subscription).not.toBe(clients[1]?.pushed[0]?.subscription);
  for (const client of clients) client.socket.close();
  await expect.poll(() => node.subscriberCount(), PATIENT).toBe(0);
});

it("nothing is pushed under an id before the client has it", async () => {
  let finish: (value: unknown) => void = () => {};
  const slow = new Promise((resolve) => {
    finish = resolve;
  });
  const { path, node } = await start(({ method }) => (method === "eth_slow" ? slow : method));
  const client = await open(path);
  const one = { jsonrpc: "2.0", id: 1, method: "eth_subscribe", params: ["newHeads"] };
  client.send(JSON.stringify([one, { ...one, id: 2, method: "eth_slow" }]));
  await expect.poll(() => node.subscriberCount(), PATIENT).toBe(1);
  const other = await open(path);
  await other.call("eth_subscribe", ["newHeads"]);
  node.push("early");
  await expect.poll(() => other.pushed, PATIENT).toHaveLength(1);
  finish("done");
  await expect.poll(() => client.answers, PATIENT).toHaveLength(1);
  node.push("late");
  await expect.poll(() => client.pushed.map(({ result }) => result), PATIENT).toEqual(["late"]);
});

it("who loses a node's subscription is told by the end of the connection", async () => {
  const { path, node } = await start();
  const client = await open(path);
  const other = await open(path);
  await client.call("eth_subscribe", ["newHeads"]);
  node.cut();
  await expect.poll(() => client.closed(), PATIENT).toBe(1013);
  expect((await other.call("net_version")).result).toBe("net_version");
  expect((await other.call("eth_subscribe", ["newHeads"])).result).toMatch(/^0x/);
});

it.each([
  ["a tag where none can stand", ["logs", { topics: ["finalized"] }], "unsupported-tag"],
  ["a filter that is none", ["logs", { fromBlock: 1, toBlock: "finalized" }], "invalid-params"],
  ["nothing", [], "invalid-params"],
  ["too much", ["fastFinalHeads", {}], "invalid-params"],
])("a subscription to %s is refused", async (_, params, code) => {
  const { path } = await start();
  const client = await open(path);
  expect((await client.call("eth_subscribe", params)).error.data.code).toBe(code);
});

it("a node without WebSocket, or with a broken one, is an error that names itself", async () => {
  for (const wsUrls of [[], ["ws://127.0.0.1:1"]]) {
    const { path } = await start(undefined, { wsUrls });
    const client = await open(path);
    expect((await client.call("eth_subscribe", ["newHeads"])).error.data.code).toBe(
      "upstream-unavailable",
    );
  }
});

it("subscriptions, sockets and messages are bounded", async () => {
  const { path, url } = await start(undefined, {
    maxSubscriptions: 1,
    maxSockets: 1,
    maxRequestBytes: 1_024,
  });
  const client = await open(path);
  await client.call("eth_subscribe", ["fastFinalHeads"]);
  expect((await client.call("eth_subscribe", ["newHeads"])).error.data.code).toBe(
    "too-many-subscriptions",
  );
  expect(await statusOf(path)).toBe(503);
  expect(await statusOf(`${url.replace("http", "ws")}/rpc/77`)).toBe(404);
  expect(await statusOf(`${url.replace("http", "ws")}/v1/network`)).toBe(404);
  client.send("x".repeat(1_025));
  await expect.poll(() => client.closed(), PATIENT).toBe(1009);
});

it.each([
  ["GET", "/rpc/77", "", 405],
  ["POST", RPC_PATH, '{"jsonrpc":"2.0","id":1,"method":"eth_a"}', 200],
])("%s %s that asks for HTTP/2, as Java does, is served as it is", async (...asked) => {
  const [method, path, body, status] = asked;
  const { url } = await start();
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (data: string) => {
    text += data;
  });
  socket.write(
    `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\n` +
      `upgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABk\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
  );
  await expect.poll(() => socket.bytesWritten, PATIENT).toBeGreaterThan(0);
  socket.write(body.slice(9));
  await once(socket, "close");
  expect(text).toContain(`HTTP/1.1 ${status} `);
  if (status === 200) expect(text).toContain('"result":"eth_a"');
});

it("a connection that breaks while it asks for a WebSocket is nobody's end", async () => {
  const { url, path } = await start();
  for (const target of ["/rpc/77", RPC_PATH]) {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
    );
    await once(socket, "connect");
    socket.resetAndDestroy();
  }
  const client = await open(path);
  expect((await client.call("eth_a")).result).toBe("eth_a");
});

it("a server that stops lets a call finish and ends its WebSockets", async () => {
  let answer: (value: unknown) => void = () => {};
  const node = await startNode(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const options = { ...RPC_OPTIONS, urls: [node.url] };
  const server = createHttpServer(
    { view: createMemoryView(), now: () => 0, logger: { error() {} } },
    { host: "127.0.0.1", port: 0, software: "0.1.0", rpc: [options], limits: { stopMs: 600_000 } },
  );
  const started = await server.start();
  if (!started.ok) throw new Error(started.message);
  const client = await open(`${started.url.replace("http", "ws")}${RPC_PATH}`);
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_a" });
  const underWay = fetch(`${started.url}${RPC_PATH}`, { method: "POST", body });
  await expect.poll(() => node.asked.length, PATIENT).toBe(1);
  expect(server.queues()).toEqual(
    expect.arrayContaining([
      { queue: "rpc-calls", depth: 1, capacity: RPC_OPTIONS.maxInFlight },
      { queue: "rpc-filters", depth: 0, capacity: RPC_OPTIONS.maxFilters },
      { queue: "rpc-sockets", depth: 1, capacity: RPC_OPTIONS.maxSockets },
    ]),
  );
  const stopped = server.stop();
  await expect.poll(() => client.closed(), PATIENT).not.toBeNull();
  answer("in time");
  expect(await (await underWay).json()).toMatchObject({ result: "in time" });
  await stopped;
});

it("a reader that takes nothing is dropped, and the others go on", async () => {
  const big = "x".repeat(60_000);
  const { path, url } = await start(({ method }) => (method === "eth_big" ? big : method), {
    maxResponseBytes: 65_536,
  });
  const slow = connect(Number(new URL(url).port), "127.0.0.1");
  let isDropped = false;
  slow.on("error", () => {});
  slow.on("close", () => {
    isDropped = true;
  });
  onTestFinished(() => void slow.destroy());
  const key = Buffer.alloc(16).toString("base64");
  slow.write(
    `GET ${RPC_PATH} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
      `sec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
  );
  await once(slow, "data");
  slow.pause();
  const client = await open(path);
  const asking = setInterval(() => {
    for (let i = 0; i < 8; i++)
      slow.write(frameOf(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_big" })));
  }, 10);
  onTestFinished(() => clearInterval(asking));
  // What it writes in vain tells it that the connection is gone.
  await expect.poll(() => isDropped, PATIENT).toBe(true);
  expect((await client.call("eth_a")).result).toBe("eth_a");
});

/** A masked text frame of less than 126 bytes, with a mask of zeros (RFC 6455, section 5.2). */
function frameOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 + text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

function statusOf(url: string): Promise<number> {
  const socket = new WebSocket(url);
  return new Promise((resolve) => {
    socket.on("unexpected-response", (_, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on("error", () => {});
  });
}

function reason(code: "contradicted"): NonNullable<Finality["reason"]> {
  return { code, blockNumber: 27n, presentWeight: 22n, requiredWeight: 67n, abstention: null };
}

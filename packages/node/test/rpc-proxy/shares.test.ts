import { expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { connectRaw, countStatus } from "../http/raw-reader.ts";
import { RPC_PATH, startNode, startRpc } from "./rpc-world.ts";

const PATIENT = { timeout: 20_000 };
const as = (address: string) => ({ "x-forwarded-for": address });

/** Asks as one of several clients; the result, or the error's code. */
async function ask(url: string, address: string, method: string, params: readonly unknown[] = []) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(`${url}${RPC_PATH}`, { method: "POST", body, headers: as(address) });
  const answer = (await response.json()) as {
    result?: unknown;
    error?: { data: { code: string } };
  };
  return answer.result ?? answer.error?.data.code;
}

/** A WebSocket as one of several clients, and the status that it was refused with. */
async function open(url: string, address: string) {
  const socket = new WebSocket(url, { headers: as(address) });
  onTestFinished(() => socket.terminate());
  let status = 101;
  socket.on("unexpected-response", (_, response) => {
    status = response.statusCode ?? 0;
    socket.terminate();
  });
  socket.on("error", () => {});
  await new Promise((resolve) => socket.on("open", resolve).on("close", resolve));
  return { socket, status };
}

it("one address leaves room for the calls of others", async () => {
  const hung: (() => void)[] = [];
  const node = await startNode(({ method }) =>
    method === "eth_slow" ? new Promise((resolve) => hung.push(() => resolve("late"))) : method,
  );
  const { url } = await startRpc({ urls: [node.url], maxInFlight: 4, maxSharePercent: 50 });
  const slow = [ask(url, "192.0.2.1", "eth_slow"), ask(url, "192.0.2.1", "eth_slow")];
  await expect.poll(() => hung.length, PATIENT).toBe(2);
  expect(await ask(url, "192.0.2.1", "eth_a")).toBe("too-many-requests");
  expect(await ask(url, "192.0.2.2", "eth_a")).toBe("eth_a");
  for (const answer of hung) answer();
  expect(await Promise.all(slow)).toEqual(["late", "late"]);
  expect(await ask(url, "192.0.2.1", "eth_a")).toBe("eth_a");
});

it("one address leaves room for the filters of others", async () => {
  let made = 0;
  const node = await startNode(({ method }) => {
    made += 1;
    return method === "eth_newBlockFilter" ? `0x${made}` : true;
  });
  const { url } = await startRpc({ urls: [node.url], maxFilters: 4, maxSharePercent: 50 });
  const create = (address: string) => ask(url, address, "eth_newBlockFilter");
  const kept = [await create("192.0.2.1"), await create("192.0.2.1")];
  expect(await create("192.0.2.1")).toBe("too-many-filters");
  expect(await create("192.0.2.2")).toMatch(/^0x/);
  expect(await ask(url, "192.0.2.3", "eth_uninstallFilter", [kept[0]])).toBe(true);
  expect(await create("192.0.2.1")).toMatch(/^0x/);
});

it("one address leaves room for the WebSockets of others", async () => {
  const node = await startNode(({ method }) => method);
  const { wsUrl } = await startRpc({ urls: [node.url], maxSockets: 4, maxSharePercent: 50 });
  const path = `${wsUrl}${RPC_PATH}`;
  const held = [await open(path, "192.0.2.1"), await open(path, "192.0.2.1")];
  expect(held.map(({ status }) => status)).toEqual([101, 101]);
  expect((await open(path, "192.0.2.1")).status).toBe(429);
  expect((await open(path, "192.0.2.2")).status).toBe(101);
  held[0]?.socket.close();
  await expect.poll(async () => (await open(path, "192.0.2.1")).status, PATIENT).toBe(101);
});

it("a WebSocket that asks for too much is read more slowly, and loses nothing", async () => {
  const node = await startNode(({ method }) => method);
  const { wsUrl } = await startRpc({ urls: [node.url], perSecond: 5 });
  const { socket } = await open(`${wsUrl}${RPC_PATH}`, "192.0.2.1");
  const answered: number[] = [];
  socket.on("message", (data) => {
    answered.push((JSON.parse(String(data)) as { id: number }).id);
  });
  const startedAt = performance.now();
  const send = (id: number): void => {
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, method: "eth_a" }));
  };
  // Of them the first four are let in at once: the connection itself is the fifth.
  for (let id = 1; id <= 8; id++) send(id);
  await expect.poll(() => answered.length, PATIENT).toBe(8);
  send(9);
  await expect.poll(() => answered.length, PATIENT).toBe(9);
  // The least that four more than a burst take at five a second, but for the last one's own.
  expect(performance.now() - startedAt).toBeGreaterThan(500);
  expect(answered.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  // Others of the same node are not slowed down.
  const other = await open(`${wsUrl}${RPC_PATH}`, "192.0.2.2");
  expect(other.status).toBe(101);
});

it("no large answer waits behind another one on its connection", async () => {
  let release = (): void => undefined;
  const node = await startNode(({ method }) => {
    if (method === "eth_large") return "x".repeat(100_000);
    return new Promise((resolve) => {
      release = () => resolve("late");
    });
  });
  const { url } = await startRpc({ urls: [node.url] });
  const post = (method: string): string => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method });
    const head = `POST ${RPC_PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}`;
    return `${head}\r\n\r\n${body}`;
  };
  const reader = connectRaw(Number(new URL(url).port), post("eth_slow") + post("eth_large"));
  await expect.poll(() => node.asked.length, PATIENT).toBe(2);
  expect(await ask(url, "192.0.2.1", "eth_large")).toHaveLength(100_000);
  release();
  await expect.poll(() => countStatus(reader.text(), 429), PATIENT).toBe(1);
  expect(countStatus(reader.text(), 200)).toBe(1);
});

it("a batch counts as many as it holds", async () => {
  const node = await startNode(({ method }) => method);
  const { url, wsUrl } = await startRpc({ urls: [node.url], perSecond: 2 });
  const calls = Array.from({ length: 8 }, (_, id) => ({ jsonrpc: "2.0", id, method: "eth_a" }));
  const response = await fetch(`${url}${RPC_PATH}`, {
    method: "POST",
    body: JSON.stringify(calls),
    headers: as("192.0.2.1"),
  });
  expect(await response.json()).toHaveLength(8);
  expect((await open(`${wsUrl}${RPC_PATH}`, "192.0.2.1")).status).toBe(429);
});

it("no WebSocket is opened while the event loop is late, whatever its path", async () => {
  let isLate = true;
  const node = await startNode(({ method }) => method);
  const { wsUrl } = await startRpc({ urls: [node.url], isLate: () => isLate });
  for (const path of [RPC_PATH, "/rpc/77"]) {
    expect((await open(`${wsUrl}${path}`, "192.0.2.1")).status).toBe(503);
  }
  isLate = false;
  expect((await open(`${wsUrl}${RPC_PATH}`, "192.0.2.1")).status).toBe(101);
});

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { certificateRule, type Finality } from "@mach/api";
import { type Hex, keccak256 } from "@mach/core";
import { encodeHeader, parseHeader } from "@mach/rollups/header";
import { onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import { type Admission, createAdmission } from "../../src/http/admission.ts";
import { createApp } from "../../src/http/app.ts";
import { createClientAddresses } from "../../src/http/client-addresses.ts";
import { DEFAULT_HTTP_LIMITS } from "../../src/http/limits.ts";
import type { NodeView } from "../../src/http/node-view.ts";
import { createRateLimit } from "../../src/http/rate-limit.ts";
import { refuseUnrouted } from "../../src/http/unrouted.ts";
import { addRpcRoute } from "../../src/rpc-proxy/http-route.ts";
import { createRpcProxy } from "../../src/rpc-proxy/proxy.ts";
import type { RollupRpcOptions } from "../../src/rpc-proxy/rollup-rpc.ts";
import { addUpgrade } from "../../src/rpc-proxy/upgrade.ts";
import {
  createMemoryView,
  finality,
  fixture,
  type MemoryView,
  rollupId,
} from "../http/memory-view.ts";

/** A block as a node gives it, with the hash of its own header. */
export interface TestBlock extends Readonly<Record<string, unknown>> {
  readonly number: Hex;
  readonly hash: Hex;
}

const ZERO = (bytes: number): Hex => `0x${"00".repeat(bytes)}`;

/** A block of a chain whose branches differ by their name. */
export function blockAt(number: bigint, branch: Hex = "0x"): TestBlock {
  const fields = {
    parentHash: ZERO(32),
    sha3Uncles: ZERO(32),
    miner: ZERO(20),
    stateRoot: ZERO(32),
    transactionsRoot: ZERO(32),
    receiptsRoot: ZERO(32),
    logsBloom: ZERO(256),
    difficulty: "0x0",
    number: `0x${number.toString(16)}` as Hex,
    gasLimit: "0x1c9c380",
    gasUsed: "0x0",
    timestamp: "0x6553f100",
    extraData: branch,
    mixHash: ZERO(32),
    nonce: ZERO(8),
    baseFeePerGas: "0x7",
  };
  const parsed = parseHeader(fields);
  if (!parsed.ok) throw new Error(parsed.field);
  return { ...fields, hash: keccak256(encodeHeader(parsed.header)), transactions: [], uncles: [] };
}

/** The finality of a rollup whose newest fast-final block is this one. */
export function finalAt(block: TestBlock, parts: Partial<Finality> = {}): Finality {
  const blockNumber = BigInt(block.number);
  const { certificate } = fixture;
  const claim = { ...certificate.claim, blockNumber, blockHash: block.hash };
  const head = { blockNumber, blockHash: block.hash, timestamp: claim.timestamp };
  return {
    ...finality,
    fastFinal: head,
    certificate: { ...certificate, claim },
    rule: certificateRule(certificate),
    reason: null,
    ...parts,
  };
}

/** A view's certificates of these blocks; a block that is taken out is contradicted. */
export function certificatesOf(blocks: ReadonlySet<TestBlock>): NodeView["certificate"] {
  return (_, blockNumber) => {
    const block = [...blocks].find(({ number }) => BigInt(number) === blockNumber);
    if (block === undefined) return { ok: false, code: "contradicted" };
    const { certificate } = finalAt(block);
    const { signedWeight, totalWeight, thresholdBps } = fixture.certificate;
    const weights = { signedWeight, totalWeight, thresholdBps };
    const value = { ...fixture.certificate, ...certificate, ...weights };
    return { ok: true, value: { certificate: value, isImproving: false } };
  };
}

export interface Asked {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What a node answers with: a result, an error object, or the whole body by itself. */
export type Reply = (asked: Asked) => unknown;

/** A node over HTTP and WebSocket, and what it was asked. */
export interface TestNode {
  readonly url: string;
  readonly wsUrl: string;
  readonly asked: Asked[];
  /** Bodies as they came. */
  readonly bodies: string[];
  /** Tells all subscribers. */
  push(result: unknown): void;
  subscriberCount(): number;
  cut(): void;
  reply: Reply;
}

export class NodeError {
  readonly error: object;
  constructor(error: object) {
    this.error = error;
  }
}

export class RawBody {
  readonly text: string;
  readonly status: number;
  constructor(text: string, status = 200) {
    this.text = text;
    this.status = status;
  }
}

/** Never answers. */
export const SILENCE: unique symbol = Symbol("silence");

/** Starts a node that ends with the test. */
export async function startNode(reply: Reply): Promise<TestNode> {
  const asked: Asked[] = [];
  const bodies: string[] = [];
  const sockets = new Map<string, import("ws").WebSocket>();
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    bodies.push(text);
    const { id, method, params = [] } = JSON.parse(text);
    asked.push({ method, params });
    const value = await node.reply({ method, params });
    if (value === SILENCE) return;
    if (value instanceof RawBody) {
      response.writeHead(value.status).end(value.text.replace("$id", id));
      return;
    }
    response.setHeader("content-type", "application/json");
    const member = value instanceof NodeError ? { error: value.error } : { result: value };
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...member }));
  });
  const sockServer = new WebSocketServer({ server });
  sockServer.on("connection", (socket) => {
    socket.on("message", (data) => {
      const { id } = JSON.parse(String(data));
      const subscription = `0x${sockets.size.toString(16)}`;
      sockets.set(subscription, socket);
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: subscription }));
    });
    socket.on("close", () => {
      for (const [id, each] of sockets) if (each === socket) sockets.delete(id);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    for (const socket of sockServer.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  const node: TestNode = {
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    asked,
    bodies,
    push(result) {
      for (const [subscription, socket] of sockets) {
        const params = { subscription, result };
        socket.send(JSON.stringify({ jsonrpc: "2.0", method: "eth_subscription", params }));
      }
    },
    subscriberCount: () => sockets.size,
    cut() {
      for (const socket of sockServer.clients) socket.terminate();
    },
    reply,
  };
  return node;
}

/** A node that has one chain, and answers other methods with their names. */
export function chainOf(...blocks: readonly TestBlock[]): Reply {
  return ({ method, params: [key] }) => {
    switch (method) {
      case "eth_getBlockByHash":
        return blocks.find(({ hash }) => hash === key) ?? null;
      case "eth_getBlockByNumber":
        return blocks.find(({ number }) => number === key) ?? null;
      case "eth_getLogs":
        return [];
      default:
        return method;
    }
  };
}

export interface RpcWorld {
  readonly url: string;
  readonly wsUrl: string;
  readonly view: MemoryView;
  /** What was logged as failed. */
  readonly failures: object[];
  /** Posts a body and reads the response. */
  post(body: unknown, path?: string): Promise<Posted>;
  call(method: string, params?: readonly unknown[], path?: string): Promise<Posted["json"]>;
}

export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what came by its members
  readonly json: any;
}

export const RPC_PATH = `/rpc/${rollupId}`;

export const RPC_OPTIONS: Omit<RollupRpcOptions, "urls"> = {
  rollupId,
  wsUrls: [],
  maxStalenessMs: 60_000,
  timeoutMs: 20_000,
  maxRequestBytes: 65_536,
  maxResponseBytes: 262_144,
  maxBatch: 8,
  maxInFlight: 64,
  maxFilters: 4,
  maxSockets: 4,
  maxSubscriptions: 4,
  maxSharePercent: 100,
};

interface TestBounds {
  /** Of one address, and as many at once. */
  readonly perSecond?: number;
  readonly isLate?: () => boolean;
}

/** An admission that believes a loopback's X-Forwarded-For; by default it bounds nobody. */
function createTestAdmission(perSecond: number, isLate: () => boolean): Admission {
  const now = () => performance.now();
  const rate = createRateLimit({ now }, { perSecond, burst: perSecond, maxClients: 16 });
  const addresses = createClientAddresses(["127.0.0.1"]);
  return createAdmission({ addresses, rate, loop: { isLate } });
}

/** The RPC alone: a whole server takes a tenth of a second to make. */
async function serve(
  { view, failures }: { readonly view: MemoryView; readonly failures: object[] },
  { perSecond = 1_000_000, isLate = () => false, ...options }: RollupRpcOptions & TestBounds,
): Promise<string> {
  const app = createApp(DEFAULT_HTTP_LIMITS, () => false);
  const reportFailure = (part: string, error: unknown) => void failures.push({ part, error });
  const admission = createTestAdmission(perSecond, isLate);
  const proxy = createRpcProxy({ view, reportFailure, admission }, [options]);
  app.addHook("onRequest", (request, reply, done) => {
    if (request.is404) refuseUnrouted(request, reply);
    else done();
  });
  addRpcRoute(app, { view, proxy, admission, reportFailure });
  addUpgrade(app.server, proxy);
  onTestFinished(async () => {
    app.server.closeAllConnections();
    proxy.stop();
    await app.close();
    await proxy.close();
  });
  return await app.listen({ host: "127.0.0.1", port: 0 });
}

/** A server whose one rollup has the RPC of these nodes; it ends with the test. */
export async function startRpc(
  options: Partial<RollupRpcOptions> & TestBounds & { readonly urls: readonly string[] },
  parts: Parameters<typeof createMemoryView>[0] = {},
): Promise<RpcWorld> {
  const view = createMemoryView(parts);
  const failures: object[] = [];
  const rpc = { ...RPC_OPTIONS, ...options };
  const url = await serve({ view, failures }, rpc);
  async function post(body: unknown, path: string = RPC_PATH): Promise<Posted> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}${path}`, { method: "POST", body: text, headers });
    const answer = await response.text();
    const json: unknown = answer === "" ? undefined : JSON.parse(answer);
    return { status: response.status, headers: response.headers, text: answer, json };
  }
  return {
    url,
    wsUrl: url.replace("http", "ws"),
    view,
    failures,
    post,
    async call(method, params = [], path = RPC_PATH) {
      return (await post({ jsonrpc: "2.0", id: 1, method, params }, path)).json;
    },
  };
}

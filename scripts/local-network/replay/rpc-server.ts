import { once } from "node:events";
import http from "node:http";
import { isObject } from "@mach/rpc";
import { type WebSocket, WebSocketServer } from "ws";
import { answer, type RawBlock, type Script } from "./script.ts";

/** A node's JSON-RPC over HTTP and WebSocket, both on one port of 127.0.0.1. */
export interface RpcServer {
  readonly port: number;
  /** Tells those who have subscribed to new heads. */
  announce(block: RawBlock): void;
  close(): Promise<void>;
}

const MAX_REQUEST_BYTES = 1_048_576;
const SUBSCRIPTION = "0x1";

/** Serves a script on a free port. */
export async function startRpcServer(script: Script): Promise<RpcServer> {
  const subscribers = new Set<WebSocket>();
  const server = http.createServer((request, response) => {
    void readRequest(request).then((parsed) => {
      if (parsed === null) response.writeHead(400).end();
      else response.end(JSON.stringify(answer(script, parsed)));
    });
  });
  const sockets = new WebSocketServer({ server, maxPayload: MAX_REQUEST_BYTES });
  sockets.on("connection", (socket) => {
    const own = { ...script, eth_subscribe: () => SUBSCRIPTION };
    socket.on("error", () => undefined);
    socket.on("close", () => subscribers.delete(socket));
    socket.on("message", (data) => {
      const parsed = parseJson(String(data));
      if (parsed === null) return socket.terminate();
      if (parsed["method"] === "eth_subscribe") subscribers.add(socket);
      socket.send(JSON.stringify(answer(own, parsed)));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a port was expected");
  return {
    port: address.port,
    announce(block) {
      const params = { subscription: SUBSCRIPTION, result: block };
      const text = JSON.stringify({ method: "eth_subscription", params, jsonrpc: "2.0" });
      for (const socket of subscribers) socket.send(text);
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function readRequest(
  request: http.IncomingMessage,
): Promise<Readonly<Record<string, unknown>> | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > MAX_REQUEST_BYTES) return null;
    }
  } catch {
    // The client has gone.
    return null;
  }
  return parseJson(Buffer.concat(chunks).toString());
}

function parseJson(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    // No JSON: no request.
    return null;
  }
}

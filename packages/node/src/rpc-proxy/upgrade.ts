import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { RpcProxy } from "./proxy.ts";

/** Headers that ask for another protocol, and those that are of the connection alone. */
const OF_THE_UPGRADE: ReadonlySet<string> = new Set(["connection", "http2-settings", "upgrade"]);

/** Hands the proxy what asks for a WebSocket; everything else is served as it always was. */
export function addUpgrade(server: Server, proxy: Pick<RpcProxy, "upgrade">): void {
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (asksForWebSocket(request)) proxy.upgrade(request, socket, head);
    else serveWithoutUpgrade(server, request, { socket, head });
  });
}

/** Whether a request asks for a WebSocket, and not for HTTP/2, which Java's client does. */
function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket";
}

/**
 * Serves a request as if it had asked for no other protocol (RFC 9110, section 7.8). Whoever listens
 * for upgrades is handed all of them, body unread: so the request is put back and read again.
 */
function serveWithoutUpgrade(
  server: Server,
  request: IncomingMessage,
  rest: { readonly socket: Duplex; readonly head: Buffer },
): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = "", value = ""] = rawHeaders.slice(i, i + 2);
    if (!OF_THE_UPGRADE.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  // One request and no more: what a client sends after it has asked to change is not for HTTP/1.
  const text = [...lines, "connection: close", "", ""].join("\r\n");
  rest.socket.unshift(Buffer.concat([Buffer.from(text, "latin1"), rest.head]));
  server.emit("connection", rest.socket);
}

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { ERRORS, type ErrorCode } from "@mach/api";
import type { FastifyError, FastifyReply } from "fastify";

/** What is full or stale may be so no longer in a second. */
const RETRY_AFTER_SECONDS = "1";

/** Answers with a coded error. Nothing of what the client sent is repeated but a field's name. */
export function sendError(reply: FastifyReply, code: ErrorCode, detail?: string): FastifyReply {
  const { status, meaning } = ERRORS[code];
  const message = detail === undefined ? meaning : `${meaning} ${detail}`;
  if (status === 429 || status === 503) reply.header("retry-after", RETRY_AFTER_SECONDS);
  return reply
    .code(status)
    .headers({ ...PUBLIC_HEADERS, "cache-control": "no-store" })
    .type("application/json; charset=utf-8")
    .send(JSON.stringify({ code, message }));
}

/**
 * On every answer: anyone may read it from any page, without credentials, and no browser takes
 * it for something else than it says it is.
 */
export const PUBLIC_HEADERS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "etag, retry-after",
  "x-content-type-options": "nosniff",
};

/** The code for what the framework refused before a route was reached. */
export function codeOfFrameworkError(error: FastifyError): ErrorCode {
  switch (error.code) {
    case "FST_ERR_BAD_URL":
    case "FST_ERR_MAX_PARAM_LENGTH":
      return "malformed";
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return "body-too-large";
    default:
      return (error.statusCode ?? 500) < 500 ? "malformed" : "internal";
  }
}

/**
 * Answers what is no HTTP, or came too slowly, and closes the connection. A stream that is under
 * way is only closed: an answer would land in the middle of it.
 */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable || isStreaming(socket)) {
    socket.destroy();
    return;
  }
  const code = codeOfConnectionError(error);
  const { status, meaning } = ERRORS[code];
  const body = JSON.stringify({ code, message: meaning });
  socket.write(
    `HTTP/1.1 ${status} ${code}\r\nconnection: close\r\ncache-control: no-store\r\n` +
      `access-control-allow-origin: *\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.destroySoon();
}

function codeOfConnectionError(error: NodeJS.ErrnoException): ErrorCode {
  switch (error.code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "timeout";
    case "HPE_HEADER_OVERFLOW":
      return "headers-too-large";
    default:
      return "malformed";
  }
}

/** Whether what is written to a connection is bounded by who writes it. */
export function isStreaming(socket: Socket): boolean {
  return streaming.has(socket);
}

const streaming = new WeakSet<Socket>();

/** Says that a stream, or another protocol, is written to this request's connection from now on. */
export function markStreaming(request: IncomingMessage): void {
  streaming.add(request.socket);
}

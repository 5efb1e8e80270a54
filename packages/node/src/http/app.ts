import { createServer, type RequestListener, type Server } from "node:http";
import { type FastifyInstance, fastify } from "fastify";
import { codeOfFrameworkError, refuseConnection, sendError } from "./errors.ts";
import type { Front } from "./front.ts";
import type { HttpLimits } from "./limits.ts";

/** Bodies are not read where a route does not say so. */
const BODY_LIMIT = 1_024;

/**
 * A fastify instance with every timeout and bound set, and errors in this API's own form. Each
 * request meets the front first.
 */
export function createApp(limits: HttpLimits, front: Front): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    return503OnClosing: false,
    serverFactory: (handle) => createBoundedServer(limits, front, handle),
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, codeOfFrameworkError(error));
    },
  });
  app.server.maxConnections = limits.maxConnections;
  app.removeAllContentTypeParsers();
  return app;
}

function createBoundedServer(
  { arrivalTimeoutMs, requestTimeoutMs, keepAliveMs, maxHeaderBytes }: HttpLimits,
  front: Front,
  handle: RequestListener,
): Server {
  const options = {
    requestTimeout: arrivalTimeoutMs,
    headersTimeout: Math.floor(arrivalTimeoutMs * 0.8),
    connectionsCheckingInterval: Math.min(1_000, Math.ceil(arrivalTimeoutMs / 4)),
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: maxHeaderBytes,
  };
  const server = createServer(options, (request, response) => {
    if (!front(request, response)) handle(request, response);
  });
  // Longer than a view may take, so that a slow answer is an answer and not a cut line.
  return server.setTimeout(2 * Math.max(arrivalTimeoutMs, requestTimeoutMs));
}

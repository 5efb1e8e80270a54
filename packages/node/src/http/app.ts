import { type FastifyInstance, fastify } from "fastify";
import { codeOfFrameworkError, refuseConnection, sendError } from "./errors.ts";
import type { HttpLimits } from "./limits.ts";

/** Bodies are not read where a route does not say so. */
const BODY_LIMIT = 1_024;

/** A fastify instance with every timeout and bound set, and errors in this API's own form. */
export function createApp(
  limits: HttpLimits,
  trustProxy: readonly string[] | undefined,
): FastifyInstance {
  const { requestTimeoutMs, keepAliveMs, maxHeaderBytes, maxConnections } = limits;
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    trustProxy: trustProxy === undefined ? false : [...trustProxy],
    requestTimeout: requestTimeoutMs,
    // Longer than a view may take, so that a slow answer is an answer and not a cut line.
    connectionTimeout: 2 * requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    return503OnClosing: false,
    http: {
      headersTimeout: Math.floor(requestTimeoutMs * 0.8),
      connectionsCheckingInterval: Math.min(1_000, Math.ceil(requestTimeoutMs / 4)),
      maxHeaderSize: maxHeaderBytes,
    },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, codeOfFrameworkError(error));
    },
  });
  app.server.maxConnections = maxConnections;
  app.removeAllContentTypeParsers();
  return app;
}

import { ROUTE_IDS, ROUTES } from "@mach/api";
import type { FastifyReply, FastifyRequest } from "fastify";
import { sendError } from "./errors.ts";

const READ_METHODS = "GET, HEAD, OPTIONS";
const KNOWN_PATHS: readonly RegExp[] = ROUTE_IDS.map(
  (id) => new RegExp(`^${ROUTES[id].path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`),
);

/** Preflights, other methods and other paths. A body is left unread, and the connection closed. */
export function refuseUnrouted(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = (request.raw.url ?? "").split("?", 1)[0] ?? "";
  const isKnown = KNOWN_PATHS.some((each) => each.test(path));
  if (request.method !== "HEAD" && request.method !== "GET") reply.header("connection", "close");
  if (!isKnown) return sendError(reply, "not-found", "See /docs for those that there are.");
  reply.header("allow", READ_METHODS);
  if (request.method !== "OPTIONS") return sendError(reply, "method-not-allowed");
  return reply
    .code(204)
    .headers({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": READ_METHODS,
      "access-control-allow-headers": "if-none-match, last-event-id, cache-control",
      "access-control-max-age": "86400",
    })
    .send();
}

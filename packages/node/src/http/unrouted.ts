import { ROUTE_IDS, ROUTES } from "@mach/api";
import type { FastifyReply, FastifyRequest } from "fastify";
import { refuseRpcMethod } from "../rpc-proxy/http-route.ts";
import { isRpcPath } from "../rpc-proxy/place.ts";
import { sendError } from "./errors.ts";

const METHODS = { GET: "GET, HEAD, OPTIONS", POST: "POST, OPTIONS" } as const;
const KNOWN_PATHS = ROUTE_IDS.map((id) => ({
  pattern: new RegExp(`^${ROUTES[id].path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`),
  methods: METHODS[ROUTES[id].method],
}));

/** Preflights, other methods and other paths. A body is left unread, and the connection closed. */
export function refuseUnrouted(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = (request.raw.url ?? "").split("?", 1)[0] ?? "";
  const known = KNOWN_PATHS.find(({ pattern }) => pattern.test(path));
  if (request.method !== "HEAD" && request.method !== "GET") reply.header("connection", "close");
  if (isRpcPath(path)) return refuseRpcMethod(request.method, reply);
  if (known === undefined)
    return sendError(reply, "not-found", "See /docs for those that there are.");
  reply.header("allow", known.methods);
  if (request.method !== "OPTIONS") return sendError(reply, "method-not-allowed");
  return reply
    .code(204)
    .headers({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": known.methods,
      "access-control-allow-headers": "content-type, if-none-match, last-event-id, cache-control",
      "access-control-max-age": "86400",
    })
    .send();
}

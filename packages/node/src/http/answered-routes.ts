import { ROUTE_IDS, ROUTES } from "@mach/api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isNotModified } from "./answer.ts";
import { PUBLIC_HEADERS, sendError } from "./errors.ts";
import type { ReportFailure } from "./failure-report.ts";
import type { HandlerResult, Handlers } from "./handlers.ts";
import { createInputReader } from "./input.ts";
import type { Eventual } from "./node-view.ts";

const PUBLIC_HEADER_LIST: readonly string[] = Object.entries(PUBLIC_HEADERS).flat();

/** Adds every route of the table that answers once. */
export function addAnsweredRoutes(
  app: FastifyInstance,
  dependencies: { readonly handlers: Handlers; readonly reportFailure: ReportFailure },
  options: { readonly timeoutMs: number },
): void {
  for (const id of ROUTE_IDS) {
    if (id === "events") continue;
    const readInput = createInputReader(id);
    // The table ties each id's input to its handler; over all ids the compiler cannot follow.
    const handle = dependencies.handlers[id] as (input: unknown) => Eventual<HandlerResult>;
    app.get(toFastifyPath(ROUTES[id].path), (request, reply) => {
      const input = readInput(request);
      if (!input.ok) return sendError(reply, "malformed", `See \`${input.path}\`.`);
      const fail = (error: unknown): FastifyReply => {
        dependencies.reportFailure(id, error);
        return sendError(reply, "internal");
      };
      let result: Eventual<HandlerResult>;
      try {
        result = handle(input.value);
      } catch (error) {
        return fail(error);
      }
      if (!(result instanceof Promise)) return sendResult(request, reply, result);
      return withDeadline(result, options.timeoutMs).then(
        (each) => sendResult(request, reply, each),
        fail,
      );
    });
  }
}

function sendResult(
  request: FastifyRequest,
  reply: FastifyReply,
  result: HandlerResult,
): FastifyReply {
  if (!result.ok) return sendError(reply, result.code, result.detail);
  const { body, cacheControl, contentType } = result.answer;
  const { text, byteLength, encoding, etag } = body;
  const head = ["etag", etag, "cache-control", cacheControl, ...PUBLIC_HEADER_LIST];
  // Written past fastify: these bytes need no serialiser, and its way costs a tenth of a request.
  reply.hijack();
  if (isNotModified(request.headers["if-none-match"], etag)) {
    reply.raw.writeHead(304, head).end();
  } else {
    head.push("content-type", contentType, "content-length", String(byteLength));
    reply.raw.writeHead(200, head).end(text, encoding);
  }
  return reply;
}

/** A view that does not answer in time is unavailable; what it says later is dropped. */
function withDeadline(result: Promise<HandlerResult>, timeoutMs: number): Promise<HandlerResult> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({ ok: false, code: "unavailable" }), timeoutMs);
    result.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function toFastifyPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

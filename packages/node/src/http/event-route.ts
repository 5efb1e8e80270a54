import { ROUTES } from "@mach/api";
import type { FastifyInstance } from "fastify";
import type { Admission } from "./admission.ts";
import { markStreaming, PUBLIC_HEADERS, sendError } from "./errors.ts";
import type { EventStream } from "./event-stream.ts";
import { createInputReader } from "./input.ts";
import type { NodeView } from "./node-view.ts";
import { faultOf } from "./view-faults.ts";

/** Adds the route of server-sent events. */
export function addEventRoute(
  app: FastifyInstance,
  context: {
    readonly view: Pick<NodeView, "rollup" | "rollups">;
    readonly events: EventStream;
    readonly admission: Pick<Admission, "addressOf">;
  },
): void {
  const { view, events, admission } = context;
  const readInput = createInputReader("events");
  const head = {
    ...PUBLIC_HEADERS,
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    // Tells nginx and its kin to pass events on at once.
    "x-accel-buffering": "no",
  };
  const { path } = ROUTES.events;
  app.head(path, (_request, reply) => reply.headers(head).send());
  app.get(path, { exposeHeadRoute: false }, async (request, reply) => {
    const input = readInput(request);
    if (!input.ok) return sendError(reply, "malformed", `See \`${input.path}\`.`);
    const { topics, rollupId } = input.value.query;
    try {
      // Whoever cannot tell what is newest has nothing to push either.
      const rollup = await (rollupId === undefined ? view.rollups() : view.rollup(rollupId));
      if ("ok" in rollup && !rollup.ok) return sendError(reply, rollup.code);
    } catch (error) {
      const fault = faultOf(error);
      if (fault === null) throw error;
      return sendError(reply, fault.code, fault.detail);
    }
    const address = admission.addressOf(request.raw);
    const refusal = events.refusalOf(address);
    if (refusal !== null) return sendError(reply, refusal);
    reply.hijack();
    // The reader may have left while the rollup was looked up: nobody would close its stream.
    if (request.raw.socket.destroyed) return reply;
    markStreaming(request.raw);
    const response = reply.raw;
    // A stream is silent between two heartbeats, and ends with its connection: no chunks.
    request.raw.socket.setTimeout(0);
    request.raw.socket.setNoDelay(true);
    response.useChunkedEncodingByDefault = false;
    response.shouldKeepAlive = false;
    response.writeHead(200, head);
    const lastEventId = request.headers["last-event-id"];
    events.open(response, {
      topics,
      rollupId,
      address,
      lastEventId: typeof lastEventId === "string" ? lastEventId : undefined,
    });
    return reply;
  });
}

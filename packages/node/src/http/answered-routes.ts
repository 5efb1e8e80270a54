import { ROUTE_IDS, ROUTES } from "@mach/api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Admission, payForBytes } from "./admission.ts";
import { prefersBytes, prepareAnswer, writeAnswer } from "./answer.ts";
import type { AnswerWaits } from "./answer-waits.ts";
import { sendError } from "./errors.ts";
import type { ReportFailure } from "./failure-report.ts";
import type { AnsweredRouteId, HandlerResult, Handlers } from "./handlers.ts";
import { createInputReader } from "./input.ts";
import type { KeptAnswers } from "./kept-answers.ts";
import type { Eventual } from "./node-view.ts";

export interface AnsweredRoutesDependencies {
  readonly handlers: Handlers;
  readonly waits: AnswerWaits;
  readonly kept: KeptAnswers;
  readonly admission: Admission;
  readonly reportFailure: ReportFailure;
}

/** What of any route's input decides how its answer is sent. */
interface AnyInput {
  readonly params: { readonly rollupId?: bigint };
  readonly query: { readonly wait?: number | undefined; readonly format?: string | undefined };
}

/** How often a waiting transaction is looked for at most: each look asks the rollup's sources. */
const TRANSACTION_PAUSE_MS = 500;

/** What an answer costs, in requests: looking for a transaction asks the rollup's sources. */
export function costOf(id: AnsweredRouteId): number {
  return id === "transaction" ? 10 : 1;
}

/** Adds every route of the table that answers once. */
export function addAnsweredRoutes(
  app: FastifyInstance,
  dependencies: AnsweredRoutesDependencies,
  options: { readonly timeoutMs: number },
): void {
  const { admission, kept } = dependencies;
  for (const id of ROUTE_IDS) {
    if (id === "events" || id === "batch") continue;
    const readInput = createInputReader(id);
    const hasFormats = ROUTES[id].formats !== undefined;
    // The table ties each id's input to its handler; over all ids the compiler cannot follow.
    const handle = dependencies.handlers[id] as (input: unknown) => Eventual<HandlerResult>;
    app.get(toFastifyPath(ROUTES[id].path), (request, reply) => {
      const read = readInput(request);
      if (!read.ok) return sendError(reply, "malformed", `See \`${read.path}\`.`);
      const input = hasFormats ? negotiate(read.value, request) : (read.value as AnyInput);
      const fail = (error: unknown): FastifyReply => {
        dependencies.reportFailure(id, error);
        return sendError(reply, "internal");
      };
      const extraCost = costOf(id) - 1;
      if (extraCost > 0) admission.charge(admission.addressOf(request.raw), extraCost);
      let result: Eventual<HandlerResult>;
      try {
        result = handle(input);
      } catch (error) {
        return fail(error);
      }
      const wait = input.query.wait ?? 0;
      if (!(result instanceof Promise) && (wait === 0 || !isNotYet(result))) {
        return sendResult(request, reply, { result, admission, kept });
      }
      const send = (each: HandlerResult): FastifyReply =>
        sendResult(request, reply, { result: each, admission });
      return withDeadline(Promise.resolve(result), options.timeoutMs).then((each) => {
        if (wait === 0 || !isNotYet(each)) return send(each);
        const ask = async (): Promise<HandlerResult> =>
          await withDeadline(Promise.resolve(handle(input)), options.timeoutMs);
        const held = { dependencies, id, input, ask, ...options };
        return hold(request, reply, held).then(send, fail);
      }, fail);
    });
  }
}

/** Holds the request until its answer stands, its time is over, or its client has left. */
async function hold(
  request: FastifyRequest,
  reply: FastifyReply,
  held: {
    readonly dependencies: AnsweredRoutesDependencies;
    readonly id: AnsweredRouteId;
    readonly input: AnyInput;
    readonly ask: () => Promise<HandlerResult>;
    readonly timeoutMs: number;
  },
): Promise<HandlerResult> {
  const { dependencies, id, input, ask, timeoutMs } = held;
  const { waits } = dependencies;
  const address = dependencies.admission.addressOf(request.raw);
  const refusal = waits.refusalOf(address);
  if (refusal !== null) return { ok: false, code: refusal };
  const { socket } = request.raw;
  const waitMs = (input.query.wait ?? 0) * 1_000;
  // Silent for longer than a connection may be otherwise; the next request is bounded as before.
  socket.setTimeout(waitMs + 2 * timeoutMs);
  const departure = new AbortController();
  const leave = (): void => departure.abort();
  reply.raw.once("close", leave);
  if (socket.destroyed) leave();
  try {
    return await waits.hold({
      ask,
      rollupId: input.params.rollupId ?? null,
      waitMs,
      pauseMs: id === "transaction" ? TRANSACTION_PAUSE_MS : 0,
      address,
      signal: departure.signal,
    });
  } finally {
    reply.raw.off("close", leave);
  }
}

function isNotYet(result: HandlerResult): boolean {
  return !result.ok && result.code === "not-yet";
}

/** The address names a format before Accept does. */
function negotiate(input: object, request: FastifyRequest): AnyInput {
  const { params, query } = input as AnyInput;
  if (query.format !== undefined || !prefersBytes(request.headers.accept)) return { params, query };
  return { params, query: { ...query, format: "compact" } };
}

function sendResult(
  request: FastifyRequest,
  reply: FastifyReply,
  context: {
    readonly result: HandlerResult;
    readonly admission: Admission;
    readonly kept?: KeptAnswers;
  },
): FastifyReply {
  const { result, admission, kept } = context;
  if (!result.ok) return sendError(reply, result.code, result.detail);
  const prepared = prepareAnswer(result.answer);
  const sent = { request: request.raw, response: reply.raw, bytes: prepared.body.byteLength };
  if (!payForBytes(admission, sent)) return sendError(reply, "too-many-requests");
  kept?.offer(request, result.answer, prepared);
  reply.hijack();
  writeAnswer(request.raw, reply.raw, prepared);
  return reply;
}

/** A view that does not answer in time is unavailable; what it says later is dropped. */
export function withDeadline(
  result: Promise<HandlerResult>,
  timeoutMs: number,
): Promise<HandlerResult> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({ ok: false, code: "unavailable" }), timeoutMs);
    result.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** A path of the route table as fastify writes it. */
export function toFastifyPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

import {
  type BatchRequest,
  batchRequestSchema,
  ERRORS,
  type ErrorCode,
  MAX_BATCH_REQUESTS,
  parseDocument,
  ROUTE_IDS,
  ROUTES,
} from "@mach/api";
import type { FastifyInstance, FastifyReply } from "fastify";
import { type Admission, payForBytes } from "./admission.ts";
import { costOf, withDeadline } from "./answered-routes.ts";
import { codeOfFrameworkError, PUBLIC_HEADERS, sendError } from "./errors.ts";
import type { ReportFailure } from "./failure-report.ts";
import type { AnsweredRouteId, HandlerResult, Handlers } from "./handlers.ts";
import { createInputReader } from "./input.ts";
import type { Eventual } from "./node-view.ts";

/** A batch of the most and longest addresses, with room for the JSON around them. */
const MAX_BODY_BYTES = MAX_BATCH_REQUESTS * 640;
/** How many requests of one batch are under way at once: some ask the rollup's sources. */
const LANES = 4;

interface Item {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/** Takes what a request costs beyond one. */
type Pay = (cost: number) => void;
type AnswerOne = (address: string, pay: Pay) => Promise<Item>;

/** Adds the route that answers several reads at once. */
export function addBatchRoute(
  app: FastifyInstance,
  dependencies: {
    readonly handlers: Handlers;
    readonly admission: Admission;
    readonly reportFailure: ReportFailure;
  },
  options: { readonly timeoutMs: number; readonly maxBatchBytes: number },
): void {
  const answerOne = createAnswerOne(dependencies, options);
  // A scope of its own: nowhere else is a body read.
  app.register((scope, _options, ready) => {
    scope.addContentTypeParser("*", { parseAs: "string" }, (_request, text, done) => {
      done(null, text);
    });
    scope.setErrorHandler((error, _request, reply) => {
      const code = codeOfFrameworkError(error as Parameters<typeof codeOfFrameworkError>[0]);
      if (code === "internal") dependencies.reportFailure("batch", error);
      return sendError(reply.header("connection", "close"), code);
    });
    scope.post(ROUTES.batch.path, { bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
      for (const _ in request.query as object)
        return sendError(reply, "malformed", "See the query.");
      const batch = readBatch(request.body);
      if (batch === null) return sendError(reply, "malformed", "See `requests`.");
      const { admission } = dependencies;
      const client = admission.addressOf(request.raw);
      const pay: Pay = (cost) => void admission.charge(client, cost);
      pay(batch.requests.length - 1);
      const answer = (address: string): Promise<Item> => answerOne(address, pay);
      const items = await answerAll(batch, answer, options.maxBatchBytes);
      const bytes = items.reduce((sum, { body }) => sum + body.length, 0);
      const sent = { request: request.raw, response: reply.raw, bytes };
      if (!payForBytes(admission, sent)) return sendError(reply, "too-many-requests");
      return send(reply, items);
    });
    ready();
  });
}

function readBatch(body: unknown): BatchRequest | null {
  if (typeof body !== "string") return null;
  try {
    const parsed = parseDocument(batchRequestSchema, JSON.parse(body));
    return parsed.ok ? parsed.value : null;
  } catch {
    // No JSON.
    return null;
  }
}

/** The answers in the order of the requests; what is beyond the bound on bytes is left out. */
async function answerAll(
  { requests }: BatchRequest,
  answerOne: (address: string) => Promise<Item>,
  maxBytes: number,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let next = 0;
  let bytes = 0;
  const work = async (): Promise<void> => {
    for (let index = next; index < requests.length; index = next) {
      next += 1;
      const isFull = bytes > maxBytes;
      const item = isFull ? errorItem("unavailable") : await answerOne(requests[index] ?? "");
      bytes += item.body.length;
      items[index] = bytes > maxBytes ? errorItem("unavailable") : item;
    }
  };
  await Promise.all(Array.from({ length: LANES }, work));
  return items;
}

function createAnswerOne(
  dependencies: { readonly handlers: Handlers; readonly reportFailure: ReportFailure },
  { timeoutMs }: { readonly timeoutMs: number },
): AnswerOne {
  const targets = ROUTE_IDS.flatMap((id) => {
    if (id === "events" || id === "batch" || ROUTES[id].answer === null) return [];
    return [createTarget(id, dependencies.handlers)];
  });
  return async (address, pay) => {
    const base = "http://batch.invalid";
    if (!URL.canParse(address, base)) return errorItem("malformed");
    const url = new URL(address, base);
    for (const { id, answer } of targets) {
      const result = answer(url);
      if (result === null) continue;
      const extraCost = costOf(id) - 1;
      if (extraCost > 0) pay(extraCost);
      try {
        const settled = await withDeadline(Promise.resolve(result()), timeoutMs);
        if (!settled.ok) return errorItem(settled.code, settled.detail);
        return { status: 200, body: settled.answer.body.text };
      } catch (error) {
        dependencies.reportFailure(id, error);
        return errorItem("internal");
      }
    }
    return errorItem("not-found", "See /docs for those that there are.");
  };
}

interface Target {
  readonly id: AnsweredRouteId;
  /** Null where the address is another route's. */
  readonly answer: (url: URL) => (() => Eventual<HandlerResult>) | null;
}

function createTarget(id: AnsweredRouteId, handlers: Handlers): Target {
  const readInput = createInputReader(id);
  const names = [...ROUTES[id].path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
  const pattern = new RegExp(`^${ROUTES[id].path.replace(/\{\w+\}/g, "([^/]+)")}$`);
  // The table ties each id's input to its handler; over all ids the compiler cannot follow.
  const handle = handlers[id] as (input: unknown) => Eventual<HandlerResult>;
  return {
    id,
    answer(url) {
      const match = pattern.exec(url.pathname);
      if (match === null) return null;
      return () => {
        const values = match.slice(1).map(decodePart);
        const params = Object.fromEntries(names.map((name, i) => [name, values[i]]));
        const input = readInput({ params, query: readQuery(url.searchParams) });
        if (!input.ok) return malformed(input.path);
        const { wait, format = "json" } = input.value.query as { wait?: number; format?: string };
        if (wait !== undefined) return malformed("wait");
        return format === "json" ? handle(input.value) : malformed("format");
      };
    },
  };
}

/** Undefined where it is no text. */
function decodePart(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    // Bytes that are no UTF-8.
    return undefined;
  }
}

/** A name that comes twice is no text, and refused like any other wrong form. */
function readQuery(query: URLSearchParams): object {
  return Object.fromEntries(
    [...query.keys()].map((name) => {
      const values = query.getAll(name);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

function malformed(path: string): HandlerResult {
  return { ok: false, code: "malformed", detail: `See \`${path}\`.` };
}

function errorItem(code: ErrorCode, detail?: string): Item {
  const { status, meaning } = ERRORS[code];
  const message = detail === undefined ? meaning : `${meaning} ${detail}`;
  return { status, body: JSON.stringify({ code, message }) };
}

function send(reply: FastifyReply, items: readonly Item[]): FastifyReply {
  const data = items.map(({ status, body }) => `{"status":${status},"body":${body}}`).join(",");
  return reply
    .headers({ ...PUBLIC_HEADERS, "cache-control": "no-store" })
    .type("application/json; charset=utf-8")
    .send(`{"data":[${data}]}`);
}

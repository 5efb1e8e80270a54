import type * as z from "zod/mini";
import { parseDocument } from "./documents.ts";
import { type ErrorCode, errorSchema } from "./errors.ts";
import type { RouteId, RouteShapes } from "./route-shapes.ts";
import { ROUTES } from "./routes.ts";

/** The routes that are read, and answer with a document of this API. */
export type DocumentRouteId = Exclude<
  { readonly [Id in RouteId]: RouteShapes[Id]["answer"] extends null ? never : Id }[RouteId],
  "batch"
>;

/**
 * What a request gives: the answer with the status it came with, the API's own error, or
 * `unreachable` and `bad-answer`, where nothing is known and nothing may be concluded.
 */
export type ClientResult<Id extends DocumentRouteId> =
  | { readonly ok: true; readonly answer: RouteShapes[Id]["answer"] }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string }
  | {
      readonly ok: false;
      readonly code: "unreachable" | "bad-answer";
      readonly message: string;
    };

export interface ClientOptions {
  /** Where the API is, for instance http://127.0.0.1:4500. */
  readonly baseUrl: string;
  /** How long one request may take, milliseconds; 10 s if not given. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/** Other formats than JSON are no documents: they are asked for by `addressOf` and `fetch`. */
type Input<Id extends RouteId> = RouteShapes[Id]["params"] &
  Partial<Omit<RouteShapes[Id]["query"], "format">>;

/** One read of a batch. */
export type BatchRead = {
  readonly [Id in DocumentRouteId]: { readonly id: Id; readonly input: Input<Id> };
}[DocumentRouteId];

type BatchResults<Reads extends readonly BatchRead[]> = {
  readonly [Index in keyof Reads]: ClientResult<Reads[Index]["id"]>;
};

export interface Client {
  /** Reads one route. The answer has been parsed, but no signature in it has been checked. */
  get<Id extends DocumentRouteId>(id: Id, input: Input<Id>): Promise<ClientResult<Id>>;
  /** Reads up to 32 routes by one request; each has the result that it alone would have had. */
  batch<const Reads extends readonly BatchRead[]>(reads: Reads): Promise<BatchResults<Reads>>;
}

/** The longest answer that is read. */
const MAX_ANSWER_CHARACTERS = 64 * 1024 * 1024;

/** A typed reader of the API. It retries nothing and verifies nothing. */
export function createClient(options: ClientOptions): Client {
  const { baseUrl, timeoutMs = 10_000, fetch = globalThis.fetch } = options;
  const ask = async (address: string, init: RequestInit, waitMs: number): Promise<Said> => {
    try {
      const signal = AbortSignal.timeout(timeoutMs + waitMs);
      const response = await fetch(new URL(address, baseUrl), { ...init, signal });
      return { status: response.status, json: await readJson(response) };
    } catch (cause) {
      // The network's failures and an answer that is no JSON are one: nothing is known.
      return { ok: false, code: "unreachable", message: `${baseUrl}: ${String(cause)}` };
    }
  };
  return {
    async get(id, input) {
      const waitMs = "wait" in input && typeof input.wait === "number" ? input.wait * 1_000 : 0;
      const said = await ask(addressOf(id, input), {}, waitMs);
      return "ok" in said ? said : readAnswer(id, said);
    },
    async batch(reads) {
      const requests = reads.map(({ id, input }) => addressOf(id, input as never));
      const body = JSON.stringify({ requests });
      const headers = { "content-type": "application/json" };
      const said = await ask(ROUTES.batch.path, { method: "POST", headers, body }, 0);
      const items = "ok" in said ? said : readBatch(said, reads.length);
      const results = reads.map(({ id }, index) => {
        if ("ok" in items) return items;
        const item = items[index];
        return item === undefined ? badAnswer("batch", "length") : readAnswer(id, item);
      });
      // One result for each read, in its order: the compiler does not follow a map over a tuple.
      return results as never;
    },
  };
}

interface HttpAnswer {
  readonly status: number;
  readonly json: unknown;
}
type Failure = Extract<ClientResult<never>, { readonly ok: false }>;
type Said = HttpAnswer | Failure;

function readBatch(response: HttpAnswer, count: number): readonly HttpAnswer[] | Failure {
  const result = readBy(ROUTES.batch.answer, "batch", response);
  if (!result.ok) return result;
  const { data } = result.answer;
  if (data.length !== count) return badAnswer("batch", `${data.length} answers`);
  return data.map(({ status, body }) => ({ status, json: body }));
}

/** The path and query of a route with these values. */
export function addressOf<Id extends RouteId>(id: Id, input: Input<Id>): string {
  const route = ROUTES[id];
  const values = new Map<string, unknown>(Object.entries(input));
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(values.get(name))),
  );
  const query = new URLSearchParams();
  for (const name of Object.keys(route.query)) {
    const value = values.get(name);
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query}`;
}

function readAnswer<Id extends DocumentRouteId>(id: Id, response: HttpAnswer): ClientResult<Id> {
  const schema = ROUTES[id].answer as z.ZodMiniType<RouteShapes[Id]["answer"], unknown>;
  return readBy(schema, id, response);
}

function readBy<T>(
  schema: z.ZodMiniType<T, unknown>,
  name: string,
  { status, json }: HttpAnswer,
): { readonly ok: true; readonly answer: T } | Failure {
  if (status === 200) {
    const parsed = parseDocument(schema, json);
    if (parsed.ok) return { ok: true, answer: parsed.value };
    return badAnswer(name, `malformed at ${parsed.path}`);
  }
  const parsed = parseDocument(errorSchema, json);
  return parsed.ok ? { ok: false, ...parsed.value } : badAnswer(name, `HTTP status ${status}`);
}

function badAnswer(name: string, what: string): Failure {
  return { ok: false, code: "bad-answer", message: `${name}: ${what}` };
}

async function readJson(response: Response): Promise<unknown> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  // Not every browser can iterate over a stream.
  const reader = response.body?.getReader();
  let text = "";
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) return JSON.parse(text + decoder.decode());
    text += decoder.decode(value, { stream: true });
    if (text.length > MAX_ANSWER_CHARACTERS) {
      await reader?.cancel();
      throw new RangeError("the answer is too large");
    }
  }
}

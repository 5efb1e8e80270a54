import type * as z from "zod/mini";
import { parseDocument } from "./documents.ts";
import { type ErrorCode, errorSchema } from "./errors.ts";
import { ROUTES, type RouteId, type RouteShapes } from "./routes.ts";

/** The routes that answer with a document of this API. */
export type DocumentRouteId = {
  readonly [Id in RouteId]: RouteShapes[Id]["answer"] extends null ? never : Id;
}[RouteId];

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

type Input<Id extends RouteId> = RouteShapes[Id]["params"] & Partial<RouteShapes[Id]["query"]>;

export interface Client {
  /** Reads one route. The answer has been parsed, but no signature in it has been checked. */
  get<Id extends DocumentRouteId>(id: Id, input: Input<Id>): Promise<ClientResult<Id>>;
}

/** The longest answer that is read. */
const MAX_ANSWER_CHARACTERS = 64 * 1024 * 1024;

/** A typed reader of the API. It retries nothing and verifies nothing. */
export function createClient(options: ClientOptions): Client {
  const { baseUrl, timeoutMs = 10_000, fetch = globalThis.fetch } = options;
  return {
    async get(id, input) {
      let status: number;
      let json: unknown;
      try {
        const response = await fetch(new URL(addressOf(id, input), baseUrl), {
          signal: AbortSignal.timeout(timeoutMs),
        });
        status = response.status;
        json = await readJson(response);
      } catch (cause) {
        // The network's failures and an answer that is no JSON are one: nothing is known.
        return { ok: false, code: "unreachable", message: `${baseUrl}: ${String(cause)}` };
      }
      return readAnswer(id, { status, json });
    },
  };
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

function readAnswer<Id extends DocumentRouteId>(
  id: Id,
  response: { readonly status: number; readonly json: unknown },
): ClientResult<Id> {
  const { status, json } = response;
  if (status === 200) {
    const schema = ROUTES[id].answer as z.ZodMiniType<RouteShapes[Id]["answer"], unknown>;
    const parsed = parseDocument(schema, json);
    if (parsed.ok) return { ok: true, answer: parsed.value };
    return { ok: false, code: "bad-answer", message: `${id}: malformed at ${parsed.path}` };
  }
  const parsed = parseDocument(errorSchema, json);
  if (parsed.ok) return { ok: false, ...parsed.value };
  return { ok: false, code: "bad-answer", message: `${id}: HTTP status ${status}` };
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

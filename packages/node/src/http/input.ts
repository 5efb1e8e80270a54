import { type ParseResult, parseDocument, ROUTES, type RouteId, type RouteShapes } from "@mach/api";
import { z } from "zod";

/** What a request asks for, parsed. */
export type Input<Id extends RouteId> = Pick<RouteShapes[Id], "params" | "query">;

/** Reads a route's params and query strictly: what the table does not list is refused. */
export function createInputReader<Id extends RouteId>(
  id: Id,
): (request: { readonly params: unknown; readonly query: unknown }) => ParseResult<Input<Id>> {
  const schema = z.strictObject({
    params: z.strictObject(ROUTES[id].params),
    query: z.strictObject(ROUTES[id].query),
  }) as unknown as z.ZodType<Input<Id>, unknown>;
  return ({ params, query }) => parseDocument(schema, { params, query });
}

import { type ParseResult, parseDocument, ROUTES, type RouteId, type RouteShapes } from "@mach/api";
import { z } from "zod";

/** What a request asks for, parsed. */
export type Input<Id extends RouteId> = Pick<RouteShapes[Id], "params" | "query">;

/** Reads a route's params and query strictly: what the table does not list is refused. */
export function createInputReader<Id extends RouteId>(
  id: Id,
): (request: { readonly params: unknown; readonly query: unknown }) => ParseResult<Input<Id>> {
  const readParams = createFieldReader(ROUTES[id].params);
  const readQuery = createFieldReader(ROUTES[id].query);
  return (request) => {
    const params = readParams(request.params);
    if (!params.ok) return params;
    const query = readQuery(request.query);
    if (!query.ok) return query;
    // The table's types tie the fields to the shape; over all ids the compiler cannot follow.
    return { ok: true, value: { params: params.value, query: query.value } as Input<Id> };
  };
}

/** Most requests have no query, and some no params: what that gives is parsed once. */
function createFieldReader(
  fields: Readonly<Record<string, z.core.$ZodType>>,
): (values: unknown) => ParseResult<object> {
  const schema = z.strictObject(fields);
  const nothing = parseDocument(schema, {});
  return (values) => (isEmpty(values) ? nothing : parseDocument(schema, values));
}

function isEmpty(values: unknown): boolean {
  for (const _ in values as object) return false;
  return true;
}

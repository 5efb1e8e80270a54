import * as z from "zod/mini";
import { ERRORS, type ErrorCode, errorSchema } from "./errors.ts";
import { eventSchemas, TOPIC_NAMES } from "./events.ts";
import { ROUTE_TEXTS } from "./route-texts.ts";
import { type AnyRoute, CACHE_CLASSES, COMMON_ERRORS, ROUTE_IDS, ROUTES } from "./routes.ts";

/** A JSON Schema or another part of a document; what is in it is the generator's own. */
export type JsonObject = { readonly [key: string]: unknown };

/** A parameter of a route as it is documented. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonObject;
}

/** The API as an OpenAPI 3.1 document, made from the route table. */
export function buildOpenApi(options: { readonly software: string }): JsonObject {
  const components = new Map<string, JsonObject>();
  const paths: Record<string, JsonObject> = {};
  for (const id of ROUTE_IDS) {
    const route: AnyRoute = ROUTES[id];
    paths[route.path] = { [route.method.toLowerCase()]: operationOf(route, components) };
  }
  jsonSchemaOf(errorSchema, components);
  for (const topic of TOPIC_NAMES) {
    components.set(eventName(topic), jsonSchemaOf(eventSchemas[topic], components));
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "MACH",
      version: options.software,
      description: "Fast finality for rollups that anyone can check.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    // Anyone may read, and nothing can be written.
    security: [],
    paths,
    components: { schemas: Object.fromEntries([...components].sort(byName)) },
  };
}

/** A route's path and query parameters. */
export function parametersOf(route: AnyRoute, components: Map<string, JsonObject>): Parameter[] {
  const parameters: Parameter[] = [];
  for (const place of ["path", "query"] as const) {
    const fields: Record<string, z.core.$ZodType> = place === "path" ? route.params : route.query;
    for (const [name, field] of Object.entries(fields)) {
      const { description, ...schema } = jsonSchemaOf(field, components);
      parameters.push({
        name,
        in: place,
        required: place === "path",
        description: typeof description === "string" ? description : "",
        schema,
      });
    }
  }
  return parameters;
}

/** Every error that a route can answer with, in the order of the table. */
export function errorsOf(route: AnyRoute): readonly ErrorCode[] {
  return [...COMMON_ERRORS, ...route.errors].sort((a, b) => ERRORS[a].status - ERRORS[b].status);
}

/**
 * The JSON Schema (draft 2020-12) of what goes over the wire. Schemas with an id of their own are
 * put into `components` and referred to.
 */
export function jsonSchemaOf(
  schema: z.core.$ZodType,
  components: Map<string, JsonObject>,
): JsonObject {
  const { $schema, $defs, ...rest } = z.toJSONSchema(schema, { io: "input" });
  for (const [name, { id: _, ...definition }] of Object.entries($defs ?? {})) {
    components.set(name, withComponentRefs(definition));
  }
  const { id, ...own } = rest;
  if (id === undefined) return withComponentRefs(own);
  components.set(id, withComponentRefs(own));
  return { $ref: `#/components/schemas/${id}` };
}

function operationOf(route: AnyRoute, components: Map<string, JsonObject>): JsonObject {
  const responses: Record<string, JsonObject> = {
    "200": {
      description: ROUTE_TEXTS[route.id].summary,
      headers: {
        "Cache-Control": {
          description: "The longest that an answer is kept; a pending one is not.",
          schema: { type: "string", examples: [CACHE_CLASSES[route.cache].header] },
        },
      },
      content: contentOf(route, components),
    },
  };
  for (const code of errorsOf(route)) {
    const status = String(ERRORS[code].status);
    const others = responses[status]?.["description"];
    const described = `\`${code}\`: ${ERRORS[code].meaning}`;
    responses[status] = {
      description: typeof others === "string" ? `${others} ${described}` : described,
      content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
    };
  }
  return {
    operationId: route.id,
    ...ROUTE_TEXTS[route.id],
    parameters: parametersOf(route, components),
    ...(route.body && {
      requestBody: {
        required: true,
        content: { "application/json": { schema: jsonSchemaOf(route.body, components) } },
      },
    }),
    responses,
  };
}

/** What a success is, by media type. */
function contentOf(route: AnyRoute, components: Map<string, JsonObject>): JsonObject {
  const { answer, mediaType, formats } = route;
  if (mediaType === "text/event-stream") {
    const events = TOPIC_NAMES.map((topic) => ({
      $ref: `#/components/schemas/${eventName(topic)}`,
    }));
    const schema = {
      type: "string",
      contentMediaType: mediaType,
      contentSchema: { anyOf: events },
    };
    return { [mediaType]: { schema } };
  }
  if (answer === null) {
    return { [mediaType]: { schema: { type: mediaType === "text/html" ? "string" : "object" } } };
  }
  const json = jsonSchemaOf(answer, components);
  if (formats === undefined) return { [mediaType]: { schema: json } };
  return {
    [mediaType]: { schema: { anyOf: [json, jsonSchemaOf(formats.calldata, components)] } },
    "application/octet-stream": {
      schema: { description: formats.compact, contentMediaType: "application/octet-stream" },
    },
  };
}

function eventName(topic: string): string {
  return `${topic.charAt(0).toUpperCase()}${topic.slice(1)}Event`;
}

/** Moves references from a schema's own definitions to the document's. */
function withComponentRefs(schema: object): JsonObject {
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => {
      if (key !== "$ref" || typeof value !== "string") return value;
      return value.replace("#/$defs/", "#/components/schemas/");
    }),
  ) as JsonObject;
}

function byName([left]: [string, JsonObject], [right]: [string, JsonObject]): number {
  return left < right ? -1 : 1;
}

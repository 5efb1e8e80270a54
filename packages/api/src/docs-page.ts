import { ERROR_CODES, ERRORS } from "./errors.ts";
import { TOPIC_NAMES, TOPICS } from "./events.ts";
import { PROOF_GAPS, REASONS } from "./meanings.ts";
import { buildOpenApi, errorsOf, type JsonObject, parametersOf } from "./openapi.ts";
import { ROUTE_TEXTS } from "./route-texts.ts";
import { type AnyRoute, CACHE_CLASSES, ROUTE_IDS, ROUTES } from "./routes.ts";

/**
 * The page that documents the API, made from the route table. It has no script and asks nobody
 * else for anything: its one style sheet is `DOCS_STYLE`.
 */
export function renderDocsPage(options: { readonly software: string }): string {
  const routes = ROUTE_IDS.map((id): AnyRoute => ROUTES[id]);
  const schemas = schemasOf(buildOpenApi(options));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>MACH API</title>
<style>${DOCS_STYLE}</style>
</head>
<body>
<header>
<h1>MACH API</h1>
<p>Fast finality for rollups that anyone can check. Answers carry certificates, so that nobody
has to trust the node that serves them. Version ${escapeHtml(options.software)},
<a href="/openapi.json">as OpenAPI 3.1</a>.</p>
<p>Success is <code>{ "data": … }</code>, an error <code>{ "code": …, "message": … }</code> with a
stable code. Integers that can pass 2<sup>53</sup> are decimal strings; hex is lower case with 0x.
An answer with <code>not-yet</code> means: keep polling.</p>
</header>
<nav aria-label="Routes"><ul>
${routes.map(({ id, path }) => `<li><a href="#${id}"><code>${escapeHtml(path)}</code></a></li>`).join("\n")}
</ul></nav>
<main>
${routes.map(renderRoute).join("\n")}
<h2 id="topics">Topics of events</h2>
${renderTable(
  ["Topic", "Told when"],
  TOPIC_NAMES.map((topic) => [code(topic), escapeHtml(TOPICS[topic])]),
)}
<h2 id="reasons">Reasons</h2>
${renderTable(
  ["Code", "Meaning"],
  Object.entries(REASONS).map(([reason, meaning]) => [code(reason), escapeHtml(meaning)]),
)}
<h2 id="proof-gaps">Why there is no proof</h2>
${renderTable(
  ["Code", "Meaning"],
  Object.entries(PROOF_GAPS).map(([gap, meaning]) => [code(gap), escapeHtml(meaning)]),
)}
<h2 id="errors">Errors</h2>
${renderTable(
  ["Code", "Status", "Meaning"],
  ERROR_CODES.map((each) => [
    code(each),
    String(ERRORS[each].status),
    escapeHtml(ERRORS[each].meaning),
  ]),
)}
<h2 id="documents">Documents</h2>
${schemas.map(([name, schema]) => renderSchema(name, schema)).join("\n")}
</main>
</body>
</html>
`;
}

/** The page's style sheet. */
const DOCS_STYLE = `
:root { --text: #1c2024; --quiet: #60646c; --line: #d9d9e0; --back: #fcfcfd; --code: #f0f0f3;
  --link: #0d5fb8; font: 16px/1.55 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --text: #edeef0; --quiet: #b0b4ba;
  --line: #363a3f; --back: #111113; --code: #212225; --link: #70b8ff; } }
body { margin: 0 auto; max-width: 54rem; padding: 1.5rem 1rem 6rem; color: var(--text);
  background: var(--back); }
a { color: var(--link); }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.75rem; margin: 0; } h2 { font-size: 1.3rem; margin: 3rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0; }
code, pre { font: .875em/1.5 ui-monospace, monospace; }
code { background: var(--code); padding: .1em .3em; border-radius: .25em;
  overflow-wrap: anywhere; }
pre { background: var(--code); padding: .75rem; border-radius: .4rem; overflow-x: auto; }
pre code { padding: 0; background: none; overflow-wrap: normal; }
nav ul { columns: 20rem; list-style: none; padding: 0; }
section { border-top: 1px solid var(--line); margin-top: 1.75rem; padding-top: 1.75rem; }
p.quiet, dt { color: var(--quiet); } p { margin: .5rem 0; }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--quiet); }
`;

function renderRoute(route: AnyRoute): string {
  const { summary, description } = ROUTE_TEXTS[route.id];
  const parameters = parametersOf(route, new Map());
  const rows = parameters.map((each) => [
    code(each.name),
    each.in,
    escapeHtml(each.description || describe(each.schema)),
  ]);
  const table = rows.length === 0 ? "" : renderTable(["Name", "In", "Meaning"], rows);
  const errors = errorsOf(route).map((each) => `<a href="#errors">${code(each)}</a>`);
  return `<section id="${route.id}">
<h3><code>${route.method} ${escapeHtml(route.path)}</code></h3>
<p><strong>${escapeHtml(summary)}.</strong> ${escapeHtml(description)}</p>
${table}
<pre><code>curl ${escapeHtml(exampleOf(route))}</code></pre>
<p class="quiet">Kept by caches at most: ${CACHE_CLASSES[route.cache].meaning.toLowerCase()}
Errors: ${errors.join(", ")}</p>
</section>`;
}

function exampleOf(route: AnyRoute): string {
  const examples: Record<string, string> = {
    rollupId: "901",
    block: "42",
    blockNumber: "42",
    epoch: "current",
  };
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => examples[name] ?? "0x…");
  return `-s http://127.0.0.1:4500${path}`;
}

function renderSchema(name: string, schema: JsonObject): string {
  const about = typeof schema["description"] === "string" ? `${schema["description"]}.` : "";
  const variants = Array.isArray(schema["oneOf"]) ? (schema["oneOf"] as JsonObject[]) : [schema];
  const tables = variants.map((variant) => {
    const fields = Object.entries((variant["properties"] ?? {}) as Record<string, JsonObject>);
    return renderTable(
      ["Field", "Form"],
      fields.map(([field, form]) => [code(field), describeHtml(form)]),
    );
  });
  return `<section id="schema-${name}"><h3>${name}</h3><p>${escapeHtml(about)}</p>
${tables.join("\n")}</section>`;
}

function describeHtml(schema: JsonObject): string {
  const target = referenceOf(schema);
  if (target === null) return escapeHtml(describe(schema));
  const link = `<a href="#schema-${target}">${target}</a>`;
  return escapeHtml(describe(schema)).replace(target, link);
}

/** A form in a few words: what a reader needs to know before looking at the OpenAPI document. */
function describe(schema: JsonObject): string {
  const { type, pattern, description, $ref, anyOf, items } = schema;
  if (Array.isArray(anyOf)) return (anyOf as JsonObject[]).map(describe).join(" or ");
  const about = typeof description === "string" ? `: ${description}` : "";
  if (typeof $ref === "string") return `${$ref.slice($ref.lastIndexOf("/") + 1)}${about}`;
  if (schema["const"] !== undefined) return `${JSON.stringify(schema["const"])}${about}`;
  if (Array.isArray(schema["enum"])) return `one of ${schema["enum"].join(", ")}${about}`;
  if (type === "array") return `list of ${describe((items ?? {}) as JsonObject)}${about}`;
  if (type === "object") {
    const fields = Object.keys((schema["properties"] ?? {}) as object);
    return `{ ${fields.join(", ")} }${about}`;
  }
  if (typeof pattern !== "string") return `${String(type)}${about}`;
  return `${pattern.startsWith("^0x") ? "hex" : pattern.startsWith("^(?:0|") ? "decimal string" : "string"}${about}`;
}

function referenceOf(schema: JsonObject): string | null {
  const found = /"#\/components\/schemas\/(\w+)"/.exec(JSON.stringify(schema));
  return found?.[1] ?? null;
}

function schemasOf(document: JsonObject): readonly (readonly [string, JsonObject])[] {
  const { schemas } = document["components"] as { readonly schemas: Record<string, JsonObject> };
  return Object.entries(schemas);
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const headRow = head.map((cell) => `<th scope="col">${cell}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  return `<div class="table"><table><thead><tr>${headRow}</tr></thead>
<tbody>${body.join("\n")}</tbody></table></div>`;
}

function code(text: string): string {
  return `<code>${escapeHtml(text)}</code>`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? "");
}

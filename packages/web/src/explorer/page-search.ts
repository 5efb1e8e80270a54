import type { BatchRead } from "@mach/sdk/reader";
import { html, type TemplateResult } from "lit-html";
import { formatInteger } from "../shared/format.ts";
import { createResource, type Page, type PageContext, viewMissing } from "./page.ts";
import { linkTo, type Route } from "./route.ts";
import { readSearch, type SearchQuestion } from "./search.ts";

interface Hit {
  readonly route: Route;
  readonly words: string;
}

const MAX_READS = 32;

/** What a text could mean here. One hit leads there at once. */
export function createSearchPage(context: PageContext, text: string): Page {
  const question = readSearch(text);
  let isLeft = false;
  const hits = createResource<readonly Hit[]>(context, async () => {
    const found = await findHits(context, question);
    const [only] = found.ok ? found.answer : [];
    if (found.ok && found.answer.length === 1 && only !== undefined && !isLeft) {
      context.navigate(only.route);
    }
    return found;
  });
  return {
    title: "Search",
    stop() {
      isLeft = true;
      hits.stop();
    },
    view() {
      const missing = viewMissing(context, hits, `“${text}”`);
      return html`<h1>Search</h1>
        <p class="lead">For <code class="wrap">${text}</code></p>
        ${missing ?? viewHits(context, question, hits.value ?? [])}`;
    },
  };
}

function viewHits(
  { reader, live: { state } }: PageContext,
  question: SearchQuestion,
  hits: readonly Hit[],
): TemplateResult {
  if (hits.length > 0) {
    return html`<ul class="hits">
      ${hits.map(({ route, words }) => html`<li><a class="panel" href=${linkTo(route)}>${words}</a></li>`)}
    </ul>`;
  }
  const rollups = [...state.rollups.keys()].join(", ");
  return html`<section class="panel missing">
    <h2>Nothing found</h2>
    <dl class="facts">
      <div><dt>Looked for</dt><dd>${LOOKED_FOR[question.kind]}</dd></div>
      <div><dt>Where</dt><dd>the node at <code>${reader.endpoint}</code>, rollups ${rollups || "none"}</dd></div>
    </dl>
    <p class="muted">
      A search takes a height (<code>42</code>, or <code>901/42</code> on one rollup), the hash of a
      block or a transaction, an operator's address, or a certificate's id.
    </p>
  </section>`;
}

const LOOKED_FOR: { readonly [Kind in SearchQuestion["kind"]]: string } = {
  height: "a block of that height",
  hash: "a block, a transaction and a certificate of that hash",
  operator: "an operator of that address",
  "not-understood": "nothing: the text is no height, no hash and no address",
};

type Found = Awaited<ReturnType<Parameters<typeof createResource<readonly Hit[]>>[1]>>;

async function findHits(context: PageContext, question: SearchQuestion): Promise<Found> {
  const rollups = await followedRollups(context);
  if (!Array.isArray(rollups)) return rollups as Extract<Found, { readonly ok: false }>;
  switch (question.kind) {
    case "not-understood":
      return { ok: true, answer: [] };
    case "operator":
      return await findOperator(context, question.operator);
    case "height":
      return await findHeight(context, question, rollups);
    case "hash":
      return await findHash(context, question, rollups);
  }
}

async function followedRollups({ reader }: PageContext): Promise<bigint[] | Found> {
  const result = await reader.get("rollups", {});
  return result.ok ? result.answer.data.map(({ rollupId }) => rollupId) : result;
}

async function findOperator(
  { reader }: PageContext,
  operator: Extract<SearchQuestion, { kind: "operator" }>["operator"],
): Promise<Found> {
  const result = await reader.get("operator", { operator, limit: 1 });
  if (!result.ok) return result.code === "unknown-operator" ? { ok: true, answer: [] } : result;
  return { ok: true, answer: [{ route: { page: "operator", operator }, words: "An operator" }] };
}

async function findHeight(
  { reader }: PageContext,
  { blockNumber: block, rollupId: only }: Extract<SearchQuestion, { kind: "height" }>,
  rollups: readonly bigint[],
): Promise<Found> {
  const asked = rollups.filter((each) => only === null || each === only).slice(0, MAX_READS);
  if (asked.length === 0) return { ok: true, answer: [] };
  const results = await reader.batch(
    asked.map((rollupId) => ({ id: "block" as const, input: { rollupId, block } })),
  );
  const answer = results.flatMap((result, index): readonly Hit[] => {
    const rollupId = asked[index] ?? 0n;
    if (!result.ok || result.answer.data.block === null) return [];
    return [{ route: { page: "block", rollupId, block }, words: blockWords(rollupId, block) }];
  });
  return { ok: true, answer };
}

async function findHash(
  { reader }: PageContext,
  { hash }: Extract<SearchQuestion, { kind: "hash" }>,
  rollups: readonly bigint[],
): Promise<Found> {
  const asked = rollups.slice(0, (MAX_READS - 1) / 2);
  const reads: readonly BatchRead[] = asked.flatMap((rollupId) => [
    { id: "block" as const, input: { rollupId, block: hash } },
    { id: "transaction" as const, input: { rollupId, transactionHash: hash } },
  ]);
  const certificate = await reader.get("certificateById", { certificateId: hash });
  const results = reads.length === 0 ? [] : await reader.batch(reads);
  const hits = results.flatMap((result, index): readonly Hit[] => {
    const rollupId = asked[Math.floor(index / 2)] ?? 0n;
    if (!result.ok || !("status" in result.answer.data) || !("block" in result.answer.data))
      return [];
    const { block } = result.answer.data;
    if (block === null) return [];
    const isTransaction = index % 2 === 1;
    const words = blockWords(rollupId, block.blockNumber);
    if (!isTransaction) return [{ route: { page: "block", rollupId, block: hash }, words }];
    return [{ route: { page: "transaction", rollupId, hash }, words: `A transaction in ${words}` }];
  });
  if (!certificate.ok) return { ok: true, answer: hits };
  const route: Route = { page: "certificate", certificateId: hash };
  return { ok: true, answer: [{ route, words: "A certificate" }, ...hits] };
}

function blockWords(rollupId: bigint, blockNumber: bigint): string {
  return `Block ${formatInteger(blockNumber)} of rollup ${rollupId}`;
}

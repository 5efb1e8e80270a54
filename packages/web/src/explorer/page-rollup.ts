import type { BlockStatus, FollowedRollup } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import {
  describeVerification,
  formatInteger,
  formatSpan,
  formatThreshold,
} from "../shared/format.ts";
import { isOfBlock, onlyAsked } from "./answer-subject.ts";
import {
  type CertificateChecks,
  createCertificateChecks,
  ruleOf,
  subjectOf,
} from "./certificate-check.ts";
import { elapsedMs } from "./clock.ts";
import { viewLatencyChart } from "./latency-chart.ts";
import {
  createResource,
  isOld,
  type Page,
  type PageContext,
  type Resource,
  viewNotFound,
  viewOld,
} from "./page.ts";
import { viewCard } from "./page-overview.ts";
import { viewChip, viewFacts, viewHeight, viewHex, viewStatus } from "./parts.ts";

const REFRESH_MS = 2_000;
const BLOCKS = 16;
const LACKING = { ok: false, code: "bad-answer", message: "It is not there." } as const;

type Blocks = readonly BlockStatus[];

/** One rollup: its ladder, its newest blocks, its latencies, and what it is read from. */
export function createRollupPage(context: PageContext, rollupId: bigint): Page {
  const blocks = createResource<Blocks>(context, () => readBlocks(context, rollupId), REFRESH_MS);
  const checks = createCertificateChecks(context);
  return {
    title: `Rollup ${rollupId}`,
    stop: blocks.stop,
    view() {
      const { state } = context.live;
      const live = state.rollups.get(rollupId);
      if (live === undefined) {
        if (state.network === null && state.fault === null) {
          return html`<h1>Rollup ${rollupId}</h1><p class="waiting" role="status">Asking the node …</p>`;
        }
        const code =
          state.network === null ? (state.fault?.code ?? "unreachable") : "unknown-rollup";
        return html`<h1>Rollup ${rollupId}</h1>
          ${viewNotFound(context, `rollup ${rollupId}`, code)}`;
      }
      return html`<h1>Rollup ${rollupId}</h1>
        <div class="split">
          ${viewCard(context, live)}
          <section class="panel"><h2>From block to certificate</h2>${viewLatencyChart(live.samples)}
            <h2>Rules</h2>${viewRules(live.rollup)}</section>
        </div>
        <section class="panel">
          <h2>Newest blocks</h2>
          ${viewOld(context, blocks)}${viewBlocks(context, blocks, checks)}
        </section>
        ${viewSources(live.rollup)}`;
    },
  };
}

async function readBlocks(
  { reader, live: { state } }: PageContext,
  rollupId: bigint,
): ReturnType<Parameters<typeof createResource<Blocks>>[1]> {
  const known = state.rollups.get(rollupId)?.heard?.finality.observed?.blockNumber;
  const head = known ?? (await newestHeight({ reader }, rollupId));
  if (typeof head !== "bigint") return head;
  const asked = Array.from({ length: BLOCKS }, (_, index) => head - BigInt(index))
    .filter((height) => height >= 0n)
    .map((block) => ({ rollupId, block }));
  const said = await reader.batch(asked.map((input) => ({ id: "block" as const, input })));
  const results = asked.map((question, index) =>
    onlyAsked(said[index] ?? LACKING, ({ data }) => isOfBlock(data, question)),
  );
  const failed = results.find((result) => !result.ok);
  if (failed !== undefined && !failed.ok) return failed;
  return { ok: true, answer: results.flatMap((result) => (result.ok ? [result.answer.data] : [])) };
}

async function newestHeight({ reader }: Pick<PageContext, "reader">, rollupId: bigint) {
  const result = await reader.get("finality", { rollupId });
  return result.ok ? (result.answer.data.observed?.blockNumber ?? 0n) : result;
}

function viewBlocks(
  context: PageContext,
  blocks: Resource<Blocks>,
  checks: CertificateChecks,
): TemplateResult {
  const { value, at, failure } = blocks;
  if (value === null) {
    const words = failure === null ? "Asking the node …" : `The node gives none (${failure.code}).`;
    return html`<p class="waiting" role="status">${words}</p>`;
  }
  const sinceMs = at === null ? 0 : elapsedMs(at, context.clock());
  const isNew = !isOld(context, blocks);
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Newest blocks"><table>
    <thead><tr>
      <th scope="col" class="number">Height</th><th scope="col">Status</th>
      <th scope="col">Hash</th><th scope="col" class="number">Weight</th>
      <th scope="col">Level</th><th scope="col" class="number">Epoch</th>
      <th scope="col" class="number">Age</th>
    </tr></thead>
    <tbody>${value.map((status) => viewBlockRow(status, { sinceMs, isNew, checks }))}</tbody>
  </table></div>`;
}

function viewBlockRow(
  data: BlockStatus,
  seen: { readonly sinceMs: number; readonly isNew: boolean; readonly checks: CertificateChecks },
): TemplateResult | typeof nothing {
  const { block, status, agesMs, rollupId } = data;
  if (block === null) return nothing;
  const subject = subjectOf(data);
  const result = subject && seen.checks.resultOf(subject);
  const isRefused = result?.status === "refused" || result?.status === "contradicted";
  const chip = isRefused
    ? viewChip("alarm", "Does not verify")
    : viewStatus(status, seen.isNew && result?.status === "sound");
  const { signedWeight, totalWeight, verification, epoch } = ruleOf(data, result);
  const weight =
    signedWeight === null
      ? "–"
      : `${formatInteger(signedWeight)} / ${formatInteger(totalWeight ?? 0n)}`;
  return html`<tr>
    <td class="number">${viewHeight(rollupId, block.blockNumber)}</td>
    <td>${chip}</td>
    <td>${viewHex(block.blockHash)}</td>
    <td class="number">${weight}</td>
    <td>${verification === null ? "–" : verification === 2 ? "executed" : "header"}</td>
    <td class="number">${epoch ?? "–"}</td>
    <td class="number">${agesMs.block === null ? "–" : formatSpan(agesMs.block + seen.sinceMs)}</td>
  </tr>`;
}

function viewRules(rollup: FollowedRollup): TemplateResult {
  const { attestationInterval, thresholdBps, verification, epoch, agree, settlement } = rollup;
  const every = attestationInterval === 1n ? "every block" : `every ${attestationInterval}th block`;
  return viewFacts([
    ["Operators sign", every],
    ["Threshold", `${formatThreshold(thresholdBps)} of the weight`],
    ["Level", describeVerification(verification)],
    ["Epoch of these rules", epoch],
    ["Sources that must agree", agree],
    [
      "Settled on L1",
      settlement.newest === null
        ? `not read (${settlement.code ?? "nothing yet"})`
        : `${settlement.agreed} as certified, ${settlement.contradicted} otherwise`,
    ],
  ]);
}

function viewSources({ sources, abstention }: FollowedRollup): TemplateResult {
  return html`<section class="panel">
    <h2>What this node reads it from</h2>
    ${abstention === null ? nothing : html`<p class="notice pending">It trusts no newer block now: <code>${abstention}</code>.</p>`}
    <div class="scroll" role="region" tabindex="0" aria-label="Sources"><table>
      <thead><tr><th scope="col">Source</th><th scope="col">By</th><th scope="col">State</th>
        <th scope="col" class="number">Head</th><th scope="col" class="number">Behind</th></tr></thead>
      <tbody>${sources.map(
        ({ label, transport, status, code, headBlockNumber, lagBlocks }) => html`<tr>
          <td><code>${label}</code></td><td>${transport}</td>
          <td>${viewChip(status === "ready" ? "info" : status === "starting" ? "quiet" : "alarm", code ?? status)}</td>
          <td class="number">${headBlockNumber === null ? "–" : formatInteger(headBlockNumber)}</td>
          <td class="number">${lagBlocks ?? "–"}</td>
        </tr>`,
      )}</tbody>
    </table></div>
  </section>`;
}

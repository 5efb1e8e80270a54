import type { Hex, RollupParticipation } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatInteger, formatSpan } from "../shared/format.ts";
import { createResource, type Page, type PageContext, viewMissing, viewOld } from "./page.ts";
import { viewCountsBar, viewParticipationChart } from "./participation-chart.ts";
import { viewFullHex, viewHeight, viewJson } from "./parts.ts";
import { linkTo } from "./route.ts";
import { LAPSE_WORDS } from "./words.ts";

const REFRESH_MS = 5_000;

/** One operator: its participation over time, and why attestations were wanting. */
export function createOperatorPage(context: PageContext, operator: Hex): Page {
  const report = createResource(
    context,
    () => context.reader.get("operator", { operator, limit: 32 }),
    REFRESH_MS,
  );
  return {
    title: "Operator",
    stop: report.stop,
    view() {
      const heading = html`<p class="crumbs">
          <a href=${linkTo({ page: "operators", epoch: null })}>Operators</a> / operator
        </p>
        <h1>Operator</h1><p>${viewFullHex(operator)}</p>`;
      const missing = viewMissing(context, report, `the operator ${operator}`);
      const data = report.value?.data ?? null;
      if (missing !== null || data === null) return html`${heading}${missing}`;
      const rows = data.participation.toReversed();
      return html`${heading}${viewOld(context, report)}
        <section class="panel">
          <h2>Participation over time</h2>
          ${viewParticipationChart(data.participation)}
        </section>
        <section class="panel">
          <h2>By epoch and rollup</h2>
          ${viewRows(rows)}
          <p class="muted">It is one node's sight: ask two nodes before you judge.</p>
        </section>
        <section class="panel">
          <h2>Newest lapses</h2>
          ${viewLapses(rows)}
        </section>
        ${viewJson(`operator-${operator.slice(2, 10)}`, data)}`;
    },
  };
}

function viewRows(rows: readonly RollupParticipation[]): TemplateResult {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Participation by epoch and rollup"><table>
    <thead><tr>
      <th scope="col" class="number">Epoch</th><th scope="col" class="number">Rollup</th>
      <th scope="col" class="wide">Participation</th><th scope="col" class="number">Made</th>
      <th scope="col" class="number">Late</th><th scope="col" class="number">Missed</th>
      <th scope="col" class="number">Disagreeing</th>
    </tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr>
        <td class="number"><a href=${linkTo({ page: "operators", epoch: row.epoch })}>${row.epoch}</a></td>
        <td class="number"><a href=${linkTo({ page: "rollup", rollupId: row.rollupId })}>${row.rollupId}</a></td>
        <td class="wide">${viewCountsBar(row)}</td>
        <td class="number">${formatInteger(row.made)}</td>
        <td class="number">${formatInteger(row.late)}</td>
        <td class="number">${formatInteger(row.missed)}</td>
        <td class="number">${formatInteger(row.disagreeing)}</td>
      </tr>`,
    )}</tbody>
  </table></div>`;
}

function viewLapses(rows: readonly RollupParticipation[]): TemplateResult {
  const lapses = rows.flatMap(({ rollupId, lapses }) =>
    lapses.toReversed().map((lapse) => ({ rollupId, ...lapse })),
  );
  if (lapses.length === 0) return html`<p class="empty">None that this node has seen.</p>`;
  return html`<ul class="lapses">
    ${lapses.slice(0, 24).map(
      ({ rollupId, blockNumber, kind, reason, lateMs }) => html`<li>
        <span>${viewHeight(rollupId, blockNumber)} of rollup ${rollupId}</span>
        <span><b>${kind}</b>: ${LAPSE_WORDS[reason] ?? reason}${
          lateMs === null ? nothing : `, ${formatSpan(lateMs)} late`
        }</span>
      </li>`,
    )}
  </ul>`;
}

import type { OperatorSummary } from "@mach/sdk/reader";
import { html, type TemplateResult } from "lit-html";
import { formatInteger, formatShare } from "../shared/format.ts";
import { createResource, type Page, type PageContext, viewMissing, viewOld } from "./page.ts";
import { createSets } from "./page-block.ts";
import { viewCountsBar, viewCountsLegend } from "./participation-chart.ts";
import { viewFacts, viewFullHex, viewHex, viewJson } from "./parts.ts";
import { linkTo } from "./route.ts";

const REFRESH_MS = 5_000;

/** The operators of an epoch, their weights, and what each did. */
export function createOperatorsPage(context: PageContext, epoch: bigint | null): Page {
  const asked = epoch ?? ("current" as const);
  const operators = createResource(
    context,
    () => context.reader.get("operators", { epoch: asked }),
    REFRESH_MS,
  );
  const sets = createSets(context);
  const which = epoch === null ? "this epoch" : `epoch ${epoch}`;
  return {
    title: "Operators",
    stop() {
      operators.stop();
      sets.stop();
    },
    view() {
      const rows = operators.value?.data ?? [];
      const totalWeight = rows.reduce((sum, { weight }) => sum + weight, 0n);
      const shown = rows[0]?.epoch ?? epoch;
      const missing = viewMissing(context, operators, `the operators of ${which}`);
      // Epochs pass while a page is open: the set is that of the operators that are shown.
      const data = shown === null ? null : (sets.of(shown).value?.data ?? null);
      return html`<h1>Operators</h1>
        <p class="lead">
          Who may sign in ${shown === null ? which : `epoch ${shown}`}, with the weight that L1 gives
          each. ${viewEpochLinks(shown)}
        </p>
        ${viewOld(context, operators)}
        ${
          missing ??
          html`<section class="panel">
              ${viewCountsLegend()}
              ${viewTable(rows, totalWeight)}
              <p class="muted">Counts are of this epoch and of this node's sight alone: what it did not
                see is never called missed.</p>
            </section>
            ${
              data === null
                ? ""
                : html`<section class="panel"><h2>The set</h2>
                    ${viewFacts([
                      ["operatorSetHash", viewFullHex(data.operatorSetHash)],
                      ["Root of the operators", viewFullHex(data.operatorsRoot)],
                      ["Total weight", formatInteger(data.totalWeight)],
                    ])}</section>
                    ${viewJson(`operator-set-${data.epoch}`, data)}`
            }`
        }`;
    },
  };
}

function viewEpochLinks(epoch: bigint | null): TemplateResult | string {
  if (epoch === null || epoch === 0n) return "";
  return html`<a href=${linkTo({ page: "operators", epoch: epoch - 1n })}>The epoch before</a>`;
}

function viewTable(rows: readonly OperatorSummary[], totalWeight: bigint): TemplateResult {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Operators"><table>
    <thead><tr>
      <th scope="col">Operator</th><th scope="col" class="number">Weight</th>
      <th scope="col" class="number">Share</th><th scope="col" class="wide">This epoch</th>
      <th scope="col" class="number">Made</th><th scope="col" class="number">Expected</th>
    </tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr>
        <td>${viewHex(row.operator, { page: "operator", operator: row.operator })}</td>
        <td class="number">${formatInteger(row.weight)}</td>
        <td class="number">${formatShare(row.weight, totalWeight)}</td>
        <td class="wide">${viewCountsBar(row)}</td>
        <td class="number">${formatInteger(row.made)}</td>
        <td class="number">${formatInteger(row.expected)}</td>
      </tr>`,
    )}</tbody>
  </table></div>`;
}

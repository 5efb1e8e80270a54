import type { Evidence } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatInteger } from "../shared/format.ts";
import { createResource, type Page, type PageContext, viewMissing, viewOld } from "./page.ts";
import { viewChip, viewFacts, viewHeight, viewHex, viewJson } from "./parts.ts";
import { linkTo } from "./route.ts";
import { EVIDENCE_WORDS } from "./words.ts";

/** Evidence may be large, and is seldom new. */
const REFRESH_MS = 30_000;

/** Breaches of the protocol that anyone can check offline and have slashed. */
export function createEvidencePage(context: PageContext): Page {
  const evidence = createResource(
    context,
    () => context.reader.get("evidence", { limit: 20 }),
    REFRESH_MS,
  );
  return {
    title: "Evidence",
    stop: evidence.stop,
    view() {
      const missing = viewMissing(context, evidence, "the evidence that this node keeps");
      const rows = evidence.value?.data.toReversed() ?? [];
      return html`<h1>Evidence</h1>
        <p class="lead">
          Signed proof that operators broke a rule. Anyone can check it offline, and have the guilty
          slashed on L1.
        </p>
        ${viewOld(context, evidence)}
        ${
          missing ??
          (rows.length === 0
            ? html`<p class="panel empty">
                This node keeps none. That is its own sight: others may keep some.
              </p>`
            : rows.map(viewEvidence))
        }`;
    },
  };
}

function viewEvidence(evidence: Evidence, index: number): TemplateResult {
  const guilty = "operators" in evidence ? evidence.operators : [evidence.operator];
  return html`<section class="panel alarm">
    <div class="panel-head">
      <h2>${EVIDENCE_WORDS[evidence.kind] ?? evidence.kind}</h2>
      ${viewChip("alarm", evidence.kind)}
    </div>
    ${viewFacts([
      "rollupId" in evidence
        ? [
            "Rollup",
            html`<a href=${linkTo({ page: "rollup", rollupId: evidence.rollupId })}>${evidence.rollupId}</a>`,
          ]
        : null,
      "blockNumber" in evidence
        ? ["Height", viewHeight(evidence.rollupId, evidence.blockNumber)]
        : null,
      "lower" in evidence
        ? [
            "Heights",
            `${formatInteger(evidence.lower.claim.blockNumber)} and ${formatInteger(evidence.higher.claim.blockNumber)}`,
          ]
        : null,
      [
        guilty.length === 1 ? "Operator" : "Operators",
        html`${guilty.slice(0, 32).map((operator) => html`${viewHex(operator, { page: "operator", operator })} `)}
          ${guilty.length > 32 ? `and ${guilty.length - 32} more` : nothing}`,
      ],
    ])}
    ${viewJson(`evidence-${index}`, evidence)}
  </section>`;
}

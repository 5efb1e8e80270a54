import type { Evidence } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatInteger } from "../shared/format.ts";
import type { EvidenceCheck } from "./check-certificate.ts";
import { createResource, type Page, type PageContext, viewMissing, viewOld } from "./page.ts";
import { viewChip, viewFacts, viewHeight, viewHex, viewJson } from "./parts.ts";
import { linkTo } from "./route.ts";
import { CHECK_WORDS, EVIDENCE_WORDS } from "./words.ts";

/** Evidence may be large, and is seldom new. */
const REFRESH_MS = 30_000;

/** Breaches of the protocol that anyone can check offline and have slashed. */
export function createEvidencePage(context: PageContext): Page {
  const evidence = createResource(
    context,
    () => context.reader.get("evidence", { limit: 20 }),
    REFRESH_MS,
  );
  const checks = createEvidenceChecks(context);
  return {
    title: "Evidence",
    stop: evidence.stop,
    view() {
      const missing = viewMissing(context, evidence, "the evidence that this node keeps");
      const rows = evidence.value?.data.toReversed() ?? [];
      return html`<h1>Evidence</h1>
        <p class="lead">
          Signed proof that operators broke a rule. This browser checks it, anyone can do so offline, and
          have the guilty slashed on L1.
        </p>
        ${viewOld(context, evidence)}
        ${
          missing ??
          (rows.length === 0
            ? html`<p class="panel empty">
                This node keeps none. That is its own sight: others may keep some.
              </p>`
            : rows.map((each) => viewEvidence(each, checks.of(each))))
        }`;
    },
  };
}

/** The check of each piece, begun when it is first shown, and again when its answer is new. */
function createEvidenceChecks(context: PageContext): {
  of(evidence: Evidence): EvidenceCheck | null;
} {
  const results = new WeakMap<Evidence, EvidenceCheck | null>();
  return {
    of(evidence) {
      const checker = context.live.checker();
      if (checker === null || results.has(evidence)) return results.get(evidence) ?? null;
      results.set(evidence, null);
      const rollupId = "rollupId" in evidence ? evidence.rollupId : null;
      const followed = rollupId === null ? undefined : context.live.state.rollups.get(rollupId);
      const thresholdBps = followed?.rollup.thresholdBps ?? null;
      void checker.checkEvidence({ evidence, thresholdBps }).then((result) => {
        results.set(evidence, result);
        context.update();
      });
      return null;
    },
  };
}

function describeEvidenceCheck(check: EvidenceCheck | null): string {
  if (check === null) return "This browser checks it …";
  if (check.status === "sound") {
    return "Checked in this browser, against the operator sets that this node names: it holds.";
  }
  const why = CHECK_WORDS[check.code] ?? check.code;
  return check.status === "refused"
    ? `It does not hold: it shows nothing of these operators. ${why}`
    : `Not checked, so that it shows nothing yet. ${why}`;
}

function viewEvidence(evidence: Evidence, check: EvidenceCheck | null): TemplateResult {
  const isSound = check?.status === "sound";
  const kind = check?.status === "refused" ? "does not verify" : evidence.kind;
  const guilty = "operators" in evidence ? evidence.operators : [evidence.operator];
  return html`<section class="panel ${isSound ? "alarm" : ""}">
    <div class="panel-head">
      <h2>${EVIDENCE_WORDS[evidence.kind] ?? evidence.kind}</h2>
      ${viewChip(isSound ? "alarm" : "quiet", kind)}
    </div>
    <p role="status">${describeEvidenceCheck(check)}</p>
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
        guilty.length === 1 ? "Operator named" : "Operators named",
        html`${guilty.slice(0, 32).map((operator) => html`${viewHex(operator, { page: "operator", operator })} `)}
          ${guilty.length > 32 ? `and ${guilty.length - 32} more` : nothing}`,
      ],
    ])}
    ${viewJson(evidence.kind, evidence)}
  </section>`;
}

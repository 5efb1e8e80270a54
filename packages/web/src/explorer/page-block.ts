import type { BlockStatus, OperatorSet } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import { describeRule, formatInteger, formatSpan } from "../shared/format.ts";
import { STATUS_WORDS } from "../shared/status.ts";
import { type BlockQuestion, isOfBlock, onlyAsked } from "./answer-subject.ts";
import {
  createCertificateChecks,
  ruleOf,
  subjectOf,
  toneFor,
  viewCheck,
} from "./certificate-check.ts";
import { formatTime, viewCertificateFacts, viewSigners } from "./certificate-view.ts";
import type { CheckResult } from "./check-certificate.ts";
import { elapsedMs } from "./clock.ts";
import {
  createResource,
  isOld,
  type Page,
  type PageContext,
  type Resource,
  viewMissing,
  viewNotFound,
  viewOld,
} from "./page.ts";
import {
  viewChip,
  viewFacts,
  viewFullHex,
  viewHeight,
  viewHex,
  viewJson,
  viewStatus,
} from "./parts.ts";
import { linkTo } from "./route.ts";
import { viewSteps } from "./steps.ts";
import { reasonOf } from "./verdict-words.ts";

const REFRESH_MS = 3_000;

/** One block: how final it is, by which certificate, and this browser's own check of it. */
export function createBlockPage(context: PageContext, question: BlockQuestion): Page {
  const { rollupId, block } = question;
  const status = createResource(
    context,
    async () =>
      onlyAsked(await context.reader.get("block", { rollupId, block }), ({ data }) =>
        isOfBlock(data, question),
      ),
    REFRESH_MS,
  );
  const checks = createCertificateChecks(context);
  const sets = createSets(context);
  const name = typeof block === "bigint" ? formatInteger(block) : block;
  return {
    title: `Block ${name} of rollup ${rollupId}`,
    stop() {
      status.stop();
      sets.stop();
    },
    view() {
      const data = status.value?.data ?? null;
      const certificate = data?.certificate ?? null;
      const thresholdBps = data?.rule.thresholdBps ?? null;
      const subject = data && subjectOf(data);
      const result = subject && checks.resultOf(subject);
      const tone = data === null ? "pending" : toneFor(data, result);
      const crumbs = html`<p class="crumbs">
        <a href=${linkTo({ page: "rollup", rollupId })}>Rollup ${rollupId}</a> / block
      </p>`;
      const heading = html`<h1>Block <span class="wrap">${data?.block ? formatInteger(data.block.blockNumber) : name}</span></h1>`;
      const missing = viewMissing(context, status, `block ${name} of rollup ${rollupId}`);
      if (missing !== null || data === null) return html`${crumbs}${heading}${missing}`;
      if (data.status === "unknown" || data.block === null) {
        const code = data.reason?.code ?? "unknown-block";
        return html`${crumbs}${heading}
          ${viewNotFound(context, `block ${name} of rollup ${rollupId}`, code)}`;
      }
      return html`${crumbs}${heading}${viewOld(context, status)}
        ${viewStatusPanel(context, status, { data, result })}
        ${
          certificate === null
            ? html`<section class="panel"><h2>Certificate</h2>
              <p>None stands in or above this block yet. ${reasonOf(data.reason?.code)}</p></section>`
            : html`${viewCheck(context, checks, { result, tone })}
              ${viewSigners({
                ...{ certificate, thresholdBps, result, tone },
                set: sets.of(certificate.claim.epoch),
              })}
              ${viewCertificateFacts(certificate)}`
        }
        ${viewJson(`block-${rollupId}-${data.block.blockNumber}`, data)}`;
    },
  };
}

/** The operator sets that a page needs, each asked for once. */
export function createSets(context: PageContext): {
  of(epoch: bigint): Resource<{ readonly data: OperatorSet }>;
  stop(): void;
} {
  const sets = new Map<bigint, Resource<{ readonly data: OperatorSet }>>();
  return {
    of(epoch) {
      const known = sets.get(epoch);
      if (known !== undefined) return known;
      for (const each of sets.values()) each.stop();
      sets.clear();
      const set = createResource(context, () => context.reader.get("operatorSet", { epoch }));
      sets.set(epoch, set);
      return set;
    },
    stop() {
      for (const each of sets.values()) each.stop();
    },
  };
}

function viewStatusPanel(
  context: PageContext,
  status: Resource<unknown>,
  { data, result }: { readonly data: BlockStatus; readonly result: CheckResult | null },
): TemplateResult {
  const { block, certificate, reason, agesMs, rollupId } = data;
  const rule = ruleOf(data, result);
  const isChecked = result?.status === "sound" && !isOld(context, status);
  const sinceMs = status.at === null ? 0 : elapsedMs(status.at, context.clock());
  const age = agesMs.block === null ? "" : `${formatSpan(agesMs.block + sinceMs)} ago`;
  const isBelow = certificate !== null && certificate.claim.blockHash !== block?.blockHash;
  // A status that rests on a certificate is worth what this browser made of the certificate.
  const isRefused = result?.status === "refused" || result?.status === "contradicted";
  return html`<section class="panel ${isRefused ? "alarm" : ""}">
    <div class="panel-head">
      <h2>Status</h2>
      ${isRefused ? viewChip("alarm", "Does not verify") : viewStatus(data.status, isChecked)}
    </div>
    ${viewSteps(data.status, isChecked)}
    <p>${
      isRefused
        ? "The node calls it final by a certificate that does not hold: see below."
        : STATUS_WORDS[data.status].promise
    }</p>
    ${reason === null ? nothing : html`<p class="notice ${reason.code === "contradicted" ? "alarm" : "pending"}">${reasonOf(reason.code)}</p>`}
    ${viewFacts([
      ["Hash", block === null ? nothing : viewFullHex(block.blockHash)],
      ["Time", block === null ? nothing : `${formatTime(block.timestamp)}, ${age}`],
      rule.signedWeight === null ? null : ["Rule", describeRule(rule)],
      isBelow
        ? [
            "Covered by",
            html`the certificate of ${viewHeight(rollupId, certificate.claim.blockNumber)}
            ${viewHex(certificate.claim.blockHash)}, a descendant${viewHeaders(data)}`,
          ]
        : null,
    ])}
  </section>`;
}

function viewHeaders({ headers }: BlockStatus): string {
  return headers === null
    ? "; the node lacks the headers between"
    : `, ${headers.length} headers above`;
}

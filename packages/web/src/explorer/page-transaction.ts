import { checkInclusion, type InclusionResult } from "@mach/sdk";
import type { Hex, TransactionStatus } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatInteger } from "../shared/format.ts";
import { STATUS_WORDS } from "../shared/status.ts";
import { isOfTransaction, onlyAsked } from "./answer-subject.ts";
import { createCertificateChecks, subjectOf, toneFor, viewCheck } from "./certificate-check.ts";
import { viewSigners } from "./certificate-view.ts";
import type { CheckResult } from "./check-certificate.ts";
import {
  createResource,
  isOld,
  type Page,
  type PageContext,
  viewMissing,
  viewNotFound,
  viewOld,
} from "./page.ts";
import { createSets } from "./page-block.ts";
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
import { CHECK_WORDS, PROOF_GAP_WORDS } from "./words.ts";

const REFRESH_MS = 3_000;

/** One transaction: its block's finality, and the proof that the block holds it. */
export function createTransactionPage(
  context: PageContext,
  question: { readonly rollupId: bigint; readonly hash: Hex },
): Page {
  const { rollupId, hash: transactionHash } = question;
  const status = createResource(
    context,
    async () =>
      onlyAsked(
        await context.reader.get("transaction", { rollupId, transactionHash }),
        ({ data }) => isOfTransaction(data, question),
      ),
    REFRESH_MS,
  );
  const checks = createCertificateChecks(context);
  const sets = createSets(context);
  return {
    title: `Transaction on rollup ${rollupId}`,
    stop() {
      status.stop();
      sets.stop();
    },
    view() {
      const heading = html`<p class="crumbs">
          <a href=${linkTo({ page: "rollup", rollupId })}>Rollup ${rollupId}</a> / transaction
        </p>
        <h1>Transaction</h1><p>${viewFullHex(transactionHash)}</p>`;
      const lookedFor = `transaction ${transactionHash} of rollup ${rollupId}`;
      const data = status.value?.data ?? null;
      const missing = viewMissing(context, status, lookedFor);
      if (missing !== null || data === null) return html`${heading}${missing}`;
      if (data.block === null) {
        return html`${heading}
          ${viewNotFound(context, lookedFor, data.reason?.code ?? "unknown-block")}`;
      }
      const subject = subjectOf(data);
      const result = subject && checks.resultOf(subject);
      const tone = toneFor(data, result);
      const { certificate } = data;
      return html`${heading}${viewOld(context, status)}
        ${viewStatusPanel(data, { result, isNew: !isOld(context, status) })}
        ${
          certificate === null
            ? nothing
            : html`${viewCheck(context, checks, { result, tone })}
              ${viewSigners({
                ...{ certificate, thresholdBps: data.rule.thresholdBps, result, tone },
                set: sets.of(certificate.claim.epoch),
              })}`
        }
        ${viewJson(`transaction-${transactionHash.slice(2, 10)}`, data)}`;
    },
  };
}

/** Whether the proof leads from the block's header to the transaction; null without a proof. */
function inclusionOf(data: TransactionStatus): InclusionResult | null {
  const { proof, block, transactionHash } = data;
  if (proof === null || block === null) return null;
  return checkInclusion(proof, { blockHash: block.blockHash, transactionHash });
}

function viewStatusPanel(
  data: TransactionStatus,
  seen: { readonly result: CheckResult | null; readonly isNew: boolean },
): TemplateResult {
  const { block, rollupId, reason } = data;
  const inclusion = inclusionOf(data);
  const isSound = seen.isNew && seen.result?.status === "sound" && inclusion?.ok === true;
  const isRefused =
    seen.result?.status === "refused" ||
    seen.result?.status === "contradicted" ||
    inclusion?.ok === false;
  return html`<section class="panel ${isRefused ? "alarm" : ""}">
    <div class="panel-head">
      <h2>Status</h2>
      ${isRefused ? viewChip("alarm", "Does not verify") : viewStatus(data.status, isSound)}
    </div>
    ${viewSteps(data.status, isSound)}
    <p>${
      isRefused
        ? "What the node says of it does not hold: see below."
        : STATUS_WORDS[data.status].promise
    }</p>
    ${reason === null ? nothing : html`<p class="notice pending">${reasonOf(reason.code)}</p>`}
    ${viewFacts([
      [
        "Block",
        block === null
          ? nothing
          : html`${viewHeight(rollupId, block.blockNumber)} ${viewHex(block.blockHash)}`,
      ],
      ["In that block?", viewInclusion(data, inclusion)],
      inclusion?.ok === true ? ["Receipt", receiptOf(inclusion)] : null,
    ])}
  </section>`;
}

function viewInclusion(
  { proofGap }: TransactionStatus,
  inclusion: InclusionResult | null,
): TemplateResult {
  if (inclusion === null) {
    const why = proofGap === null ? "" : ` ${PROOF_GAP_WORDS[proofGap] ?? proofGap}`;
    return html`Only this node says so: there is no proof.${why}`;
  }
  if (!inclusion.ok) {
    return html`${viewChip("alarm", "Proof refused")} <code>${inclusion.code}</code>
      ${CHECK_WORDS[inclusion.code] ?? "The proof does not lead from the block to the transaction."}`;
  }
  return html`Proven in this browser: by the block's own tries, at index ${inclusion.value.index}.`;
}

function receiptOf({ value }: Extract<InclusionResult, { readonly ok: true }>): string {
  const { isSuccess, logs } = value.receipt;
  const outcome = isSuccess === null ? "does not tell" : isSuccess ? "succeeded" : "failed";
  return `${outcome}, ${formatInteger(logs.length)} logs`;
}

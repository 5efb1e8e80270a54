import type { Certificate, OperatorSet } from "@mach/sdk/reader";
import { signerIndices } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import {
  describeRule,
  describeVerification,
  formatInteger,
  formatShare,
} from "../shared/format.ts";
import type { Tone } from "../shared/status.ts";
import type { CheckResult } from "./check-certificate.ts";
import type { Resource } from "./page.ts";
import { viewChip, viewFacts, viewFullHex, viewHeight, viewHex, viewWeightBar } from "./parts.ts";
import { linkTo } from "./route.ts";

/** More rows than a screen shows at once are shown on demand. */
const SHORT_ROWS = 32;

/** The claim and the signature of a certificate. */
export function viewCertificateFacts(certificate: Certificate): TemplateResult {
  const { claim, domain, certificateId, operatorSetHash } = certificate;
  const { rollupId } = claim;
  return html`<section class="panel">
    <h2>Certificate</h2>
    ${viewFacts([
      [
        "Id",
        html`<a href=${linkTo({ page: "certificate", certificateId })}>${viewFullHex(certificateId)}</a>`,
      ],
      ["Rollup", html`<a href=${linkTo({ page: "rollup", rollupId })}>${rollupId}</a>`],
      ["Block", html`${viewHeight(rollupId, claim.blockNumber)} ${viewHex(claim.blockHash)}`],
      ["Block's time", formatTime(claim.timestamp)],
      ["State root", viewFullHex(claim.stateRoot)],
      ["Output root", viewFullHex(claim.outputRoot)],
      ["Level", describeVerification(claim.verification)],
      [
        "Epoch",
        html`<a href=${linkTo({ page: "operators", epoch: claim.epoch })}>${claim.epoch}</a>`,
      ],
      ["Operator set", viewFullHex(operatorSetHash)],
      ["Network", html`chain ${domain.chainId}, registry ${viewHex(domain.verifyingContract)}`],
    ])}
  </section>`;
}

/** Who signed, with which weight, and the rule in words. */
export function viewSigners(of: {
  readonly certificate: Certificate;
  readonly set: Resource<{ readonly data: OperatorSet }>;
  readonly thresholdBps: number | null;
  readonly result: CheckResult | null;
  readonly tone: Tone;
}): TemplateResult {
  const { certificate, set, thresholdBps, result, tone } = of;
  const operatorSet = set.value?.data ?? null;
  const signed =
    operatorSet === null ? null : signerIndices(certificate, operatorSet.operators.length);
  if (operatorSet === null || signed === null) {
    const why = set.failure === null ? "is awaited" : `did not come (${set.failure.code})`;
    return html`<section class="panel">
      <h2>Signers</h2>
      <p class="muted">
        The operator set of epoch ${certificate.claim.epoch} ${why}, so that nobody can be named.
        The bitfield of the signers is <code>${certificate.signers}</code>.
      </p>
    </section>`;
  }
  const { totalWeight, operators } = operatorSet;
  const signers = new Set(signed);
  const signedWeight = operators.reduce(
    (sum, { index, weight }) => (signers.has(index) ? sum + weight : sum),
    0n,
  );
  const bps = thresholdBps ?? 6667;
  const requiredWeight = (totalWeight * BigInt(bps) + 9_999n) / 10_000n;
  const rule = { signedWeight, totalWeight, thresholdBps: bps, requiredWeight };
  // The hash was held against the set that was checked; these rows are what the node lists now.
  const facts = result !== null && "facts" in result ? result.facts : null;
  const isOtherWeight =
    facts !== null &&
    (facts.signedWeight !== signedWeight ||
      facts.totalWeight !== totalWeight ||
      facts.signers !== signers.size);
  const isOtherSet = isOtherWeight || operatorSet.operatorSetHash !== certificate.operatorSetHash;
  return html`<section class="panel">
    <h2>Signers</h2>
    <p class="rule">${describeRule(rule)}, by ${signers.size} of ${operators.length} operators.</p>
    ${viewWeightBar(rule, tone)}
    ${
      isOtherSet
        ? html`<p class="notice alarm">The node names another operator set for this epoch than the
            certificate does: these rows may be wrong.</p>`
        : nothing
    }
    ${viewRows(operatorSet, signers)}
  </section>`;
}

function viewRows(
  { operators, totalWeight }: OperatorSet,
  signers: ReadonlySet<number>,
): TemplateResult {
  const rows = operators.map(
    ({ index, operator, weight }) => html`<tr>
      <td class="number">${index}</td>
      <td>${viewHex(operator, { page: "operator", operator })}</td>
      <td class="number">${formatInteger(weight)}</td>
      <td class="number">${formatShare(weight, totalWeight)}</td>
      <td>${signers.has(index) ? viewChip("info", "signed") : viewChip("quiet", "did not")}</td>
    </tr>`,
  );
  const table = (
    shown: readonly TemplateResult[],
  ): TemplateResult => html`<div class="scroll" role="region" tabindex="0" aria-label="Signers">
    <table>
      <thead><tr>
        <th scope="col" class="number">#</th><th scope="col">Operator</th>
        <th scope="col" class="number">Weight</th><th scope="col" class="number">Share</th>
        <th scope="col">Signature</th>
      </tr></thead>
      <tbody>${shown}</tbody>
    </table>
  </div>`;
  if (rows.length <= SHORT_ROWS) return table(rows);
  return html`<details><summary>All ${rows.length} operators</summary>${table(rows)}</details>`;
}

/** A time of a block, in the reader's own zone. */
export function formatTime(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime())
    ? `${seconds} s`
    : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

import type { BadgeRule, BlockStatus } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import type { Tone } from "../shared/status.ts";
import type { CheckQuestion, CheckResult } from "./check-certificate.ts";
import type { PageContext } from "./page.ts";
import { viewFacts, viewFullHex, viewMark } from "./parts.ts";
import { describeTrust } from "./reader-trust.ts";
import { linkTo } from "./route.ts";
import { describeCheck } from "./verdict-words.ts";

/** Checks of what a page shows, each begun when it is first asked for. */
export interface CertificateChecks {
  /** The result; null while it is being computed. */
  resultOf(subject: CheckSubject): CheckResult | null;
  again(): void;
}

/** What is checked: a certificate, and the block that it is shown for. */
export type CheckSubject = Omit<CheckQuestion, "trust">;

const MAX_RESULTS = 128;
const RETRY_MS = 10_000;

/** The checks of one page. A changed trust is a new check. */
export function createCertificateChecks(context: PageContext): CertificateChecks {
  const results = new Map<string, CheckResult | null>();

  async function start(subject: CheckSubject, key: string): Promise<void> {
    const checker = context.live.checker();
    // The network is not known yet: the next showing of the page asks again.
    if (checker === null) return;
    results.set(key, null);
    const [oldest] = results.keys();
    if (results.size > MAX_RESULTS && oldest !== undefined) results.delete(oldest);
    const result = await checker.check({ ...subject, trust: context.trust() });
    if (results.has(key)) results.set(key, result);
    // What there was nothing to hold it against may be there the next time.
    if (result.status === "unchecked") setTimeout(() => results.delete(key), RETRY_MS);
    context.update();
  }

  return {
    resultOf(subject) {
      const { certificate, thresholdBps, covered } = subject;
      const { certificateId, signature, signers, operatorSetHash, claim } = certificate;
      const { rollupId, blockNumber, blockHash, timestamp, headers } = covered ?? {};
      // Whatever is shown beside the result: a node may answer otherwise the next time.
      const key = [
        ...[certificateId, signature, signers, operatorSetHash, thresholdBps],
        ...[...Object.values(claim), ...Object.values(certificate.domain)],
        ...[rollupId, blockNumber, blockHash, timestamp, headers?.length],
        describeTrust(context.trust()),
      ].join(" ");
      if (!results.has(key)) void start(subject, key);
      return results.get(key) ?? null;
    },
    again() {
      results.clear();
      context.update();
    },
  };
}

/** A block's certificate as what is to be checked; null without one. */
export function subjectOf(status: BlockStatus): CheckSubject | null {
  const { certificate, block, headers, rule, rollupId } = status;
  if (certificate === null || block === null) return null;
  const covered = { rollupId, ...block, headers };
  return { certificate, thresholdBps: rule.thresholdBps, covered };
}

/** The tone of a check: green for a sound one alone. */
export function toneOfCheck(result: CheckResult | null): Tone {
  switch (result?.status) {
    case "sound":
      return "final";
    case "refused":
    case "contradicted":
      return "alarm";
    case "expired":
      return "info";
    default:
      return "pending";
  }
}

/** The tone of a check on a block's page: what is contradicted is no good news, however valid. */
export function toneFor({ status }: Pick<BlockStatus, "status">, result: CheckResult | null): Tone {
  return status === "contradicted" ? "alarm" : toneOfCheck(result);
}

/** The rule behind a status: as it was checked here, or as the node tells it. */
export function ruleOf(
  { rule, certificate }: Pick<BlockStatus, "rule" | "certificate">,
  result: CheckResult | null,
): BadgeRule {
  if (certificate === null || result?.status !== "sound") return rule;
  const { signedWeight, totalWeight, thresholdBps } = result.facts;
  const { epoch, verification } = certificate.claim;
  return { ...rule, signedWeight, totalWeight, thresholdBps, epoch, verification };
}

/** What this browser makes of a certificate, by whose word, and how to make it one's own. */
export function viewCheck(
  context: PageContext,
  checks: CertificateChecks,
  { result, tone }: { readonly result: CheckResult | null; readonly tone: Tone },
): TemplateResult {
  const words =
    result === null
      ? { word: "Checking …", sentence: "The pairing is computed in this browser." }
      : describeCheck(result);
  const facts = result !== null && "facts" in result ? result.facts : null;
  return html`<section class="panel verdict ${tone}" aria-labelledby="check-title">
    <h2 id="check-title">Verified in this browser?</h2>
    <p class="verdict-line" role="status">
      <strong>${viewMark(tone)}${words.word}</strong> <span>${words.sentence}</span>
    </p>
    ${
      facts === null
        ? nothing
        : viewFacts([
            ["Held against the operator set", viewFullHex(facts.operatorSetHash)],
            ["That hash is from", result?.basis === "own-trust" ? "your own trust" : "this node"],
          ])
    }
    ${viewTrustNote(context, result)}
    <p class="actions">
      <button type="button" class="small" @click=${checks.again}>Check again</button>
      <a href=${linkTo({ page: "trust" })}>Name your own trust</a>
    </p>
  </section>`;
}

function viewTrustNote(context: PageContext, result: CheckResult | null): TemplateResult {
  const trust = context.trust();
  if (trust !== null || result?.basis === "own-trust") {
    return html`<p class="muted">${describeTrust(trust)} The node's word counts for nothing here.</p>`;
  }
  return html`<p class="muted">
    This node is not trusted for the signatures, which were computed here. It is still trusted for
    <em>which operators there are</em>: a node that invents operators is consistent with itself. To
    verify, name an L1 node of your own, or a set's hash from a source of your own.
  </p>`;
}

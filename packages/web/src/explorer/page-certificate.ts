import type { Hex } from "@mach/sdk/reader";
import { html } from "lit-html";
import { onlyAsked } from "./answer-subject.ts";
import { createCertificateChecks, toneOfCheck, viewCheck } from "./certificate-check.ts";
import { viewCertificateFacts, viewSigners } from "./certificate-view.ts";
import { createResource, type Page, type PageContext, viewMissing } from "./page.ts";
import { createSets } from "./page-block.ts";
import { viewJson } from "./parts.ts";

/** A certificate by its id: valid for ever, though what it says may be contradicted. */
export function createCertificatePage(context: PageContext, certificateId: Hex): Page {
  const answer = createResource(context, async () =>
    onlyAsked(
      await context.reader.get("certificateById", { certificateId }),
      ({ data }) => data.certificateId === certificateId,
    ),
  );
  const checks = createCertificateChecks(context);
  const sets = createSets(context);
  return {
    title: "Certificate",
    stop() {
      answer.stop();
      sets.stop();
    },
    view() {
      const heading = html`<h1>Certificate</h1>`;
      const missing = viewMissing(context, answer, `the certificate ${certificateId}`);
      const { value } = answer;
      if (missing !== null || value === null) return html`${heading}${missing}`;
      const { data: certificate, rule } = value;
      const { thresholdBps } = rule;
      const result = checks.resultOf({ certificate, thresholdBps });
      const tone = toneOfCheck(result);
      return html`${heading}
        <p class="lead">
          A certificate under its id never changes. Whether it still stands is told by
          <a href="#/rollups/${certificate.claim.rollupId}/blocks/${certificate.claim.blockNumber}"
            >its block</a>.
        </p>
        ${viewCheck(context, checks, { result, tone })}
        ${viewSigners({
          ...{ certificate, thresholdBps, result, tone },
          set: sets.of(certificate.claim.epoch),
        })}
        ${viewCertificateFacts(certificate)}
        ${viewJson(`certificate-${certificate.certificateId.slice(2, 10)}`, certificate)}`;
    },
  };
}

import { type Certificate, certificateFromText } from "@mach/sdk/reader";
import { html, nothing } from "lit-html";
import { createCertificateChecks, toneOfCheck, viewCheck } from "./certificate-check.ts";
import { viewCertificateFacts, viewSigners } from "./certificate-view.ts";
import type { Page, PageContext } from "./page.ts";
import { createSets } from "./page-block.ts";

/** Longer than any certificate's JSON. */
const MAX_CHARACTERS = 65_536;

/** Checks a certificate that came from anywhere, in this browser. */
export function createCheckPage(context: PageContext): Page {
  const checks = createCertificateChecks(context);
  const sets = createSets(context);
  let certificate: Certificate | null = null;
  let problem = "";

  const submit = (event: Event): void => {
    event.preventDefault();
    const text = new FormData(event.target as HTMLFormElement).get("certificate");
    certificate = certificateFromText(String(text ?? "").slice(0, MAX_CHARACTERS));
    problem =
      certificate === null
        ? "That is no certificate: neither its JSON nor an answer of the API with one in it."
        : "";
    checks.again();
  };

  return {
    title: "Check a certificate",
    stop: sets.stop,
    view() {
      const shown = certificate;
      const rollup = shown && context.live.state.rollups.get(shown.claim.rollupId);
      const thresholdBps = rollup?.rollup.thresholdBps ?? null;
      const result = shown && checks.resultOf({ certificate: shown, thresholdBps });
      const tone = toneOfCheck(result);
      return html`<h1>Check a certificate</h1>
        <p class="lead">
          Paste a certificate from anywhere. It is checked in this browser; the node is only asked
          for the operator set.
        </p>
        <form class="panel" @submit=${submit}>
          <label for="certificate">Certificate, as JSON</label>
          <textarea id="certificate" name="certificate" rows="8" spellcheck="false" required
            maxlength=${MAX_CHARACTERS} autocomplete="off"
            aria-describedby="certificate-problem"></textarea>
          <p id="certificate-problem" class="problem" role="alert">${problem}</p>
          <button type="submit">Check it</button>
        </form>
        ${
          shown === null
            ? nothing
            : html`${viewCheck(context, checks, { result, tone })}
                ${viewSigners({
                  ...{ certificate: shown, thresholdBps, result, tone },
                  set: sets.of(shown.claim.epoch),
                })}
                ${viewCertificateFacts(shown)}`
        }`;
    },
  };
}

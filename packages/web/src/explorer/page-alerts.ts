import type { Alert } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatSpan } from "../shared/format.ts";
import type { Tone } from "../shared/status.ts";
import { createResource, type Page, type PageContext, viewMissing, viewOld } from "./page.ts";
import { viewChip } from "./parts.ts";
import { linkTo } from "./route.ts";

const REFRESH_MS = 5_000;
const TONES: { readonly [Severity in Alert["severity"]]: Tone } = {
  critical: "alarm",
  warning: "pending",
  info: "info",
};

/** What the node's operator has to know: what stands, and what has passed. */
export function createAlertsPage(context: PageContext): Page {
  const alerts = createResource(
    context,
    () => context.reader.get("alerts", { limit: 100 }),
    REFRESH_MS,
  );
  return {
    title: "Alerts",
    stop: alerts.stop,
    view() {
      const missing = viewMissing(context, alerts, "the alerts of this node");
      const all = alerts.value?.data ?? [];
      const standing = all.filter(({ clearedAt }) => clearedAt === null);
      const cleared = all.filter(({ clearedAt }) => clearedAt !== null);
      return html`<h1>Alerts</h1>
        <p class="lead">What whoever runs this node has to know, as the node itself raises it.</p>
        ${viewOld(context, alerts)}
        ${
          missing ??
          html`<h2>Standing</h2>
            ${
              standing.length === 0
                ? html`<p class="panel empty">This node has no standing alert.</p>`
                : viewAlertList(context, standing)
            }
            <h2>Cleared</h2>
            ${
              cleared.length === 0
                ? html`<p class="panel empty">None that is still kept.</p>`
                : viewAlertList(context, cleared)
            }`
        }`;
    },
  };
}

/** Some alerts, the newest first. */
export function viewAlertList({ clock }: PageContext, alerts: readonly Alert[]): TemplateResult {
  const nowMs = clock().wallMs;
  return html`<ul class="alerts">
    ${alerts.map(
      ({ code, severity, rollupId, message, raisedAt, clearedAt }) => html`<li
        class="panel ${clearedAt === null ? TONES[severity] : "quiet"}">
        ${viewChip(clearedAt === null ? TONES[severity] : "quiet", severity)}
        <div>
          <p><code>${code}</code>${
            rollupId === null
              ? nothing
              : html` on <a href=${linkTo({ page: "rollup", rollupId })}>rollup ${rollupId}</a>`
          }, raised ${sinceOf(raisedAt, nowMs)} ago${
            clearedAt === null ? "" : `, cleared ${sinceOf(clearedAt, nowMs)} ago`
          }</p>
          <p>${message}</p>
        </div>
      </li>`,
    )}
  </ul>`;
}

function sinceOf(seconds: bigint, nowMs: number): string {
  return formatSpan(nowMs - Number(seconds) * 1000);
}

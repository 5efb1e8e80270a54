import { html, nothing, type TemplateResult } from "lit-html";
import { describeVerification, formatInteger, formatLatency } from "../shared/format.ts";
import { heldHead, judgeHead, toneOf } from "./head-verdict.ts";
import { viewLadder } from "./ladder.ts";
import { viewSparkline } from "./latency-chart.ts";
import type { LiveRollup } from "./live-network.ts";
import type { Page, PageContext } from "./page.ts";
import { viewAlertList } from "./page-alerts.ts";
import { viewChip, viewWeightBar } from "./parts.ts";
import { linkTo } from "./route.ts";
import { describeHead, reasonOf } from "./verdict-words.ts";

/** Every rollup with its ladder, live. */
export function createOverviewPage(context: PageContext): Page {
  return {
    title: "Overview",
    view() {
      const { state } = context.live;
      const rollups = [...state.rollups.values()];
      const standing = state.alerts.filter(({ clearedAt }) => clearedAt === null);
      return html`
        <div class="intro">
          <h1>How final are these rollups?</h1>
          <p>
            Operators with restaked assets check each block and sign it. When more than two thirds of
            the weight has signed, the block is <b>fast-final</b>. Your browser checks each
            certificate itself before it shows one in green.
          </p>
        </div>
        ${standing.length === 0 ? nothing : viewAlertList(context, standing)}
        ${rollups.length === 0 ? viewNoRollups(context) : nothing}
        <div class="cards">${rollups.map((live) => viewCard(context, live))}</div>
      `;
    },
  };
}

/** The card of a rollup: its verdict, what stands behind it, and its ladder. */
export function viewCard(context: PageContext, live: LiveRollup): TemplateResult {
  const now = context.clock();
  const { rollup, heard } = live;
  const head = heldHead(live.head);
  const verdict = judgeHead(live, now);
  const tone = toneOf(verdict);
  const { word, sentence } = describeHead(verdict);
  const isSilent = verdict.kind === "stale" || verdict.kind === "unheard";
  const reason = heard?.finality.reason ?? null;
  return html`<article class="card ${tone} ${isSilent ? "silent" : ""}">
    <header>
      <h2>
        <a href=${linkTo({ page: "rollup", rollupId: rollup.rollupId })}>Rollup ${rollup.rollupId}</a>
        <span class="stack">${rollup.stack}</span>
      </h2>
      ${viewChip(tone, word)}
    </header>
    <div class="headline">
      <span class="big">${head?.finality.fastFinal ? formatInteger(head.finality.fastFinal.blockNumber) : "–"}</span>
      <span class="muted">newest fast-final block${viewLatency(head?.finality.latencyMs)}</span>
    </div>
    <p class="rule">${sentence}</p>
    ${head === null || head.result.status !== "sound" ? nothing : viewWeightBar(barOf(live), tone)}
    ${
      reason === null || verdict.kind === "none" || isSilent
        ? nothing
        : html`<p class="notice pending">Above it: ${reasonOf(reason.code)}</p>`
    }
    ${viewLadder(live, verdict, now)}
    ${viewSparkline(live.samples)}
    <p class="muted level">Checked by operators at level ${describeVerification(rollup.verification)}.</p>
  </article>`;
}

function barOf({ head }: LiveRollup): Parameters<typeof viewWeightBar>[0] {
  const rule = head?.finality.rule ?? null;
  const facts = head?.result.status === "sound" ? head.result.facts : null;
  return {
    signedWeight: facts?.signedWeight ?? null,
    totalWeight: facts?.totalWeight ?? null,
    thresholdBps: facts?.thresholdBps ?? null,
    requiredWeight: rule?.requiredWeight ?? null,
  };
}

function viewLatency(latencyMs: number | null | undefined): string {
  return latencyMs === null || latencyMs === undefined
    ? ""
    : `, certified ${formatLatency(latencyMs)} after its block`;
}

function viewNoRollups({ live: { state }, reader }: PageContext): TemplateResult {
  if (state.heardAt === null && state.fault === null) {
    return html`<p class="waiting" role="status">Asking the node …</p>`;
  }
  return html`<section class="panel missing">
    <h2>No rollup to show</h2>
    <p>The node at <code>${reader.endpoint}</code> tells of none.</p>
  </section>`;
}

import { html, nothing, svg, type TemplateResult } from "lit-html";
import { formatInteger, formatLatency } from "../shared/format.ts";
import type { LatencySample } from "./live-network.ts";
import { quantilesOf } from "./quantiles.ts";

const WIDTH = 600;
const HEIGHT = 120;
const MAX_BARS = 120;
/** Few bars are not drawn wider than so many would be. */
const MIN_BARS = 40;

/** The newest latencies as small bars, for a card. */
export function viewSparkline(samples: readonly LatencySample[]): TemplateResult {
  const shown = samples.slice(-48);
  const quantiles = quantilesOf(shown);
  const label =
    quantiles === null
      ? "No latency yet"
      : `From block to certificate: median ${formatLatency(quantiles.p50)} of the last ${shown.length} blocks`;
  return html`<figure class="spark">
    <svg viewBox="0 0 192 40" preserveAspectRatio="none" role="img" aria-label=${label}>
      ${viewBars(shown, { width: 192, height: 40, count: 48 })}
    </svg>
    <figcaption>${quantiles === null ? "waiting for a certificate" : label}</figcaption>
  </figure>`;
}

/** The latency of each certificate since the page was opened. */
export function viewLatencyChart(samples: readonly LatencySample[]): TemplateResult {
  const shown = samples.slice(-MAX_BARS);
  const quantiles = quantilesOf(shown);
  if (quantiles === null) {
    return html`<p class="muted">Latencies are drawn as certificates come while this page is open.</p>`;
  }
  const top = scaleOf(shown);
  const lineAt = (ms: number): number => HEIGHT - (ms / top) * HEIGHT;
  const [first, last] = [shown.at(0), shown.at(-1)];
  return html`<figure class="chart">
    <div class="chart-facts">
      <span><b>${formatLatency(quantiles.p50)}</b> median</span>
      <span><b>${formatLatency(quantiles.p95)}</b> 95 %</span>
      <span><b>${formatLatency(quantiles.max)}</b> longest</span>
    </div>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img"
      aria-label="Latency of ${shown.length} certificates: median ${formatLatency(quantiles.p50)},
        95 % below ${formatLatency(quantiles.p95)}, longest ${formatLatency(quantiles.max)}">
      ${viewBars(shown, { width: WIDTH, height: HEIGHT, count: Math.max(MIN_BARS, shown.length) })}
      ${svg`<line class="median" x1="0" x2=${WIDTH} y1=${lineAt(quantiles.p50)}
        y2=${lineAt(quantiles.p50)} />`}
    </svg>
    <figcaption>
      From the node's first sight of a block to its certificate, blocks
      ${first === undefined ? nothing : formatInteger(first.blockNumber)} to
      ${last === undefined ? nothing : formatInteger(last.blockNumber)}, as this node measured it.
      The top of the chart is ${formatLatency(top)}.
    </figcaption>
  </figure>`;
}

function viewBars(
  samples: readonly LatencySample[],
  box: { readonly width: number; readonly height: number; readonly count: number },
): TemplateResult {
  const top = scaleOf(samples);
  const step = box.width / box.count;
  const start = box.count - samples.length;
  return svg`${samples.map(({ latencyMs }, index) => {
    const height = Math.max(1.5, Math.min(1, latencyMs / top) * box.height);
    return svg`<rect class="bar" x=${(start + index) * step + step * 0.15} y=${box.height - height}
      width=${step * 0.7} height=${height} rx="1" />`;
  })}`;
}

/** The top of the chart: above nearly all, so that one slow block does not flatten the others. */
function scaleOf(samples: readonly LatencySample[]): number {
  const quantiles = quantilesOf(samples);
  if (quantiles === null) return 1;
  return Math.max(1, Math.min(quantiles.max, quantiles.p95 * 2, quantiles.p50 * 6) * 1.1);
}

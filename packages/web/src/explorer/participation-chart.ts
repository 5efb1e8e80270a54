import type { RollupParticipation } from "@mach/sdk/reader";
import { html, svg, type TemplateResult } from "lit-html";

/** Heights by what became of an operator's attestation. */
export type Counts = Pick<
  RollupParticipation,
  "expected" | "made" | "late" | "missed" | "disagreeing" | "unseen"
>;

const KINDS = ["made", "late", "missed", "disagreeing", "unseen"] as const;
const WORDS: { readonly [Kind in (typeof KINDS)[number]]: string } = {
  made: "made",
  late: "late",
  missed: "missed",
  disagreeing: "disagreeing",
  unseen: "not seen by this node",
};
const MAX_EPOCHS = 32;
const CHART_WIDTH = 640;
const CHART_HEIGHT = 110;

/** What each colour of the bars stands for. */
export function viewCountsLegend(): TemplateResult {
  return html`<ul class="legend">
    ${KINDS.map((kind) => html`<li><span class="swatch ${kind}"></span>${WORDS[kind]}</li>`)}
  </ul>`;
}

/** The counts of one operator as a bar. */
export function viewCountsBar(counts: Counts): TemplateResult {
  let at = 0;
  const parts = KINDS.map((kind) => {
    const width = counts.expected === 0 ? 0 : (counts[kind] / counts.expected) * 100;
    const part = svg`<rect class=${kind} x=${at} width=${width} height="8" />`;
    at += width;
    return part;
  });
  return html`<svg class="counts" viewBox="0 0 100 8" preserveAspectRatio="none" role="img"
    aria-label=${describeCounts(counts)}><rect class="track" width="100" height="8" />${parts}</svg>`;
}

/** Participation epoch by epoch, over all rollups. */
export function viewParticipationChart(
  participation: readonly RollupParticipation[],
): TemplateResult {
  const byEpoch = sumByEpoch(participation).slice(-MAX_EPOCHS);
  if (byEpoch.length === 0) return html`<p class="muted">Nothing was counted yet.</p>`;
  const step = CHART_WIDTH / Math.max(12, byEpoch.length);
  const first = byEpoch[0]?.epoch;
  const last = byEpoch.at(-1)?.epoch;
  return html`<figure class="chart">
    ${viewCountsLegend()}
    <svg viewBox="0 0 ${CHART_WIDTH} ${CHART_HEIGHT}" preserveAspectRatio="none" role="img"
      aria-label="Participation in epochs ${first} to ${last}">
      ${byEpoch.map(({ counts }, index) => viewColumn(counts, index * step, step * 0.82))}
    </svg>
    <figcaption>${first === last ? `Epoch ${first}` : `Epochs ${first} to ${last}`}, each as far as
      it has been counted; the newest at the right.</figcaption>
  </figure>`;
}

/** Counts in words. */
export function describeCounts(counts: Counts): string {
  const said = KINDS.filter((kind) => counts[kind] > 0).map(
    (kind) => `${counts[kind]} ${WORDS[kind]}`,
  );
  return counts.expected === 0 ? "nothing counted" : `of ${counts.expected}: ${said.join(", ")}`;
}

function viewColumn(counts: Counts, x: number, width: number): TemplateResult {
  let bottom = CHART_HEIGHT;
  const parts = KINDS.map((kind) => {
    const height = counts.expected === 0 ? 0 : (counts[kind] / counts.expected) * CHART_HEIGHT;
    bottom -= height;
    return svg`<rect class=${kind} x=${x} y=${bottom} width=${width} height=${height} />`;
  });
  return svg`<g><title>${describeCounts(counts)}</title>${parts}</g>`;
}

function sumByEpoch(
  participation: readonly RollupParticipation[],
): readonly { readonly epoch: bigint; readonly counts: Counts }[] {
  const sums = new Map<bigint, Counts>();
  for (const each of participation) {
    const sum = sums.get(each.epoch);
    const add = (kind: keyof Counts): number => (sum?.[kind] ?? 0) + each[kind];
    sums.set(each.epoch, {
      expected: add("expected"),
      made: add("made"),
      late: add("late"),
      missed: add("missed"),
      disagreeing: add("disagreeing"),
      unseen: add("unseen"),
    });
  }
  return [...sums]
    .map(([epoch, counts]) => ({ epoch, counts }))
    .toSorted((left, right) => (left.epoch < right.epoch ? -1 : 1));
}

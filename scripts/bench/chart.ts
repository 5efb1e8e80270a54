import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Chart } from "./bench-context.ts";
import { quantile } from "./row.ts";
import { formatNumber } from "./table.ts";

const WIDTH = 720;
const HEIGHT = 360;
const LEFT = 56;
const RIGHT = 24;
const TOP = 44;
const LEGEND_ROW = 20;
const AXIS = 44;
/** Told apart by those who do not see red and green alike, on white and on black. */
const COLORS = ["#2f81f7", "#d2730f", "#1a9e77", "#b8589e", "#8a6fdf", "#7a8290"];
const SHARES = [0, 0.25, 0.5, 0.75, 1];
const STEPS = [1, 2, 5];
const CURVE_POINTS = 100;

/** Writes a chart as NAME.svg into a folder, which is made where it is missing. */
export function writeChart(folder: string, chart: Chart): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${chart.name}.svg`), drawChart(chart));
}

/**
 * Cumulative distributions over a logarithmic axis of milliseconds: how many of a hundred took at
 * most so long. The text takes its colour from the reader's scheme, dark or light.
 */
export function drawChart({ title, series }: Chart): string {
  const drawn = series.filter(({ values }) => values.length > 0);
  const all = drawn.flatMap(({ values }) => values).map((value) => Math.max(value, 0.1));
  const [least, most] = [Math.min(...all, 1), Math.max(...all, 10)];
  const [from, to] = [Math.log10(least) - 0.05, Math.log10(most) + 0.05];
  const bottom = HEIGHT - AXIS - LEGEND_ROW * Math.ceil(drawn.length / 2);
  const x = (ms: number): number =>
    LEFT + ((Math.log10(Math.max(ms, 0.1)) - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const y = (share: number): number => bottom - share * (bottom - TOP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeXml(title)}">`,
    "<style>text{font:13px system-ui,sans-serif;fill:#24292f}.grid{stroke:#8a939d;stroke-opacity:.35}" +
      "@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>",
    `<text x="${LEFT}" y="22" style="font-weight:600">${escapeXml(title)}</text>`,
    ...SHARES.map((share) => shareLine(share, y(share))),
    ...ticks(least, most).map((ms) => tickLine(ms, x(ms), bottom)),
    `<text x="${WIDTH - RIGHT}" y="${bottom + 36}" text-anchor="end">milliseconds</text>`,
    ...drawn.map(({ values }, index) =>
      curve(values, COLORS[index % COLORS.length] ?? "", { x, y }),
    ),
    ...drawn.map((each, index) => legend(each, index, bottom + AXIS + LEGEND_ROW / 2)),
    "</svg>",
    "",
  ].join("\n");
}

function shareLine(share: number, at: number): string {
  const line = `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(at)}" y2="${round(at)}"/>`;
  return `${line}<text x="${LEFT - 8}" y="${round(at + 4)}" text-anchor="end">${share * 100} %</text>`;
}

function tickLine(ms: number, at: number, bottom: number): string {
  const line = `<line class="grid" x1="${round(at)}" x2="${round(at)}" y1="${TOP}" y2="${bottom}"/>`;
  return `${line}<text x="${round(at)}" y="${bottom + 18}" text-anchor="middle">${ms}</text>`;
}

/** 1, 2 and 5 of every power of ten between. */
function ticks(least: number, most: number): readonly number[] {
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.log10(most); power++) {
    for (const step of STEPS) {
      const tick = Number((step * 10 ** power).toPrecision(1));
      if (tick >= least && tick <= most) found.push(tick);
    }
  }
  return found;
}

function curve(
  values: readonly number[],
  color: string,
  { x, y }: { readonly x: (ms: number) => number; readonly y: (share: number) => number },
): string {
  const points = Array.from({ length: CURVE_POINTS + 1 }, (_, index) => {
    const share = index / CURVE_POINTS;
    return `${round(x(quantile(values, share)))},${round(y(share))}`;
  });
  return `<polyline fill="none" stroke="${color}" stroke-width="2.5" points="${points.join(" ")}"/>`;
}

function legend({ label, values }: Chart["series"][number], index: number, top: number): string {
  const column = LEFT + (index % 2) * ((WIDTH - LEFT - RIGHT) / 2);
  const at = top + Math.floor(index / 2) * LEGEND_ROW;
  const color = COLORS[index % COLORS.length] ?? "";
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => formatNumber(quantile(values, share)));
  const line = `<line x1="${column}" x2="${column + 18}" y1="${at - 4}" y2="${at - 4}" stroke="${color}" stroke-width="3"/>`;
  const text = `${escapeXml(label)}: p50 ${p50}, p90 ${p90}, p99 ${p99}`;
  return `${line}<text x="${column + 26}" y="${at}">${text}</text>`;
}

function round(value: number): string {
  return value.toFixed(1);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

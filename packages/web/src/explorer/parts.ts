import type { BadgeRule } from "@mach/sdk/reader";
import { html, nothing, svg, type TemplateResult } from "lit-html";
import { describeRule, formatInteger, shortHex } from "../shared/format.ts";
import { type ShownStatus, STATUS_WORDS, type Tone } from "../shared/status.ts";
import { linkTo, type Route } from "./route.ts";

/** A coloured word; the colour is never the only thing that tells. */
export function viewChip(tone: Tone, word: string, title = ""): TemplateResult {
  return html`<span class="chip ${tone}" title=${title}>${viewMark(tone)}${word}</span>`;
}

/** The chip of a status. What the browser has not checked is never green, whatever its name. */
export function viewStatus(status: ShownStatus, isChecked: boolean): TemplateResult {
  const { word, promise, tone } = STATUS_WORDS[status];
  return viewChip(tone === "final" && !isChecked ? "pending" : tone, word, promise);
}

/** A mark for each tone, so that none rests on colour alone. */
export function viewMark(tone: Tone): TemplateResult {
  return html`<svg class="mark" viewBox="0 0 16 16" aria-hidden="true">${MARKS[tone]}</svg>`;
}

const MARKS: { readonly [Name in Tone]: TemplateResult } = {
  final: svg`<circle cx="8" cy="8" r="7" /><path class="cut" d="M4.6 8.3l2.3 2.3 4.5-4.9" />`,
  pending: svg`<circle class="ring" cx="8" cy="8" r="6" /><path class="line" d="M8 4.8V8l2.2 1.6" />`,
  quiet: svg`<circle class="ring" cx="8" cy="8" r="6" stroke-dasharray="2.4 2.4" />`,
  alarm: svg`<path d="M8 1l7 13H1z" /><path class="cut" d="M8 6v4M8 11.6v.6" />`,
  info: svg`<circle cx="8" cy="8" r="5" />`,
};

/** A hash or an address: short, whole for whoever hovers or reads aloud, and to be copied. */
export function viewHex(hex: string, route?: Route): TemplateResult {
  const short = html`<code title=${hex}>${shortHex(hex)}</code>`;
  const shown = route === undefined ? short : html`<a href=${linkTo(route)}>${short}</a>`;
  return html`<span class="hex">${shown}${viewCopy(hex)}</span>`;
}

/** A hash in full, where there is room for it. */
export function viewFullHex(hex: string): TemplateResult {
  return html`<span class="hex full"><code>${hex}</code>${viewCopy(hex)}</span>`;
}

function viewCopy(text: string): TemplateResult {
  const copy = (event: Event): void => {
    const button = event.currentTarget as HTMLButtonElement;
    const done = (label: string): void => button.setAttribute("aria-label", label);
    navigator.clipboard?.writeText(text).then(
      () => {
        done("Copied");
        button.classList.add("done");
        setTimeout(() => {
          button.classList.remove("done");
          done("Copy");
        }, 1_500);
      },
      () => done("Not copied: the browser refused"),
    );
  };
  return html`<button type="button" class="copy" aria-label="Copy" title="Copy" @click=${copy}>
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M10.5 3.2V3A1.5 1.5 0 0 0 9 1.5H3A1.5 1.5 0 0 0 1.5 3v6A1.5 1.5 0 0 0 3 10.5h.2" />
    </svg>
  </button>`;
}

/** Pairs of a name and a value. */
export function viewFacts(
  facts: readonly (readonly [name: string, value: unknown] | null)[],
): TemplateResult {
  return html`<dl class="facts">
    ${facts.map((fact) =>
      fact === null ? nothing : html`<div><dt>${fact[0]}</dt><dd>${fact[1]}</dd></div>`,
    )}
  </dl>`;
}

/** The signed weight of a set as a bar, with a line where the threshold is. */
export function viewWeightBar(
  rule: Pick<BadgeRule, "signedWeight" | "requiredWeight" | "totalWeight" | "thresholdBps">,
  tone: Tone,
): TemplateResult | typeof nothing {
  const { signedWeight, requiredWeight, totalWeight } = rule;
  if (signedWeight === null || totalWeight === null || totalWeight === 0n) return nothing;
  const share = shareOf(signedWeight, totalWeight);
  const needed = requiredWeight === null ? null : shareOf(requiredWeight, totalWeight);
  return html`<svg class="weight ${tone}" viewBox="0 0 100 10" preserveAspectRatio="none"
      role="img" aria-label=${describeRule(rule)}>
    <rect class="track" width="100" height="10" />
    <rect class="fill" width=${share} height="10" />
    ${needed === null ? nothing : svg`<line class="needed" x1=${needed} x2=${needed} y1="0" y2="10" />`}
  </svg>`;
}

/** A document as the API gives it, to be read, copied and kept. */
export function viewJson(name: string, value: unknown): TemplateResult {
  const text = toJson(value);
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${name}.json`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return html`<details class="json">
    <summary>Raw JSON</summary>
    <div class="json-tools">
      ${viewCopy(text)}<button type="button" class="small" @click=${save}>Save as a file</button>
    </div>
    <pre tabindex="0" aria-label="${name} as JSON"><code>${text}</code></pre>
  </details>`;
}

/** The JSON of a document: integers of the protocol are decimal strings, as in the API. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === "bigint" ? `${each}` : each), 2);
}

/** A height that leads to its block. */
export function viewHeight(rollupId: bigint, blockNumber: bigint): TemplateResult {
  return html`<a class="height" href=${linkTo({ page: "block", rollupId, block: blockNumber })}
    >${formatInteger(blockNumber)}</a>`;
}

function shareOf(part: bigint, whole: bigint): number {
  return Number((part * 10_000n) / whole) / 100;
}

import type { BlockReference } from "@mach/sdk/reader";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatInteger, formatSpan } from "../shared/format.ts";
import { STATUS_WORDS, type Tone } from "../shared/status.ts";
import { elapsedMs, type Moment } from "./clock.ts";
import { ageMsOf, type HeadVerdict, heldHead, toneOf } from "./head-verdict.ts";
import type { LiveRollup } from "./live-network.ts";
import { viewMark } from "./parts.ts";
import { linkTo } from "./route.ts";

interface Rung {
  readonly name: string;
  readonly about: string;
  readonly tone: Tone;
  readonly blockNumber: bigint | null;
  readonly ageMs: number | null;
  readonly note: string;
}

/** The heads of a rollup from the newest block to what L1 has finalised. */
export function viewLadder(live: LiveRollup, verdict: HeadVerdict, now: Moment): TemplateResult {
  const { rollupId } = live.rollup;
  const rungs = rungsOf(live, verdict, now);
  return html`<ol class="ladder" aria-label="How final rollup ${rollupId} is">
    ${rungs.map(({ name, about, tone, blockNumber, ageMs, note }) => {
      const height =
        blockNumber === null
          ? html`<span class="height none">none</span>`
          : html`<a class="height" href=${linkTo({ page: "block", rollupId, block: blockNumber })}
              >${formatInteger(blockNumber)}</a>`;
      return html`<li class=${tone} title=${about}>
        <span class="rung">${viewMark(tone)}${name}</span>
        ${height}
        <span class="age">${ageMs === null ? nothing : `${formatSpan(ageMs)} old`}</span>
        <span class="note">${note}</span>
      </li>`;
    })}
  </ol>`;
}

function rungsOf(live: LiveRollup, verdict: HeadVerdict, now: Moment): readonly Rung[] {
  const { heard, newest } = live;
  const head = heldHead(live.head);
  const sinceMs = heard === null ? 0 : elapsedMs(heard.at, now);
  const isSilent = verdict.kind === "stale" || heard === null;
  const finality = heard?.finality ?? null;
  const age = (ms: number | null | undefined): number | null =>
    ms === null || ms === undefined ? null : ms + sinceMs;
  const rung = (
    name: Parameters<typeof wordsOf>[0],
    block: BlockReference | null,
    ms: number | null | undefined,
    note: string,
  ): Rung => ({
    ...wordsOf(name),
    tone: isSilent || block === null ? "quiet" : wordsOf(name).tone,
    blockNumber: block?.blockNumber ?? null,
    ageMs: block === null ? null : age(ms),
    note,
  });
  const observed = finality?.observed ?? null;
  const certified = head?.finality.fastFinal ?? null;
  const isNewestAttested =
    newest !== null &&
    newest.status === "attested" &&
    (newest.block?.blockNumber ?? -1n) > (certified?.blockNumber ?? -1n);
  const attested = isNewestAttested ? newest.block : certified;
  const behind = (block: BlockReference | null): string => lagOf(observed, block);
  return [
    { ...rung("observed", observed, finality?.agesMs.observed, ""), name: "Head" },
    rung("attested", attested, null, isNewestAttested ? weightSoFar(live) : behind(attested)),
    {
      ...rung("fast-final", certified, null, behind(certified)),
      tone: toneOf(verdict),
      ageMs: head === null ? null : ageMsOf(head, now),
    },
    rung("safe", finality?.safe ?? null, finality?.agesMs.safe, behind(finality?.safe ?? null)),
    rung(
      "finalized",
      finality?.finalized ?? null,
      finality?.agesMs.finalized,
      behind(finality?.finalized ?? null),
    ),
  ];
}

function wordsOf(status: "observed" | "attested" | "fast-final" | "safe" | "finalized"): {
  readonly name: string;
  readonly about: string;
  readonly tone: Tone;
} {
  const { word, promise, tone } = STATUS_WORDS[status];
  return { name: word, about: promise, tone: tone === "pending" ? "info" : tone };
}

function weightSoFar({ newest }: LiveRollup): string {
  const signed = newest?.rule.signedWeight ?? null;
  const total = newest?.rule.totalWeight ?? null;
  return signed === null || total === null ? "" : `${signed} of ${total} weight so far`;
}

function lagOf(observed: BlockReference | null, block: BlockReference | null): string {
  if (observed === null || block === null) return "";
  const lag = observed.blockNumber - block.blockNumber;
  if (lag <= 0n) return "at the head";
  return lag === 1n ? "1 block behind" : `${formatInteger(lag)} blocks behind`;
}

import type { BlockStatusName } from "@mach/sdk/reader";
import { html, type TemplateResult } from "lit-html";
import { STATUS_WORDS, type Tone } from "../shared/status.ts";
import { viewMark } from "./parts.ts";

const STEPS: readonly Step[] = ["observed", "attested", "fast-final", "safe", "finalized"];
type Step = Exclude<BlockStatusName, "unknown" | "contradicted">;

/** The way of a block, with how far it has come; what is not checked is not green. */
export function viewSteps(status: BlockStatusName, isChecked: boolean): TemplateResult {
  const reached = (STEPS as readonly BlockStatusName[]).indexOf(status);
  return html`<ol class="steps" aria-label="How far the block has come">
    ${STEPS.map((step, index) => {
      const isReached = index <= reached;
      const tone = isReached ? toneOf(step, { isChecked, isLast: index === reached }) : "quiet";
      return html`<li class="${tone} ${isReached ? "reached" : ""}"
        aria-current=${index === reached ? "step" : "false"}>
        ${viewMark(tone)}<span>${STATUS_WORDS[step].word}</span>
      </li>`;
    })}
  </ol>`;
}

function toneOf(
  step: Step,
  { isChecked, isLast }: { readonly isChecked: boolean; readonly isLast: boolean },
): Tone {
  if (step !== "fast-final")
    return step === "attested" || step === "observed" ? "info" : STATUS_WORDS[step].tone;
  if (isChecked) return "final";
  return isLast ? "pending" : "info";
}

import type { Finality } from "@mach/sdk/reader";
import type { Tone } from "../shared/status.ts";
import type { CheckResult } from "./check-certificate.ts";
import { elapsedMs, type Moment } from "./clock.ts";

/** A rollup's finality as the node told it, and when. */
export interface Heard {
  readonly finality: Finality;
  readonly at: Moment;
}

/** A fast-final head that this browser has checked. */
export interface CheckedHead extends Heard {
  readonly result: CheckResult;
}

/** What may be said of a rollup's fast-final head. Only `final` is ever green. */
export type HeadVerdict =
  /** Checked here, recent, and the node is heard of. */
  | { readonly kind: "final"; readonly head: CheckedHead; readonly ageMs: number }
  /** Checked here, and old: finality has stopped, or the node does not tell of it. */
  | { readonly kind: "behind"; readonly head: CheckedHead; readonly ageMs: number }
  /** The node is not heard of. */
  | { readonly kind: "stale"; readonly silentMs: number }
  /** The first certificate is being checked. */
  | { readonly kind: "checking" }
  | { readonly kind: "none"; readonly heard: Heard }
  | { readonly kind: "contradicted"; readonly heard: Heard }
  /** The node serves what does not verify, by a code. */
  | { readonly kind: "refused"; readonly code: string }
  /** Nothing could be held against it. */
  | { readonly kind: "unchecked"; readonly code: string }
  | { readonly kind: "unheard" };

/** How long a node may be silent: it is polled every 5 s. */
export const SILENT_AFTER_MS = 15_000;
/** How old a fast-final block may be before it is no news: what a display asks for. */
export const BEHIND_AFTER_MS = 60_000;
/** A certificate older than what it is shown beside by more than this is not the head's. */
const FUTURE_TOLERANCE_MS = 30_000;

/** The verdict at a moment. `heard` is the node's newest word, `head` the newest that was checked. */
export function judgeHead(
  seen: {
    readonly heard: Heard | null;
    readonly head: CheckedHead | null;
  },
  now: Moment,
): HeadVerdict {
  const { heard, head } = seen;
  if (heard === null) return { kind: "unheard" };
  const silentMs = elapsedMs(heard.at, now);
  if (silentMs > SILENT_AFTER_MS) return { kind: "stale", silentMs };
  if (heard.finality.reason?.code === "contradicted") return { kind: "contradicted", heard };
  if (heard.finality.fastFinal === null) return { kind: "none", heard };
  if (head === null) return { kind: "checking" };
  const { result } = head;
  switch (result.status) {
    case "sound":
      return soundVerdict(head, now);
    case "contradicted":
      return { kind: "contradicted", heard };
    case "expired":
      return { kind: "behind", head, ageMs: ageMsOf(head, now) };
    case "refused":
      return { kind: "refused", code: result.code };
    case "unchecked":
      return { kind: "unchecked", code: result.code };
  }
}

/** The tone of a verdict: green for `final` alone. */
export function toneOf(verdict: HeadVerdict): Tone {
  switch (verdict.kind) {
    case "final":
      return "final";
    case "behind":
    case "none":
    case "checking":
    case "unchecked":
      return "pending";
    case "contradicted":
    case "refused":
      return "alarm";
    case "stale":
    case "unheard":
      return "quiet";
  }
}

/** The age of a head by its signed timestamp and this browser's clock; the node's word if longer. */
export function ageMsOf({ finality, at }: Heard, now: Moment): number {
  const told = (finality.agesMs.fastFinal ?? 0) + elapsedMs(at, now);
  const signed = now.wallMs - Number(finality.certificate?.claim.timestamp ?? 0n) * 1000;
  return Math.max(told, signed);
}

/** The head whose certificate holds, now or in its time; null where nothing was shown to. */
export function heldHead(head: CheckedHead | null): CheckedHead | null {
  const status = head?.result.status;
  return status === "sound" || status === "expired" ? head : null;
}

/** Whether a finality's certificate is for the very head that it is shown with. */
export function isOfItsHead({ fastFinal, certificate, rollupId }: Finality): boolean {
  if (fastFinal === null || certificate === null) return false;
  const { claim } = certificate;
  return (
    claim.rollupId === rollupId &&
    claim.blockNumber === fastFinal.blockNumber &&
    claim.blockHash === fastFinal.blockHash
  );
}

function soundVerdict(head: CheckedHead, now: Moment): HeadVerdict {
  const ageMs = ageMsOf(head, now);
  const signedMs = Number(head.finality.certificate?.claim.timestamp ?? 0n) * 1000;
  // A block from the future says nothing of how recent finality is.
  if (signedMs - now.wallMs > FUTURE_TOLERANCE_MS)
    return { kind: "unchecked", code: "wrong-clock" };
  return ageMs > BEHIND_AFTER_MS ? { kind: "behind", head, ageMs } : { kind: "final", head, ageMs };
}

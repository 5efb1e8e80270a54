import type { BlockAnswer } from "./answers.ts";
import { SdkError } from "./errors.ts";
import { pause } from "./event-source.ts";

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly pollMs: number;
  readonly signal: AbortSignal | undefined;
  readonly now: () => number;
}

/**
 * Asks again and again until a block is fast-final or contradicted. At the timeout the last answer
 * comes back as `timed-out`, or as it was where nothing was known. Rejects with the signal's reason
 * when it aborts.
 */
export async function waitFor(
  ask: () => Promise<BlockAnswer>,
  options: WaitOptions,
): Promise<BlockAnswer> {
  const { timeoutMs, pollMs, now } = options;
  if (!(timeoutMs > 0) || !(pollMs > 0)) {
    throw new SdkError("bad-option", "timeoutMs and pollMs must be above 0");
  }
  const signal = options.signal ?? new AbortController().signal;
  const deadline = now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    signal.throwIfAborted();
    if (answer.status === "fast-final" || answer.status === "contradicted") return answer;
    const left = deadline - now();
    if (left <= 0) return answer.status === "unknown" ? answer : { ...answer, code: "timed-out" };
    await pause(Math.min(pollMs, left), signal);
  }
}

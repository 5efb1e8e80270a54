import type { ExecutionInput } from "./block-input.ts";
import type { Verdict } from "./verdict.ts";

/** What a thread is asked to execute; all of it is plain data and is copied to the thread. */
export type ExecutionJob = ExecutionInput;

/** What a thread answers: once that it has loaded, and then one verdict for each job. */
export type ExecutionReply =
  | { readonly kind: "ready" }
  | { readonly kind: "verdict"; readonly verdict: Verdict };

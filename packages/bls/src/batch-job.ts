import type { Attribution, AttributionGroup } from "./attribution.ts";
import type { SignatureSum, SumCheck } from "./signature-sum.ts";

/** What the batch verifier sends to its threads. */
export type BatchJob =
  | { readonly kind: "attribution"; readonly groups: readonly AttributionGroup[] }
  | { readonly kind: "sum"; readonly sum: SignatureSum };

/** What a thread answers: once that it is ready, then once to each job in turn. */
export type BatchReply =
  | { readonly kind: "ready" }
  | { readonly kind: "attribution"; readonly attributions: readonly Attribution[] }
  | { readonly kind: "sum"; readonly check: SumCheck };

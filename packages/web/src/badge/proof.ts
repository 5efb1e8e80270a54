import type { EndpointReport } from "@mach/sdk";
import type { BlockName, CertificateName, Rule } from "./said.ts";
import type { Verifier } from "./verifier.ts";

/** What was verified in this page, or why nothing was. */
export type Proof =
  | {
      readonly status: "fast-final";
      readonly block: BlockName;
      readonly rule: Rule;
      readonly certificate: CertificateName;
      /** What a proven receipt tells of its transaction; null for blocks, and where it does not tell. */
      readonly isSuccess: boolean | null;
      readonly endpoints: readonly EndpointReport[];
    }
  | {
      readonly status: "not-yet" | "contradicted" | "unknown";
      readonly code: string;
      readonly endpoints: readonly EndpointReport[];
    };

/** Codes of an honest "wait"; every other code says that what was served does not hold. */
const WAITING: ReadonlySet<string> = new Set([
  "pending",
  "not-covered",
  "unavailable",
  "below-min-weight",
  "below-min-verification",
  "below-min-signed-weight",
]);

/** Whether a proof that is not yet there may still come by waiting. */
export function isWaiting(code: string): boolean {
  return WAITING.has(code);
}

/** Loads the verifier once, when the first badge needs it, and again after a failure. */
export function createLazyVerifier(load: () => Promise<Verifier>): () => Promise<Verifier> {
  let loading: Promise<Verifier> | undefined;
  return () => {
    loading ??= load().catch((cause: unknown) => {
      loading = undefined;
      throw cause;
    });
    return loading;
  };
}

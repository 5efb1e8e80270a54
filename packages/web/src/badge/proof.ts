import type { EndpointReport } from "@mach/sdk";
import type { BlockName, CertificateName, Rule } from "./said.ts";
import { withinMs } from "./time-limit.ts";
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

/** Codes of answers that only lack something; every other code says that what was served does not hold. */
const WAITING: ReadonlySet<string> = new Set([
  "pending",
  "pruned",
  "timed-out",
  "not-covered",
  "unavailable",
  "below-min-weight",
  "below-min-verification",
  "below-min-signed-weight",
]);

/** Whether a proof is only not there: nothing that was served was found wrong. */
export function isWaiting(code: string): boolean {
  return WAITING.has(code);
}

/** A slow connection loads it in less. */
const LOAD_TIMEOUT_MS = 30_000;

/** Loads the verifier once, when the first badge needs it, and again after a failure. */
export function createLazyVerifier(load: () => Promise<Verifier>): () => Promise<Verifier> {
  let loading: Promise<Verifier> | undefined;
  return () => {
    loading ??= withinMs(LOAD_TIMEOUT_MS, load).catch((cause: unknown) => {
      loading = undefined;
      throw cause;
    });
    return loading;
  };
}
